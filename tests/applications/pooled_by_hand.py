"""Pools that only their own makers know, watched by hand: `python pooled_by_hand.py SCENARIO "" [clean]`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import Any

import heapledger
import heapledger._engine

KEPT: list[Any] = []
CLEAN = "clean" in sys.argv[3:]
WORKS = 5


class _Handmade:
    def __init__(self) -> None:
        self.idle: list[Any] = []

    def make(self) -> Any:
        made = type("Made", (), {})()
        made.buffer = bytearray(100_000)
        return made

    def take(self) -> Any:
        return self.idle.pop() if self.idle else self.make()

    def give(self, connection: Any) -> None:
        self.idle.append(connection)

    def end(self, connection: Any) -> None:
        connection.buffer = None


def _handmade() -> Any:
    pool = heapledger.pools.watch(_Handmade(), acquire="take", release="give", create="make", name="handmade")
    KEPT.append(pool)
    return pool


def watched() -> None:
    """Prints how long each connection was held, at least and at most, in ns."""
    pool = _handmade()

    def keep_one() -> None:
        KEPT.append(pool.take())

    for _ in range(WORKS):
        with heapledger.request("work"):
            before_ns = time.monotonic_ns()
            connection = pool.take()
            taken_ns = time.monotonic_ns()
            sum(range(10_000))
            giving_ns = time.monotonic_ns()
            pool.give(connection)
            print(giving_ns - taken_ns, time.monotonic_ns() - before_ns)
    if not CLEAN:
        with heapledger.request("keeps"):
            keep_one()


def killed() -> None:
    """Holds two connections, one given back, in the middle of a request."""
    pool = _handmade()
    with heapledger.request("keeps"):
        KEPT.append(pool.take())
        KEPT.append(pool.take())
        pool.give(KEPT[-1])
        os.kill(os.getpid(), signal.SIGKILL)


def forked() -> None:
    """A pool with an idle connection is inherited by a child that makes one of its own."""
    pool = _handmade()
    pool.give(pool.take())
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    with heapledger.request("child"):
        inherited = pool.take()
        own = pool.take()
        pool.give(own)
        pool.give(inherited)


def dropped() -> None:
    """Pools drop one connection that is idle, and their users one that they have: with `close`, and without."""
    for name, close in (("closes", "end"), ("drops", None)):
        pool = _Handmade()
        heapledger.pools.watch(pool, acquire="take", release="give", create="make", close=close, name=name)
        KEPT.append(pool)
        with heapledger.request("drops"):
            pool.give(pool.take())
            pool.idle.clear()
            pool.take()
            pool.end(pool.take())


def watched_async() -> None:
    """A pool of coroutine functions, one of whose connections is closed."""

    class Handmade(_Handmade):
        async def make(self) -> Any:
            return super().make()

        async def take(self) -> Any:
            return self.idle.pop() if self.idle else await self.make()

        async def give(self, connection: Any) -> None:
            super().give(connection)

        async def end(self, connection: Any) -> None:
            super().end(connection)

    async def use(pool: Any) -> None:
        connection = await pool.take()
        await pool.give(connection)
        connection = await pool.take()
        await pool.end(connection)

    pool = Handmade()
    heapledger.pools.watch(pool, acquire="take", release="give", create="make", close="end", name="coroutines")
    KEPT.append(pool)
    with heapledger.request("work"):
        asyncio.run(use(pool))


def broken() -> None:
    """A pool whose every part is unlike what is expected of it; what it does comes out as it is."""

    class Odd:
        __slots__ = ("name",)

        def acquire(self) -> int:
            return 7

        def release(self, connection: int) -> int:
            raise ValueError(connection)

    class Failing:
        def acquire(self) -> None:
            raise LookupError("none")

    assert heapledger.pools.watch(Odd(), acquire="nothing").acquire() == 7
    failing = heapledger.pools.watch(Failing(), release="acquire", timeout=0.0)
    pool = heapledger.pools.watch(type("Open", (Odd,), {})(), name="x" * 5000)
    for _ in range(3):
        assert pool.acquire() == 7
        with contextlib.suppress(ValueError):
            pool.release(7)
            raise AssertionError
        with contextlib.suppress(LookupError):
            failing.acquire()
            raise AssertionError


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    # As it stands: nothing is closed, no loop is run to its end.
    sys.stdout.flush()
    heapledger._engine.freeze()
    if "stop" not in sys.argv:
        os._exit(0)
