"""A FastAPI service whose requests hold one another up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from applications import neighbours

app = FastAPI()


def _handler(kind: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[PlainTextResponse]]:
    async def handler() -> PlainTextResponse:
        return PlainTextResponse(str(await kind()))

    return handler


for _name, (_, _kind) in neighbours.KINDS.items():
    app.get(f"/{_name}")(_handler(_kind))
