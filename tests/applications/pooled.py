"""Programs that use connection pools, for tests: `python pooled.py SCENARIO ADDRESS [clean]`.

Each serves five requests "work" that take a connection and give it back, and one "keeps" whose connection is never
given back (none with `clean`). What was kept stays reachable to the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import sys
import threading
from typing import Any

import heapledger
import heapledger._engine

KEPT: list[Any] = []
ADDRESS = sys.argv[2] if len(sys.argv) > 2 else ""
CLEAN = "clean" in sys.argv[3:]
WORKS = 5


def psycopg_sync() -> None:
    from psycopg_pool import ConnectionPool, PoolTimeout

    def keep_one() -> None:
        KEPT.append(pool.getconn())

    pool = ConnectionPool(ADDRESS, min_size=2, max_size=3, timeout=0.2, name="orders", open=True)
    KEPT.append(pool)
    pool.wait()
    for _ in range(WORKS):
        with heapledger.request("work"), pool.connection() as connection:
            connection.execute("SELECT 1")
    if not CLEAN:
        with heapledger.request("keeps"):
            keep_one()
        with contextlib.ExitStack() as others:
            for _ in range(2):
                others.enter_context(pool.connection(timeout=20))
            with heapledger.request("waits"), contextlib.suppress(PoolTimeout):
                pool.getconn()


def psycopg_async() -> None:
    from psycopg_pool import AsyncConnectionPool

    async def main() -> None:
        pool = AsyncConnectionPool(ADDRESS, min_size=2, max_size=3, open=False, name="orders")
        await pool.open(wait=True)

        async def keep_one() -> None:
            KEPT.append(await pool.getconn())

        async def work() -> None:
            with heapledger.request("work"):
                async with pool.connection() as connection:
                    await connection.execute("SELECT 1")

        for _ in range(WORKS):
            await asyncio.create_task(work())
        if not CLEAN:
            with heapledger.request("keeps"):
                await keep_one()
        KEPT.append(pool)

    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    loop.run_until_complete(main())


def psycopg_cancelled() -> None:
    """Requests that are cancelled while their connection is checked: how many their pool still counts, and has."""
    from psycopg_pool import AsyncConnectionPool

    async def main() -> None:
        checking = asyncio.Event()
        hang = False

        async def check(connection: Any) -> None:
            if hang:
                checking.set()
                await asyncio.Event().wait()

        async def use(pool: Any) -> None:
            async with pool.connection() as connection:
                await connection.execute("SELECT 1")

        pool = AsyncConnectionPool(ADDRESS, min_size=4, max_size=4, open=False, check=check, name="orders")
        KEPT.append(pool)
        await pool.open(wait=True)
        for _ in range(3):
            hang = True
            with heapledger.request("cancelled"):
                checking.clear()
                task = asyncio.create_task(pool.getconn())
                await checking.wait()
                task.cancel()
                hang = False
                with contextlib.suppress(asyncio.CancelledError):
                    await pool.putconn(await task)  # 3.2.8 goes on with another one
                del task
        # What was given back comes through the pool's workers.
        await asyncio.gather(*(use(pool) for _ in range(len(pool._pool))))

    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    loop.run_until_complete(main())


def _url(driver: str) -> str:
    words = dict(word.split("=") for word in ADDRESS.split())
    return f"postgresql+{driver}://{words['user']}@{words['host']}:{words['port']}/{words['dbname']}"


def sqlalchemy_sync() -> None:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    engine = create_engine(_url("psycopg"), pool_size=1, max_overflow=1, pool_timeout=0.2)
    KEPT.append(engine)

    def keep_one() -> None:
        KEPT.append(engine.connect())

    for _ in range(WORKS):
        with heapledger.request("work"), engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    if not CLEAN:
        with heapledger.request("keeps"):
            keep_one()
        with engine.connect(), heapledger.request("waits"), contextlib.suppress(PoolTimeout):
            engine.connect()


def sqlalchemy_async() -> None:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(_url("psycopg"), pool_size=2)
    KEPT.append(engine)

    async def keep_one() -> None:
        KEPT.append(await engine.connect())

    async def main() -> None:
        for _ in range(WORKS):
            with heapledger.request("work"):
                async with engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
        if not CLEAN:
            with heapledger.request("keeps"):
                await keep_one()

    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    loop.run_until_complete(main())


def redis_sync() -> None:
    import redis

    client = redis.Redis(port=int(ADDRESS))
    KEPT.append(client)

    def keep_one() -> None:
        KEPT.append(client.connection_pool.get_connection())

    for _ in range(WORKS):
        with heapledger.request("work"):
            client.set("key", "value")
    if not CLEAN:
        with heapledger.request("keeps"):
            keep_one()
        small = redis.Redis(
            connection_pool=redis.BlockingConnectionPool(port=int(ADDRESS), max_connections=1, timeout=0.1)
        )
        taken = small.connection_pool.get_connection()
        with heapledger.request("waits"), contextlib.suppress(redis.ConnectionError):
            small.connection_pool.get_connection()
        small.connection_pool.release(taken)
        small.connection_pool.disconnect()


def redis_async() -> None:
    import redis.asyncio

    client = redis.asyncio.Redis(port=int(ADDRESS))
    KEPT.append(client)

    async def keep_one() -> None:
        KEPT.append(await client.connection_pool.get_connection())

    async def main() -> None:
        for _ in range(WORKS):
            with heapledger.request("work"):
                await client.set("key", "value")
        if not CLEAN:
            with heapledger.request("keeps"):
                await keep_one()

    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    loop.run_until_complete(main())


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()


def _http_server() -> str:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


def httpx_sync() -> None:
    import httpx

    where = _http_server()
    client = httpx.Client(limits=httpx.Limits(max_connections=2), timeout=httpx.Timeout(5, pool=0.2))
    KEPT.append(client)

    def keep_one() -> None:
        KEPT.append(client.send(client.build_request("GET", where), stream=True))

    for _ in range(WORKS):
        with heapledger.request("work"):
            client.get(where)
    if not CLEAN:
        with heapledger.request("keeps"):
            keep_one()
        with client.stream("GET", where), heapledger.request("waits"), contextlib.suppress(httpx.PoolTimeout):
            client.get(where)


def httpx_async() -> None:
    import httpx

    where = _http_server()

    async def main() -> None:
        client = httpx.AsyncClient()
        KEPT.append(client)

        async def keep_one() -> None:
            KEPT.append(await client.send(client.build_request("GET", where), stream=True))

        for _ in range(WORKS):
            with heapledger.request("work"):
                await client.get(where)
        if not CLEAN:
            with heapledger.request("keeps"):
                await keep_one()

    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    loop.run_until_complete(main())


def httpx_cancelled() -> None:
    """Requests that are cancelled at every step of their way: how many connections their pool never lends again."""
    import httpx

    where = _http_server()

    async def main() -> int:
        client = httpx.AsyncClient(limits=httpx.Limits(max_connections=100))
        KEPT.append(client)
        connections = client._transport._pool._connections

        def stuck() -> int:
            return sum(not (connection.is_idle() or connection.is_closed()) for connection in connections)

        # Where a step ends depends on the kernel, too: a pass may miss the one that loses its connection.
        for steps in [*range(1, 60)] * 30:
            if steps == 1 and stuck():
                break
            with heapledger.request("cancelled"):
                task = asyncio.create_task(client.get(where))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        return stuck()

    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    print(loop.run_until_complete(main()))


def django_sync() -> None:
    import django
    from django.conf import settings

    words = dict(word.split("=") for word in ADDRESS.split())
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": words["host"],
                "PORT": words["port"],
                "USER": words["user"],
                "NAME": words["dbname"],
                "CONN_MAX_AGE": 60,
            }
        }
    )
    django.setup()
    from django.core.signals import request_finished, request_started
    from django.db import connection

    def keep_one() -> None:
        connection.cursor().execute("SELECT 1")

    for _ in range(WORKS):
        with heapledger.request("work"):
            request_started.send(None)
            connection.cursor().execute("SELECT 1")
            request_finished.send(None)
    if not CLEAN:
        with heapledger.request("keeps"):
            request_started.send(None)
            keep_one()


def measured_alone() -> None:
    """The fifth of five connections, by itself: printed in bytes."""
    import psycopg

    for _ in range(5):
        with heapledger.request("alone") as request:
            KEPT.append(psycopg.connect(ADDRESS))
            last = request.live_bytes if request is not None else 0
    print(last)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    # As it stands: nothing is closed, no loop is run to its end.
    sys.stdout.flush()
    heapledger._engine.freeze()
    if "stop" not in sys.argv:
        os._exit(0)
