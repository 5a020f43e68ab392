"""FastAPI: what an endpoint returned is validated and dumped by one function. Bodies are validated by pydantic.

`jsonable_encoder` is not marked: it calls itself, and a call that we take is one of C, whose stack may be short.
"""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import SERIALIZE, mark_awaited


def install_routing(module: Any) -> None:
    """fastapi.routing."""
    mark_awaited(module, SERIALIZE, "serialize_response")
