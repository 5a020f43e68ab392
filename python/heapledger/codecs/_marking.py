"""Marking functions and methods of the service as a phase of whatever request calls them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from heapledger import _engine, _exchange, _health
from heapledger.adapters import _patching

READ = _engine.READ
DESERIALIZE = _engine.DESERIALIZE
SERIALIZE = _engine.SERIALIZE


def mark(owner: Any, phase: int, *names: str) -> None:
    """Replace functions of a module, or methods and properties that a class itself defines.

    The replacement is written in C++: no frame of it is in tracebacks, and its arguments are the original's.
    """
    for name in names:
        _replace(owner, name, functools.partial(_phased, phase=phase))


def mark_awaited(owner: Any, phase: int, *names: str) -> None:
    """The same for coroutine functions: the phase lasts until they return."""
    for name in names:
        _replace(owner, name, functools.partial(_awaited, phase=phase))


def _replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    original = vars(owner).get(name)
    if original is None:
        _health.count(f"not_found:{getattr(owner, '__module__', '')}.{getattr(owner, '__name__', owner)}.{name}")
        return
    if type(original) is property:
        inner = original.fget
        replacement: Any = _property_around(original, make) if inner and not _is_ours(inner) else original
    elif isinstance(original, (classmethod, staticmethod)):
        inner = original.__func__
        replacement = original if _is_ours(inner) else type(original)(_dressed(make(inner), inner))
    else:
        replacement = original if _is_ours(original) else _dressed(make(original), original)
    if replacement is not original:
        setattr(owner, name, replacement)
        _patching.replaced.append((owner, name, original))


def _property_around(original: property, make: Callable[[Any], Any]) -> property:
    getter = _dressed(make(original.fget), original.fget)
    return property(getter, original.fset, original.fdel, original.__doc__)


def _is_ours(function: Any) -> bool:
    return hasattr(function, _patching.MARK)


def _dressed(replacement: Any, original: Any) -> Any:
    replacement = functools.wraps(original)(replacement)
    setattr(replacement, _patching.MARK, True)
    return replacement


def _phased(original: Callable[..., Any], phase: int) -> Callable[..., Any]:
    return _engine.Phased(original, phase)


def _awaited(original: Callable[..., Any], phase: int) -> Callable[..., Any]:
    return _engine.Phased(_exchange.Visiting(original, phase), _engine.HANDLE)
