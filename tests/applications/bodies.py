"""Endpoints whose memory follows from their bodies' sizes. No test framework in here: servers import it."""

from __future__ import annotations

from collections.abc import Iterator

MEGABYTE = 1_000_000
PIECE_BYTES = 16_384  # what passes is less than what is measured
_PIECE = bytes(PIECE_BYTES)  # nobody's: it is there before the first request

RATIOS = (1, 2, 8)
BASES = (0, 10 * MEGABYTE)
COSTS = [(ratio, base) for ratio in RATIOS for base in BASES]
MANNERS = ("hold-in", "pass-in", "hold-out", "pass-out", "pass-both", "now-and-then")


def hold(ratio: int, base: int, size: int) -> tuple[bytearray, bytearray]:
    """Blocks of `base` and `ratio * size` bytes. No page of them is touched."""
    return bytearray(base), bytearray(ratio * size)


def pieces(size: int) -> Iterator[bytes]:
    """`size` bytes of which none is allocated but the end of the last piece."""
    while size > 0:
        yield _PIECE if size >= PIECE_BYTES else _PIECE[:size]
        size -= PIECE_BYTES


def pieces_while_held(ratio: int, base: int, size: int) -> Iterator[bytes]:
    """The same, while `hold` is held."""
    held = hold(ratio, base, size)
    yield from pieces(size)
    del held
