"""`heapledger.start()`: the engine and the collector inside this process, for a service that starts them itself."""

from __future__ import annotations

import atexit
import logging
import os

from heapledger import _autoload_main, _engine, _recorder
from heapledger.errors import HeapledgerError

_log = logging.getLogger("heapledger")
_recording = False


def start(output: str | os.PathLike[str] | None = None, run_dir: str | os.PathLike[str] | None = None) -> bool:
    """Record this process from here on. Call it first thing, before the application is imported.

    Under `heapledger run` and when called again this does nothing, nor does it with HEAPLEDGER_DISABLE=1. A recording
    that an earlier process left unfinished because it was killed is finished first.

    It never keeps a service from starting: where nothing can be recorded, the logger "heapledger" says so in one
    warning, and the process goes on unrecorded. Only arguments that are no paths raise (TypeError).

    Args:
        output: The recording. Default: `heapledger.db` in the current folder. An existing recording is kept as
            `heapledger.1.db` and so on; while another process writes it, this one records to `heapledger-2.db`.
        run_dir: Below which folder the live ledgers lie while the process runs. Default: a private one in /dev/shm,
            else in the system's folder for temporary files.

    Returns:
        Whether this process is recorded now.
    """
    paths = [os.fsdecode(os.fspath(path)) if path is not None else "" for path in (output, run_dir)]
    if os.environ.get("HEAPLEDGER_DISABLE") == "1":
        return False
    if _engine.status()["active"]:
        return True
    try:
        _begin(*paths)
    except Exception as error:
        _log.warning("this process is not recorded: %s", error)
        return False
    return True


def _begin(output: str, run_dir: str) -> None:
    global _recording
    folder = _recorder.start(output, run_dir)
    started = False
    try:
        started = _engine.start(folder)
    finally:
        if not started:
            _recorder.abandon()
    if not started:
        raise HeapledgerError(_engine.status().get("reason") or "the engine did not start")
    _recording = True
    atexit.register(_recorder.stop)  # runs after the freeze below and the service's own callbacks
    atexit.register(_engine.freeze)
    _autoload_main.install_hooks()


def flush() -> str:
    """Bring the recording up to date; its path, "" when this process does not record itself."""
    return _recorder.flush() if _recording else ""
