"""Work of a known cost, and gates that hold requests together in flight. No test framework in here: servers import it.

A gate costs the requests that wait at it next to nothing: what it needs is made before, in a request of its own.
"""

from __future__ import annotations

import asyncio
import bz2
import lzma
import sys
import threading
from typing import Any

DEADLINE_SECONDS = 30.0
# Booked on top of the length: a bytes object's header and last NUL; of a bytearray's buffer the NUL alone, until
# that buffer became a bytes object.
BYTES_OVERHEAD = 33
BYTEARRAY_OVERHEAD = 1 if sys.version_info < (3, 15) else BYTES_OVERHEAD
STEP_BYTES = 4096

kept: dict[str, Any] = {}  # what one request hands to another
holding = threading.Event()
go_on = threading.Event()  # for threads that outlive their request


class Gate:
    """Threads wait inside until `open` was called, which waits until all of them are inside."""

    def __init__(self, parties: int) -> None:
        self._missing = parties
        self._count = threading.Lock()
        self._all_inside = threading.Lock()
        self._opened = threading.Lock()
        self._all_inside.acquire()
        self._opened.acquire()

    def wait(self) -> None:
        with self._count:
            self._missing -= 1
            if self._missing == 0:
                self._all_inside.release()
        if not self._opened.acquire(timeout=DEADLINE_SECONDS):
            raise TimeoutError("the gate was not opened")
        self._opened.release()

    def all_inside(self) -> None:
        if not self._all_inside.acquire(timeout=DEADLINE_SECONDS):
            raise TimeoutError(f"{self._missing} are missing")
        self._all_inside.release()

    def open(self) -> None:
        self.all_inside()
        self._opened.release()


class AsyncGate:
    """The same for tasks of one event loop."""

    def __init__(self, parties: int) -> None:
        loop = asyncio.get_running_loop()
        self._missing = parties
        self._all_inside = loop.create_future()
        self._places = [loop.create_future() for _ in range(parties)]

    async def wait(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            self._all_inside.set_result(None)
        await self._places[self._missing]

    async def all_inside(self) -> None:
        await asyncio.wait_for(asyncio.shield(self._all_inside), DEADLINE_SECONDS)

    async def open(self) -> None:
        await self.all_inside()
        for place in self._places:
            place.set_result(None)


gates: dict[str, Gate] = {}
async_gates: dict[str, AsyncGate] = {}


def buffer(booked: int) -> bytearray:
    """A block of exactly this many booked bytes."""
    return bytearray(max(0, booked - BYTEARRAY_OVERHEAD))


def buffer_into(held: list[bytearray], booked: int) -> None:
    """For threads: what they return their pool may hold for a moment longer than the request lasts."""
    held.append(buffer(booked))


def text(booked: int) -> bytes:
    """The same as a bytes object, in one block."""
    return bytes(booked - BYTES_OVERHEAD)


def size_by_number(sequence: int) -> int:
    """Sizes that differ by more than the rest of a request does. A bytes object's pages are never touched."""
    return 512 * 1024 + sequence % 2048 * STEP_BYTES


def big_list(booked: int) -> list[None]:
    """A list whose items are one block of this size."""
    return [None] * (booked // 8)


def ordinary_objects(count: int) -> list[dict[str, Any]]:
    """What a handler builds on any day: dicts, strings, lists, floats."""
    return [{"id": n, "name": f"item number {n}", "tags": ["a", "b", n], "price": n / 7} for n in range(count)]


_PLAIN = b"".join(b"%d:" % n for n in range(20_000))


def compress(rounds: int) -> int:
    """Allocations and frees without the GIL, by lzma and bz2."""
    total = 0
    for _ in range(rounds):
        total += len(bz2.compress(_PLAIN, 1))
        total += len(lzma.decompress(lzma.compress(_PLAIN, preset=0)))
    return total


def allocate_later(booked: int) -> threading.Thread:
    """A thread that allocates once `go_on` is set, when the request that started it is long over."""

    def work() -> None:
        if go_on.wait(DEADLINE_SECONDS):
            kept["late"] = buffer(booked)

    thread = threading.Thread(target=work)
    thread.start()
    return thread
