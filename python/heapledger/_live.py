"""`heapledger.start()`: the engine and the collector inside this process, for a service that starts them itself."""

from __future__ import annotations

import atexit
import os

from heapledger import _autoload_main, _engine, _recorder
from heapledger.errors import HeapledgerError

_recording = False


def start(output: str | os.PathLike[str] | None = None, run_dir: str | os.PathLike[str] | None = None) -> None:
    """Record this process from here on. Call it first thing, before the application is imported.

    Under `heapledger run` and when called again this does nothing. A recording that an earlier process left unfinished
    because it was killed is finished first.

    Args:
        output: The recording. Default: `heapledger.db` in the current folder; an existing one is kept as
            `heapledger.1.db` and so on; while another process writes it, `heapledger-2.db`. A file that is named here
            must not exist.
        run_dir: Below which folder the live ledgers lie while the process runs. Default: a private one in /dev/shm,
            else in the system's folder for temporary files.

    Raises:
        HeapledgerError: The recording cannot be written here, or this Python is not supported.
    """
    global _recording
    if _engine.status()["active"]:
        return
    try:
        folder = _recorder.start(
            os.fspath(output) if output is not None else "",
            os.fspath(run_dir) if run_dir is not None else "",
        )
    except OSError as error:
        raise HeapledgerError(f"cannot record this process: {error}") from error
    started = False
    try:
        started = _engine.start(folder)
    finally:
        if not started:
            _recorder.abandon()
    if not started:
        reason = _engine.status().get("reason") or "the engine did not start"
        raise HeapledgerError(f"cannot record this process: {reason}")
    _recording = True
    atexit.register(_recorder.stop)  # runs after the freeze below and the service's own callbacks
    atexit.register(_engine.freeze)
    _autoload_main.install_hooks()


def flush() -> str:
    """Bring the recording up to date; its path, "" when this process does not record itself."""
    return _recorder.flush() if _recording else ""
