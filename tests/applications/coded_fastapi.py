"""A FastAPI service whose requests allocate in phases."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator

from fastapi import FastAPI, Request
from pydantic import BaseModel, field_serializer, field_validator
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from applications import coded, costs
from applications.costs import async_gates

app = FastAPI()


class Work(BaseModel):
    """Allocates this much while it is validated, and while it is dumped."""

    parsed: int
    written: int

    @field_validator("parsed")
    @classmethod
    def allocate(cls, booked: int) -> int:
        return len(costs.buffer(booked)) and booked

    @field_serializer("written")
    def allocate_again(self, booked: int) -> int:
        return len(costs.buffer(booked)) and booked


class Text(BaseModel):
    text: str


@app.get("/gates/{name}/{parties}")
async def make_gate(name: str, parties: int) -> PlainTextResponse:
    async_gates[name] = costs.AsyncGate(parties)
    return PlainTextResponse("ok")


@app.get("/gates/{name}")
async def open_gate(name: str) -> PlainTextResponse:
    await async_gates[name].open()
    return PlainTextResponse("ok")


@app.get("/explicit/{parsed}/{handled}/{written}")
async def explicit(parsed: int, handled: int, written: int) -> PlainTextResponse:
    return PlainTextResponse(coded.explicit(parsed, handled, written))


@app.get("/together/{gate}/{parsed}/{handled}/{written}")
async def together(gate: str, parsed: int, handled: int, written: int) -> PlainTextResponse:
    held = coded.parse(parsed)
    await async_gates[gate].wait()
    return PlainTextResponse(coded.explicit(parsed, handled, written)[:0] + str(len(held)))


@app.get("/failing/{booked}")
async def failing(booked: int) -> PlainTextResponse:
    return PlainTextResponse(coded.failing(booked))


@app.get("/nested/{booked}")
async def nested(booked: int) -> PlainTextResponse:
    return PlainTextResponse(coded.nested(booked))


@app.get("/in-thread/{booked}")
async def in_thread(booked: int) -> PlainTextResponse:
    return PlainTextResponse(await asyncio.to_thread(coded.in_thread, booked))


@app.get("/in-two-threads/{booked}")
def in_two_threads(booked: int) -> PlainTextResponse:
    return PlainTextResponse(coded.in_two_threads(booked))


@app.get("/stream/{booked}")
async def stream(booked: int) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in coded.pieces(booked):
            yield piece
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


@app.get("/stream-in-threads/{booked}")
def stream_in_threads(booked: int) -> StreamingResponse:
    def pieces() -> Iterator[bytes]:
        yield from coded.pieces(booked)

    return StreamingResponse(pieces(), media_type="text/plain")


@app.post("/body")
async def body(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@app.post("/json")
async def json_body(body: Text) -> Text:
    return body


@app.post("/plain-json")
async def plain_json(request: Request) -> dict[str, str]:
    return {"text": (await request.json())["text"]}


@app.post("/work")
async def work(body: Work) -> Work:
    return body


@app.post("/form")
async def form(request: Request) -> PlainTextResponse:
    fields = await request.form()
    return PlainTextResponse(str(len(await fields["file"].read()) + len(fields["name"])))  # type: ignore[union-attr, arg-type]


@app.get("/gzip/{length}")
async def zipped(length: int) -> Response:
    return Response(gzip.compress(bytes(length)), headers={"Content-Encoding": "gzip"}, media_type="text/plain")


@app.get("/nothing", status_code=204)
async def nothing() -> None:
    return None
