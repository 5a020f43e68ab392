"""Replacing one method of a class that is not ours, visibly the same from outside."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from heapledger import _health

MARK = "__heapledger__"
replaced: list[tuple[Any, str, Any]] = []  # owner, name, what stood there


def wrap(owner: Any, name: str, make: Callable[[Any], Callable[..., Any]]) -> bool:
    """Put make(original) in the place of a method that `owner` itself defines. Twice is a no-op.

    False, and counted, when there is no such method: another release of the framework.
    """
    original = vars(owner).get(name)
    if original is None:
        _health.count(f"not_found:{getattr(owner, '__module__', '')}.{getattr(owner, '__name__', owner)}.{name}")
        return False
    if not hasattr(original, MARK):
        replacement = functools.wraps(original)(make(original))
        setattr(replacement, MARK, True)
        setattr(owner, name, replacement)
        replaced.append((owner, name, original))
    return True
