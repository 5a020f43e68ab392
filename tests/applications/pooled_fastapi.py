"""A FastAPI service on asyncio's pools: /use/NAME gives its connection back, /lose/NAME never does."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import redis.asyncio
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.responses import PlainTextResponse

lost: list[Any] = []
_where = dict(part.split("=") for part in os.environ["TEST_POSTGRES"].split())
engine = create_async_engine(
    f"postgresql+psycopg://{_where['user']}@{_where['host']}:{_where['port']}/{_where['dbname']}",
    pool_size=3, max_overflow=7,
)  # fmt: skip
rows = AsyncConnectionPool(os.environ["TEST_POSTGRES"], name="rows", min_size=2, max_size=8, open=False)
cache = redis.asyncio.Redis(
    connection_pool=redis.asyncio.ConnectionPool(
        host="127.0.0.1", port=int(os.environ["TEST_REDIS"]), max_connections=9
    )
)
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=10, max_keepalive_connections=4), trust_env=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await rows.open()
    yield


app = FastAPI(lifespan=lifespan)


async def use_sqlalchemy() -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def lose_sqlalchemy() -> None:
    lost.append(await engine.connect())


async def use_psycopg() -> None:
    async with rows.connection() as connection:
        await connection.execute("SELECT 1")


async def lose_psycopg() -> None:
    lost.append(await rows.getconn())


async def use_redis() -> None:
    await cache.ping()


async def lose_redis() -> None:
    lost.append(await cache.connection_pool.get_connection())


async def use_httpx() -> None:
    await client.get(os.environ["TEST_UPSTREAM"])


async def lose_httpx() -> None:
    """A response that is streamed, and never read nor closed."""
    lost.append(await client.send(client.build_request("GET", os.environ["TEST_UPSTREAM"]), stream=True))


USES: dict[str, tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]] = {
    "sqlalchemy": (use_sqlalchemy, lose_sqlalchemy),
    "psycopg": (use_psycopg, lose_psycopg),
    "redis": (use_redis, lose_redis),
    "httpx": (use_httpx, lose_httpx),
}


def _handler(act: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[PlainTextResponse]]:
    async def handler() -> PlainTextResponse:
        await act()
        return PlainTextResponse("ok")

    return handler


for _name, (_use, _lose) in USES.items():
    app.get(f"/use/{_name}")(_handler(_use))
    app.get(f"/lose/{_name}")(_handler(_lose))
