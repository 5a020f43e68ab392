"""A FastAPI service behind Starlette's GZipMiddleware."""

from __future__ import annotations

import gzip

from fastapi import FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from applications import zipped

app = FastAPI()
app.add_middleware(GZipMiddleware, minimum_size=500)


@app.get("/text/{length}")
async def text(length: int) -> Response:
    return Response(zipped.text(length), media_type="text/plain")


@app.post("/unzip")
async def unzip(request: Request) -> Response:
    return Response(str(len(gzip.decompress(await request.body()))))


@app.post("/whole")
async def whole(request: Request) -> Response:
    return Response(str(len(await request.body())))


@app.post("/pieces")
async def pieces(request: Request) -> Response:
    return Response(str(sum([len(piece) async for piece in request.stream()])))


@app.get("/nothing")
async def nothing() -> Response:
    return Response(status_code=204)
