"""Marking functions and methods of the service as a phase of whatever request calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _exchange, _health

READ = _engine.READ
READ_WHOLE = _engine.READ_WHOLE  # of a body: the application holds it
DESERIALIZE_WHOLE = _engine.DESERIALIZE_WHOLE
DESERIALIZE = _engine.DESERIALIZE
SERIALIZE = _engine.SERIALIZE

_MOST_WRAPPERS = 16


def mark(owner: Any, phase: int, *names: str) -> None:
    """Mark functions of a module, or methods and properties that a class itself defines.

    Nothing is replaced: the functions stay the objects that they are, and whoever has imported them already calls them
    marked. No frame of ours is in tracebacks.
    """
    for name in names:
        getter_of = owner if isinstance(vars(owner).get(name), property) else None

        def take(function: Any, getter_of: Any = getter_of) -> bool:
            return _engine.mark(function, phase, getter_of)

        _mark(owner, name, take)


def mark_awaited(owner: Any, phase: int, *names: str) -> None:
    """The same for coroutine functions: the phase lasts until they return."""
    for name in names:
        _mark(owner, name, lambda function: _exchange.mark_awaited(function, phase))


def _mark(owner: Any, name: str, take: Callable[[Any], bool]) -> None:
    function = _function_in(vars(owner).get(name))
    missing = "not_found" if function is None else "not_marked"
    for _ in range(_MOST_WRAPPERS):  # other tools wrap, too, and say around what
        if function is None:
            break
        if take(function):
            return
        function = getattr(function, "__wrapped__", None)
    _health.count(f"{missing}:{getattr(owner, '__module__', '')}.{getattr(owner, '__name__', owner)}.{name}")


def _function_in(found: Any) -> Any:
    if isinstance(found, property):
        return found.fget
    return found.__func__ if isinstance(found, (classmethod, staticmethod)) else found
