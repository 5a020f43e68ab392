"""The FastAPI routes as a server loads them."""

from __future__ import annotations

from pathlib import Path

from applications import fastapi_routes

app = fastapi_routes.make(Path(__file__).parent)
