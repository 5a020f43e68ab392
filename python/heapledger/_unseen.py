"""Packages that allocate by themselves (mimalloc, jemalloc or mmap inside): their memory is in no request's figures."""

from __future__ import annotations

from heapledger import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def note(module: ModuleType) -> None:
    """Have the report name the package."""
    _engine.note_unseen(module.__name__.partition(".")[0])
