"""What the versioned services' endpoints hold, by kind: the first version's bytes, and the second's by a factor."""

from __future__ import annotations

FIRST_BYTES = 1_000_000
FACTORS = {"half": 0.5, "equal": 1.0, "nearly": 1.02, "more": 1.3, "triple": 3.0}
SHIM_BYTES = 50_000


def hold(kind: str, version: int) -> None:
    """Hold so many bytes for a moment."""
    held = bytearray(round(FIRST_BYTES * (FACTORS[kind] if version == 2 else 1)))
    held[-1] = 1


def shim() -> None:
    """What only serves the first version."""
    held = bytearray(SHIM_BYTES)
    held[-1] = 1
