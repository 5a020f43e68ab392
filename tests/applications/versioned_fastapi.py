"""A FastAPI service in two versions: by path, by a mounted application, and by bodies that grow."""

from __future__ import annotations

import heapledger
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse

from applications import versioned

app = FastAPI()
inner = FastAPI()
NOTICES = {"Deprecation": "@1688169599", "Sunset": "Sun, 30 Jun 2030 23:59:59 GMT"}


def _router(version: int) -> APIRouter:
    router = APIRouter(prefix=f"/v{version}")

    for kind in versioned.FACTORS:
        router.add_api_route(f"/{kind}", _handler(kind, version), methods=["GET"])

    @router.post("/bodies")
    async def bodies(request: Request) -> PlainTextResponse:
        body = await request.body()
        held = bytearray(4 * len(body) * version)  # twice as much in the second
        return PlainTextResponse(str(len(held) > 0))

    return router


def _handler(kind: str, version: int):  # type: ignore[no-untyped-def]
    async def handler() -> PlainTextResponse:
        versioned.hold(kind, version)
        return PlainTextResponse("ok")

    return handler


app.include_router(_router(1))
app.include_router(_router(2))


@inner.get("/things/{thing_id}")
async def things(thing_id: int) -> PlainTextResponse:
    return PlainTextResponse(str(thing_id))


app.mount("/api/v3", inner)


@app.get("/old")
async def old() -> PlainTextResponse:
    with heapledger.compat("old fields"):
        versioned.shim()
    return PlainTextResponse("ok", headers=NOTICES)


@app.get("/renamed")
async def renamed(first: str, last: str) -> PlainTextResponse:
    heapledger.api_version(first)
    heapledger.api_version(last)
    return PlainTextResponse("ok")


@app.get("/work")
async def work(version: str) -> PlainTextResponse:
    with heapledger.request("recount"):
        heapledger.api_version(version)
    return PlainTextResponse("ok")


@app.get("/named/{version}")
async def named(version: str) -> PlainTextResponse:
    heapledger.api_version(version)
    return PlainTextResponse("ok")
