"""A method that is watched on some objects of a class, and is what it was on all others.

It stands on the class, so that nothing of ours is on the object: a copy, a pickle, `vars()` and `==` know nothing of
it, and a copy works on itself. What the method is without us is found anew at each call: a function of the class or of
a base, an attribute of the object, or what `__getattr__` answers.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from heapledger.pools._by_identity import ByIdentity

_MISSING: Any = object()


class WatchedMethod:
    """Stands on a class under a name. A data descriptor, so that it comes before what is on the object."""

    def __init__(self, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name
        self._own = vars(owner).get(name, _MISSING)
        self._watched: ByIdentity[Callable[..., Any]] = ByIdentity()

    def watch(self, instance: Any, around: Callable[..., Any], around_async: Callable[..., Any]) -> None:
        """From now on this object's method(...) is around(method, ...); of a coroutine function the other one.

        Once is enough. TypeError: the object takes no weak reference.
        """
        if self._watched.get(instance) is not None:
            return
        find = self._without_us

        def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            return around(find(self), *args, **kwargs)

        async def call_async(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            return await around_async(find(self), *args, **kwargs)

        original = find(instance)
        replacement = call_async if inspect.iscoroutinefunction(original) else call
        _dress(replacement, original, self._name)
        self._watched.note(instance, replacement)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            found = self._of_class(owner if owner is not None else self._owner)
            if found is _MISSING:
                raise AttributeError(f"type object {getattr(owner, '__name__', '')!r} has no attribute {self._name!r}")
            return _bound(found, None, owner)
        watched = self._watched.get(instance)
        if watched is None:
            return self._found(instance)  # an AttributeError of ours makes Python ask __getattr__
        return MethodType(watched, instance)

    def __set__(self, instance: Any, value: Any) -> None:
        self._watched.forget(instance)
        found = self._of_class(type(instance))
        if hasattr(type(found), "__set__"):
            type(found).__set__(found, instance, value)
        else:
            self._attributes(instance)[self._name] = value

    def __delete__(self, instance: Any) -> None:
        self._watched.forget(instance)
        found = self._of_class(type(instance))
        if hasattr(type(found), "__delete__"):
            type(found).__delete__(found, instance)
        elif self._name in self._attributes(instance):
            del self._attributes(instance)[self._name]
        else:
            raise AttributeError(self._name)

    def _attributes(self, instance: Any) -> dict[str, Any]:
        try:
            attributes: dict[str, Any] = object.__getattribute__(instance, "__dict__")
            return attributes
        except AttributeError:
            what = f"{type(instance).__name__!r} object attribute {self._name!r} is read-only"
            raise AttributeError(what) from None

    def _of_class(self, owner: type) -> Any:
        if self._own is not _MISSING:
            return self._own
        mro = owner.__mro__
        bases = mro[mro.index(self._owner) + 1 :] if self._owner in mro else ()
        return next((vars(base)[self._name] for base in bases if self._name in vars(base)), _MISSING)

    def _found(self, instance: Any) -> Any:
        """What normal look-up finds: AttributeError, nothing."""
        found = self._of_class(type(instance))
        if not hasattr(type(found), "__set__"):
            with contextlib.suppress(AttributeError):
                kept = object.__getattribute__(instance, "__dict__")
                if self._name in kept:
                    return kept[self._name]
        if found is _MISSING:
            raise AttributeError(f"{type(instance).__name__!r} object has no attribute {self._name!r}")
        return _bound(found, instance, type(instance))

    def _without_us(self, instance: Any) -> Any:
        try:
            return self._found(instance)
        except AttributeError:
            return type(instance).__getattr__(instance, self._name)


def _bound(found: Any, instance: Any, owner: type | None) -> Any:
    get = getattr(type(found), "__get__", None)
    return found if get is None else get(found, instance, owner)


def _dress(replacement: Any, original: Any, name: str) -> None:
    """As the original, from outside, without holding the object that a bound method holds."""
    copied = functools.WRAPPER_UPDATES if isinstance(original, MethodType | FunctionType) else ()
    functools.update_wrapper(replacement, original, updated=copied)  # reading a partial's __dict__ would make one
    del replacement.__wrapped__
    replacement.__name__ = name  # bound methods are pickled by it
    with contextlib.suppress(TypeError, ValueError):
        signature = inspect.signature(original)
        itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        replacement.__signature__ = signature.replace(parameters=[itself, *signature.parameters.values()])


def watch_method(instance: Any, name: str, around: Callable[..., Any], around_async: Callable[..., Any]) -> None:
    """Watch one method of one object. What cannot be watched raises, and is as it was."""
    owner = type(instance)
    standing = vars(owner).get(name)
    if not isinstance(standing, WatchedMethod):
        getattr(instance, name)
        standing = WatchedMethod(owner, name)
        standing.watch(instance, around, around_async)
        setattr(owner, name, standing)
    else:
        standing.watch(instance, around, around_async)
