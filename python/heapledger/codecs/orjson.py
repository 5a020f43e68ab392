"""orjson."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, SERIALIZE, mark


def install(module: Any) -> None:
    """The orjson package."""
    mark(module, DESERIALIZE, "loads")
    mark(module, SERIALIZE, "dumps")
