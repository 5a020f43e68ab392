"""What the analyses' arguments may be, and the form in which the C++ library takes them. ValueError for what makes no
sense.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

Moment = str | float | timedelta | datetime


def names(values: str | Iterable[str]) -> list[str]:
    """One or several."""
    return [values] if isinstance(values, str) else list(values)


def whole(name: str, value: object) -> int:
    """A size or a count, 0 included."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number from 0 up, not {value!r}")
    return value


def whole_numbers(name: str, values: int | Iterable[int]) -> list[int]:
    """One or several, each as `whole` has it."""
    return [whole(name, value) for value in ([values] if isinstance(values, int) else values)]


def seconds(value: object) -> str:
    """A duration, or a time after the recording's start, before its end where negative."""
    given = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError(f"{value!r} is not a time or duration: give seconds, a timedelta or a text such as 90s")
    return f"{given:.6f}"


def moment(value: Moment) -> str:
    """A point in time; a datetime without a zone is UTC."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        known = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
        return known.astimezone(timezone.utc).isoformat()
    return seconds(value)
