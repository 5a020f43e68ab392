"""`heapledger.start()`: the engine and the collector inside this process, for a service that starts them itself."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from heapledger import _autoload_main, _engine, _recorder
from heapledger.errors import HeapledgerError

_KEPT = 9
_folders: list[Path] = []


def start(output: str | os.PathLike[str] | None = None, run_dir: str | os.PathLike[str] | None = None) -> None:
    """Record this process from here on. Call it first thing, before the application is imported.

    Under `heapledger run` and when called again this does nothing.

    Args:
        output: The recording. Default: `heapledger.db` in the current folder, an existing one is kept as
            `heapledger.1.db` and so on. A file that is named here must not exist.
        run_dir: Where the live ledgers lie while the process runs. Default: a private folder in /dev/shm, else in the
            system's folder for temporary files.

    Raises:
        HeapledgerError: The recording cannot be written here, or this Python is not supported.
    """
    if _engine.status()["active"]:
        return
    recording = _new_recording(output)
    folder = _private_folder(run_dir)
    atexit.register(_finish, folder, os.getpid())  # runs after the freeze below and the service's own callbacks
    atexit.register(_engine.freeze)
    if not _engine.start(os.fspath(folder)):
        reason = _engine.status().get("reason") or "the engine did not start"
        raise HeapledgerError(f"cannot record this process: {reason}")
    try:
        _recorder.start(os.fspath(folder), os.fspath(recording))
    except OSError as error:
        raise HeapledgerError(f"cannot record to {recording}: {error}") from error
    _folders.append(folder)
    _autoload_main.install_hooks()


def flush() -> str:
    """Bring the recording up to date; its path, "" when this process does not record itself."""
    return _recorder.flush() if _folders else ""


def _finish(folder: Path, owner: int) -> None:
    if os.getpid() != owner:  # a forked worker: its ledger lies in its parent's folder
        return
    _recorder.stop()
    shutil.rmtree(folder, ignore_errors=True)


def _new_recording(output: str | os.PathLike[str] | None) -> Path:
    if output is not None:
        recording = Path(output).absolute()
        if recording.exists():
            raise HeapledgerError(f"{recording} exists")
        return recording
    recording = Path("heapledger.db").absolute()
    if recording.exists():
        for number in range(_KEPT - 1, 0, -1):
            older = recording.with_name(f"heapledger.{number}.db")
            if older.exists():
                older.replace(recording.with_name(f"heapledger.{number + 1}.db"))
        recording.replace(recording.with_name("heapledger.1.db"))
    return recording


def _private_folder(run_dir: str | os.PathLike[str] | None) -> Path:
    if run_dir is not None:
        parents = [Path(run_dir)]
        parents[0].mkdir(mode=0o700, parents=True, exist_ok=True)
    else:
        parents = [Path("/dev/shm"), Path(tempfile.gettempdir())]
    parent = next((folder for folder in parents if os.access(folder, os.W_OK)), parents[-1])
    try:
        return Path(tempfile.mkdtemp(prefix=f"heapledger-{os.getuid()}-", dir=parent))
    except OSError as error:
        raise HeapledgerError(f"no folder for the live ledgers: {error}") from error
