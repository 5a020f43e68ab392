"""A Flask service on pools of known libraries: /use/NAME gives its connection back, /lose/NAME never does."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import redis
from flask import Flask
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, text

app = Flask("pooled")
lost: list[Any] = []

_where = dict(part.split("=") for part in os.environ["TEST_POSTGRES"].split())
engine = create_engine(
    f"postgresql+psycopg://{_where['user']}@{_where['host']}:{_where['port']}/{_where['dbname']}",
    pool_size=3, max_overflow=7, pool_timeout=20,
)  # fmt: skip
rows = ConnectionPool(os.environ["TEST_POSTGRES"], name="rows", min_size=2, max_size=8, timeout=20, open=True)
cache = redis.Redis(
    connection_pool=redis.ConnectionPool(host="127.0.0.1", port=int(os.environ["TEST_REDIS"]), max_connections=9)
)


class Searches:
    """A pool of nobody's library."""

    def __init__(self) -> None:
        self.free: list[bytearray] = []

    def make(self) -> bytearray:
        return bytearray(40_000)

    def acquire(self) -> bytearray:
        return self.free.pop() if self.free else self.make()

    def release(self, connection: bytearray) -> None:
        self.free.append(connection)


searches = Searches()
try:
    import heapledger.pools

    heapledger.pools.watch(searches, acquire="acquire", release="release", create="make", name="searches")
except ImportError:
    pass


def use_sqlalchemy() -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def lose_sqlalchemy() -> None:
    lost.append(engine.connect())


def use_psycopg() -> None:
    with rows.connection() as connection:
        connection.execute("SELECT 1")


def lose_psycopg() -> None:
    lost.append(rows.getconn())


def use_redis() -> None:
    cache.ping()


def lose_redis() -> None:
    lost.append(cache.connection_pool.get_connection())


def use_searches() -> None:
    searches.release(searches.acquire())


def lose_searches() -> None:
    lost.append(searches.acquire())


USES: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
    "sqlalchemy": (use_sqlalchemy, lose_sqlalchemy),
    "psycopg": (use_psycopg, lose_psycopg),
    "redis": (use_redis, lose_redis),
    "searches": (use_searches, lose_searches),
}


def _handler(act: Callable[[], None]) -> Callable[[], str]:
    def handler() -> str:
        act()
        return "ok"

    return handler


for _name, (_use, _lose) in USES.items():
    app.add_url_rule(f"/use/{_name}", endpoint=f"use {_name}", view_func=_handler(_use))
    app.add_url_rule(f"/lose/{_name}", endpoint=f"lose {_name}", view_func=_handler(_lose))
