"""Starlette's request and JSON response. What `receive` waits for and hands over is marked where it is called."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, READ_WHOLE, SERIALIZE, mark, mark_awaited


def install_requests(module: Any) -> None:
    """starlette.requests."""
    mark_awaited(module.Request, READ_WHOLE, "body")
    mark_awaited(module.Request, DESERIALIZE, "_get_form")


def install_responses(module: Any) -> None:
    """starlette.responses."""
    mark(module.JSONResponse, SERIALIZE, "render")
