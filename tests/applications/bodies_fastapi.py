"""A FastAPI service that spends memory in proportion to bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from fastapi import FastAPI, Request, UploadFile
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from applications import bodies

app = FastAPI()


async def _read(request: Request) -> int:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return size


async def _in_pieces(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _streamed(parts: Iterator[bytes]) -> StreamingResponse:
    return StreamingResponse(_in_pieces(parts), media_type="application/octet-stream")


def _spends_on_requests(ratio: int, base: int) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    async def handler(request: Request) -> PlainTextResponse:
        bodies.hold(ratio, base, await _read(request))
        return PlainTextResponse("ok")

    return handler


def _spends_on_responses(ratio: int, base: int) -> Callable[[int], Awaitable[StreamingResponse]]:
    async def handler(size: int) -> StreamingResponse:
        return _streamed(bodies.pieces_while_held(ratio, base, size))

    return handler


for _ratio, _base in bodies.COSTS:
    app.post(f"/in/{_ratio}/{_base}")(_spends_on_requests(_ratio, _base))
    app.get(f"/out/{_ratio}/{_base}")(_spends_on_responses(_ratio, _base))


@app.post("/files")
async def files(file: UploadFile) -> PlainTextResponse:
    return PlainTextResponse(str(len(await file.read())))


@app.post("/nothing")
async def nothing() -> Response:
    return Response(status_code=204)


@app.post("/hold-in")
async def hold_in(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@app.post("/pass-in")
async def pass_in(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(await _read(request)))


@app.get("/hold-out")
async def hold_out(size: int) -> Response:
    return Response(bytes(size), media_type="application/octet-stream")


@app.get("/pass-out")
async def pass_out(size: int) -> StreamingResponse:
    return _streamed(bodies.pieces(size))


@app.post("/pass-both")
async def pass_both(request: Request, size: int) -> StreamingResponse:
    await _read(request)
    return _streamed(bodies.pieces(size))


@app.post("/now-and-then")
async def now_and_then(request: Request) -> PlainTextResponse:
    passed = request.query_params.get("pass")
    return PlainTextResponse(str(await _read(request) if passed else len(await request.body())))
