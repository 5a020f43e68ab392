"""Something noted about objects that are not ours: told apart by identity, held weakly, and nothing put on them.

So their copies, pickles, `vars()` and comparisons are what they would be without us.
"""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class _Reference(weakref.ref):  # type: ignore[type-arg]
    __slots__ = ("key",)

    key: int


class ByIdentity(Generic[_T]):
    """What is noted goes when its object does."""

    __slots__ = ("__weakref__", "_noted")

    def __init__(self) -> None:
        self._noted: dict[int, tuple[_Reference, _T]] = {}

    def get(self, thing: Any) -> _T | None:
        """What is noted about it, if anything."""
        found = self._noted.get(id(thing))
        return found[1] if found is not None and found[0]() is thing else None

    def note(self, thing: Any, value: _T) -> None:
        """Note it. TypeError: the object takes no weak reference."""
        reference = _Reference(thing, self._gone)
        reference.key = id(thing)
        self._noted[reference.key] = (reference, value)

    def forget(self, thing: Any) -> _T | None:
        """Note it no longer; what was noted."""
        value = self.get(thing)
        if value is not None:
            self._noted.pop(id(thing), None)
        return value

    def _gone(self, reference: Any) -> None:
        found = self._noted.get(reference.key)
        if found is not None and found[0] is reference:
            del self._noted[reference.key]
