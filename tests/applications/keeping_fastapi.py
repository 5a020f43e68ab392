"""A FastAPI service whose endpoints leave behind what their name says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from applications import chosen

app = FastAPI()


def _handler(kind: Callable[[], object]) -> Callable[[], Awaitable[PlainTextResponse]]:
    async def handler() -> PlainTextResponse:
        kind()
        return PlainTextResponse("ok")

    return handler


for _name, _kind in chosen.KINDS.items():
    app.get(f"/{_name}")(_handler(_kind))
