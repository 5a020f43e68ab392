"""FastAPI: what an endpoint returned is validated and dumped by one function. Bodies are validated by pydantic."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import SERIALIZE, mark, mark_awaited


def install_routing(module: Any) -> None:
    """fastapi.routing."""
    mark_awaited(module, SERIALIZE, "serialize_response")


def install_encoders(module: Any) -> None:
    """fastapi.encoders."""
    mark(module, SERIALIZE, "jsonable_encoder")
