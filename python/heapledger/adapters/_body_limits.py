"""How large a request body may be, by the settings of frameworks: what a recording says about its workers."""

from __future__ import annotations

from collections.abc import Callable

from heapledger import _engine, _health


def note(setting: str, read: Callable[[], int | None]) -> None:
    """Note what a setting of this process says; None: it sets no limit. Never raises."""
    try:
        limit = read()
        if limit is not None and limit < 0:
            return
        if not _engine.note_body_limit(setting, limit):
            _health.count("body_limits_dropped")
    except Exception:
        _health.count("body_limit_unread")
