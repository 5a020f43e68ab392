"""A FastAPI service whose requests hold memory in known shapes."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse

from applications import shapes

app = FastAPI()


def _make(shape: str) -> None:
    async def handler() -> PlainTextResponse:
        await shapes.hold_awaiting(shape)
        return PlainTextResponse("ok")

    app.get(f"/{shape}")(handler)


for _shape in shapes.SHAPES:
    _make(_shape)


@app.get("/escape")
async def escape() -> PlainTextResponse:
    shapes.escape()
    return PlainTextResponse("ok")


@app.get("/afterwards")
async def afterwards() -> PlainTextResponse:
    return PlainTextResponse("ok", background=BackgroundTask(shapes.allocate_afterwards))
