"""What a request may leave behind: each handler's bytes are known, and so is the line that makes them."""

from __future__ import annotations

import random
from functools import cache, lru_cache

BUFFER_BYTES = 64 * 1024
SMALL_BYTES = 64 - 33  # a bytes object of 64 bytes with its header
ENTRY_BYTES = 8 * 1024
WARM_BYTES = 1024 * 1024
KEYS = 300
BOUNDED_ENTRIES = 50

held: list[object] = []
filling: dict[int, bytearray] = {}
unbounded: dict[int, bytearray] = {}
_keys = random.Random(7)
_numbers = iter(range(10**9))


def leak() -> None:
    """A global list of buffers."""
    held.append(bytearray(BUFFER_BYTES))  # the leaking line


def leak_small() -> None:
    """One small object a request."""
    held.append(bytes(SMALL_BYTES + next(_numbers) % 2))  # the small leaking line


def fill() -> None:
    """A dict that will know all of its keys one day."""
    key = _keys.randrange(KEYS)
    if key not in filling:
        filling[key] = bytearray(ENTRY_BYTES)


def fill_for_ever() -> None:
    """A dict that never meets a key again."""
    unbounded[next(_numbers)] = bytearray(ENTRY_BYTES)


@lru_cache(maxsize=BOUNDED_ENTRIES)
def _entry(key: int) -> bytearray:
    return bytearray(ENTRY_BYTES)


def fill_bounded() -> None:
    """A cache that evicts its oldest entry for each new one."""
    _entry(next(_numbers))


@cache
def _table() -> list[bytes]:
    return [bytes(1024) for _ in range(WARM_BYTES // 1024)]


def warm() -> int:
    """What every request wants is made once."""
    return len(_table())


def clean() -> int:
    """Nothing stays."""
    return sum(len(bytes(1000 + i)) for i in range(100))


KINDS = {
    "leak": leak, "leak-small": leak_small, "fill": fill, "fill-for-ever": fill_for_ever,
    "fill-bounded": fill_bounded, "warm": warm, "clean": clean,
}  # fmt: skip
