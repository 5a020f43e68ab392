"""What heapledger raises. All of it derives from `HeapledgerError`; a recorded service never sees any."""

from __future__ import annotations

import sys


class HeapledgerError(Exception):
    """Something that heapledger was asked for cannot be done.

    Attributes:
        hint: What to do about it, one line; empty when there is nothing to say.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        if hint and sys.version_info >= (3, 11):
            self.add_note(f"hint: {hint}")


class RecordingError(HeapledgerError):
    """A recording cannot be read: absent, not one of ours, cut short, damaged, or newer than this version."""
