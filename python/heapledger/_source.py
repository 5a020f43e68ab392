"""Which recording an analysis reads."""

from __future__ import annotations

import os

from heapledger.errors import RecordingError


def path_of(recording: str | os.PathLike[str] | None) -> str | os.PathLike[str]:
    """The recording to read; None: the one that this process makes of itself, brought up to date first.

    Raises:
        RecordingError: None was given, and this process does not record itself.
    """
    if recording is not None:
        return recording
    from heapledger import _engine, _live

    path = _live.flush()
    if path:
        return path
    if _engine.status()["active"]:
        raise RecordingError(
            "this process is recorded by another: `heapledger run`, or the one that forked it",
            hint="give the path of its recording, usually heapledger.db where the service was started",
        )
    raise RecordingError("this process does not record itself", hint="call heapledger.start() first")
