"""A FastAPI application with every kind of route: included routers, mounts, sub-applications, files, WSGI."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import fake_engine
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.wsgi import WSGIMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from applications import flask_routes

URLS = [
    ("GET", "/items/7"), ("GET", "/items/none"), ("GET", "/items/404"), ("DELETE", "/items/7"), ("GET", "/none"),
    ("GET", "/files/a/b"), ("GET", "/api/v2/orders/3"), ("GET", "/api/v2/inner/x"), ("GET", "/sub/acme/inside/1"),
    ("GET", "/sub/acme/none"), ("GET", "/routes/one"), ("GET", "/static/none.txt"), ("GET", "/wsgi/items/7"),
    ("GET", "/background"), ("GET", "/older"), ("GET", "/streamed"), ("HEAD", "/routes/one"), ("GET", "/items/7/"),
]  # fmt: skip


def route_in_engine() -> Any:
    """The route that the engine knows for the request that runs here."""
    engine: Any = sys.modules["heapledger._engine"]
    request = engine.current()
    return engine.endpoints[request.endpoint][1]


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("plain")


def sub_application() -> FastAPI:
    sub, deeper = FastAPI(), FastAPI()

    @sub.get("/inside/{n}")
    async def inside(n: str) -> str:
        return n

    @deeper.get("/still/{n}")
    async def still(n: str) -> str:
        return n

    sub.mount("/deeper", deeper)
    return sub


def versioned() -> APIRouter:
    router, inner = APIRouter(prefix="/api/v2"), APIRouter()

    @router.get("/orders/{order_id}")
    def order(order_id: int) -> int:
        return order_id

    @router.get("/old", deprecated=True)
    async def old() -> str:
        return "old"

    @inner.get("/{name}")
    async def name(name: str) -> str:
        return name

    router.include_router(inner, prefix="/inner")
    return router


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        return await call_next(request)


def make(files: Path) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Passing)

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> int:
        if item_id == 404:
            raise HTTPException(404)
        return item_id

    @app.get("/files/{name:path}")
    async def file(name: str) -> str:
        return name

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("as intended")

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(lambda: None)
        return "later"

    @app.get("/named")
    async def named(name: str = Depends(route_in_engine)) -> str:
        return name

    @app.get("/streamed")
    async def streamed() -> StreamingResponse:
        return StreamingResponse((b"part" for _ in range(3)), media_type="text/plain")

    @app.get("/whose")
    async def whose() -> None:
        fake_engine.note_current()

    @app.get("/whose-in-a-thread")
    def whose_in_a_thread() -> None:
        fake_engine.note_current()

    @app.get("/dispatched")
    async def dispatched() -> str:
        return "dispatched"

    older = APIRouter()

    @older.get("/older")
    async def old_one() -> str:
        return "older"

    bare = APIRouter()
    bare.add_route("/plain", plain)
    app.include_router(bare, prefix="/included")
    app.include_router(older, deprecated=True)
    app.include_router(versioned())
    app.mount("/sub/{tenant}", sub_application())
    app.mount("/static", StaticFiles(directory=files))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.mount("/wsgi", WSGIMiddleware(flask_routes.make()))
    app.router.routes.append(Mount("/routes", routes=[Route("/{name}", plain)]))
    return app
