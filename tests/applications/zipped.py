"""What the services with compressing middleware answer."""

from __future__ import annotations

import hashlib

_BLOCKS = 65_536
_TEXT = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(_BLOCKS)).encode()


def text(length: int) -> bytes:
    """Hexadecimal digits that zip to about half, at most 4 MiB of them, the same in every process: one new block."""
    return _TEXT[:length]
