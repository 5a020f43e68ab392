"""The orders API in FastAPI: `heapledger run -- uvicorn examples.orders_fastapi:app`."""

from __future__ import annotations

from examples.orders.fastapi_app import app

__all__ = ["app"]
