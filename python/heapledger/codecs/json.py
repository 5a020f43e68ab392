"""The standard library's json; frameworks and Django REST framework go through its functions."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, SERIALIZE, mark


def install(module: Any) -> None:
    """The json package."""
    mark(module, DESERIALIZE, "load", "loads")
    mark(module, SERIALIZE, "dump", "dumps")
