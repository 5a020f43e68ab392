"""Pools of many makes, and copies of them: prints as JSON what each did, watched and not. `python pool_copies.py`."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import json
import os
import pickle
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import heapledger
import heapledger._engine


class Connection:
    def __init__(self, of: str) -> None:
        self.of = of


class Plain:
    def __init__(self) -> None:
        self.name = "one"
        self.idle: list[Any] = []

    def acquire(self, of: str = "") -> Connection:
        """Take one."""
        return self.idle.pop() if self.idle else Connection(of or self.name)

    def release(self, connection: Connection) -> None:
        self.idle.append(connection)


class Derived(Plain):
    def acquire(self, of: str = "") -> Connection:
        return super().acquire(of)


class Slotted(Plain):
    __slots__ = ()


class OnlySlots:
    __slots__ = ("__weakref__", "idle", "name")

    acquire = Plain.acquire
    release = Plain.release

    def __init__(self) -> None:
        self.name = "one"
        self.idle: list[Any] = []


@dataclass
class Compared:
    name: str = "one"
    idle: list[Any] = field(default_factory=list)
    acquire_ = Plain.acquire

    def acquire(self, of: str = "") -> Connection:
        return self.idle.pop() if self.idle else Connection(of or self.name)

    def release(self, connection: Connection) -> None:
        self.idle.append(connection)


def _take(pool: Any) -> Connection:
    return Connection(pool.name)


class OnTheObject(Plain):
    """Its methods are attributes of the object."""

    def __init__(self) -> None:
        super().__init__()
        self.acquire = functools.partial(_take, self)  # type: ignore[method-assign]


class Proxy:
    """Its methods are another's."""

    def __init__(self) -> None:
        self.inner = Plain()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def rename(self, name: str) -> None:
        self.inner.name = name


MAKES: list[Callable[[], Any]] = [Plain, Derived, Slotted, OnlySlots, Compared, OnTheObject, Proxy]
COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda pool: pickle.loads(pickle.dumps(pool)),
    "bound": lambda pool: pickle.loads(pickle.dumps(pool.release)).__self__,
}


def rename(pool: Any, name: str) -> None:
    pool.rename(name) if isinstance(pool, Proxy) else setattr(pool, "name", name)


def does(make: Callable[[], Any], watched: bool) -> dict[str, Any]:
    """What a pool and its copies do. Never differs by `watched`."""
    pool = make()
    if watched:
        assert heapledger.pools.watch(pool, name=make.__name__) is pool
    said: dict[str, Any] = {
        "signature": str(inspect.signature(pool.acquire)),
        "of class": str(inspect.signature(make.acquire)) if hasattr(make, "acquire") else None,
        "equal": pool.acquire == pool.acquire,
        "doc": pool.release.__doc__,
        "vars": sorted(vars(pool)) if hasattr(pool, "__dict__") else None,
        "same": pool == copy.copy(pool),
        "bytes": len(pickle.dumps(pool)),
        "dir": sorted({*dir(pool)} - {"acquire", "release"}),  # a proxy's class has them then
    }
    with heapledger.request("original"):
        connection = pool.acquire()
        said["own"] = (connection.of, sorted(vars(connection)), copy.deepcopy(connection).of)
        said["connection"] = len(pickle.dumps(connection))
        pool.release(connection)
    for way, make_copy in COPIES.items():
        other = make_copy(pool)
        rename(other, "two")
        with heapledger.request("copy"):
            taken = [other.acquire(), other.acquire()]  # what had come back, and a new one
            for connection in taken:
                other.release(connection)
            said[way] = (type(other).__name__, taken[1].of, [c.of for c in getattr(other, "idle", [])])
        rename(pool, "one")
    try:
        pool.acquire = functools.partial(Connection, "replaced")
        said["replaced"] = pool.acquire().of
        del pool.acquire
    except AttributeError as error:
        said["replaced"] = str(error)
    gone = weakref.ref(pool)
    del pool, other, taken
    gc.collect()
    said["gone"] = gone() is None
    return said


def main() -> None:
    said = {}
    for make in MAKES:
        try:
            said[make.__name__] = [does(make, watched) for watched in (False, True)]
        except Exception as error:
            raise AssertionError(make.__name__) from error
    print(json.dumps(said))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    heapledger._engine.freeze()
    os._exit(0)
