"""How a handler's memory comes and goes over its time: every quarter of it holds what its name says."""

from __future__ import annotations

import asyncio
import time

MIB = 1024 * 1024
HELD_BYTES = 8 * MIB
QUARTER_SECONDS = 0.04
ESCAPING_BYTES = 64 * 1024
AFTERWARDS_BYTES = 1 * MIB

# Bytes held in each quarter.
SHAPES = {
    "first-half": (HELD_BYTES, HELD_BYTES, 0, 0),
    "second-half": (0, 0, HELD_BYTES, HELD_BYTES),
    "stairs": (2 * MIB, 4 * MIB, 6 * MIB, 8 * MIB),
}

_last: list[bytearray] = []


def hold(shape: str) -> None:
    """For threads."""
    held = bytearray()
    for booked in SHAPES[shape]:
        if len(held) != booked:
            held = bytearray()
            held = bytearray(booked)
        time.sleep(QUARTER_SECONDS)


async def hold_awaiting(shape: str) -> None:
    """For an event loop."""
    held = bytearray()
    for booked in SHAPES[shape]:
        if len(held) != booked:
            held = bytearray()
            held = bytearray(booked)
        await asyncio.sleep(QUARTER_SECONDS)


def escape() -> None:
    """One block outlives the request, until the next one comes."""
    _last[:] = [bytearray(ESCAPING_BYTES)]


def allocate_afterwards() -> None:
    """A background task."""
    bytearray(AFTERWARDS_BYTES)
