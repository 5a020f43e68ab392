"""Requests that hold one another up, and some that do not: who holds the lock holds memory, too."""

from __future__ import annotations

import asyncio
import threading
import time

HELD_BYTES = 8 * 1024 * 1024
HOLDING_SECONDS = 0.03
QUICK_SECONDS = 0.004

_lock = threading.Lock()


class _LoopsLock:
    """An asyncio.Lock belongs to the loop that it was first waited for in."""

    lock: asyncio.Lock | None = None


def hold() -> int:
    """Holds the lock, and a block."""
    with _lock:
        held = bytearray(HELD_BYTES)
        time.sleep(HOLDING_SECONDS)
    return len(held)


def wait() -> int:
    """Wants the lock for a moment."""
    with _lock:
        pass
    time.sleep(QUICK_SECONDS)
    return 0


def pass_by() -> int:
    """Wants nothing of anybody."""
    time.sleep(QUICK_SECONDS)
    return 0


def _loops_lock() -> asyncio.Lock:
    if _LoopsLock.lock is None:
        _LoopsLock.lock = asyncio.Lock()
    return _LoopsLock.lock


async def hold_awaiting() -> int:
    """The same for an event loop, as the next two."""
    async with _loops_lock():
        held = bytearray(HELD_BYTES)
        await asyncio.sleep(HOLDING_SECONDS)
    return len(held)


async def wait_awaiting() -> int:
    async with _loops_lock():
        pass
    await asyncio.sleep(QUICK_SECONDS)
    return 0


async def pass_by_awaiting() -> int:
    await asyncio.sleep(QUICK_SECONDS)
    return 0


KINDS = {"hold": (hold, hold_awaiting), "wait": (wait, wait_awaiting), "pass-by": (pass_by, pass_by_awaiting)}
