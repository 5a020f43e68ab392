"""How connections of pools end, each way in a pool of its own.

`python pool_ends.py sqlalchemy CLASS...`, or
`... libraries POSTGRES REDIS_PORT`. Nothing is watched by hand: the libraries' adapters see it.
"""

from __future__ import annotations

import contextlib
import gc
import http.server
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import heapledger
import heapledger._engine

KEPT: list[Any] = []


def checkin(engine: Any) -> None:
    engine.connect().close()


def detach(engine: Any) -> None:
    connection = engine.connect()
    connection.detach()
    connection.close()


def detach_kept(engine: Any) -> None:
    connection = engine.connect()
    connection.detach()
    KEPT.append(connection)


def invalidate(engine: Any) -> None:
    connection = engine.connect()
    connection.invalidate()
    connection.close()


def soft_invalidate(engine: Any) -> None:
    fairy = engine.raw_connection()
    fairy.invalidate(soft=True)
    fairy.close()
    engine.connect().close()


def reconnect(engine: Any) -> None:
    connection = engine.connect()
    connection.invalidate()
    connection.exec_driver_sql("SELECT 1")
    connection.close()


def dispose(engine: Any) -> None:
    engine.connect().close()
    engine.dispose()


def dispose_and_go_on(engine: Any) -> None:
    engine.connect().close()
    KEPT.append(engine.pool)  # as one that waits to be collected
    engine.dispose()
    engine.connect().close()


def dispose_while_out(engine: Any) -> None:
    connection = engine.connect()
    engine.dispose()
    with contextlib.suppress(AssertionError):  # an AssertionPool knows it no more
        connection.close()


def dispose_keep(engine: Any) -> None:
    engine.connect().close()
    engine.dispose(close=False)


def collect_connection(engine: Any) -> None:
    engine.connect()
    gc.collect()


def collect_engine(engine: Any) -> None:
    engine.connect().close()
    KEPT.remove(engine)


def collect_both(engine: Any) -> None:
    connection = engine.connect()
    connection.itself = [connection, engine]
    KEPT.remove(engine)


def never(engine: Any) -> None:
    KEPT.append(engine.connect())


WAYS: list[Callable[[Any], None]] = [
    checkin, detach, detach_kept, invalidate, soft_invalidate, reconnect, dispose, dispose_and_go_on,
    dispose_while_out, dispose_keep, collect_connection, collect_engine, collect_both, never,
]  # fmt: skip


def sqlalchemy() -> None:
    from sqlalchemy import create_engine, pool

    logging.disable()  # of what a pool says whose connection was closed while it was out
    for kind in [getattr(pool, name) for name in sys.argv[2:]]:
        for way in WAYS:
            name = f"{kind.__name__}.{way.__name__}"
            engine = create_engine("sqlite://", poolclass=kind, pool_logging_name=name)
            KEPT.append(engine)
            with heapledger.request(way.__name__), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                way(engine)
            del engine
            gc.collect()


def _psycopg_pool(address: str) -> None:
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(address, min_size=2, open=True, name="dropped")
    pool.wait()
    with heapledger.request("uses"), pool.connection() as connection:
        connection.execute("SELECT 1")


def _redis(port: str) -> None:
    import redis

    client = redis.Redis(port=int(port))
    with heapledger.request("uses"):
        client.ping()


def _httpx() -> None:
    import httpx

    class Quiet(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    KEPT.append(server)
    client = httpx.Client(trust_env=False)
    with heapledger.request("uses"):
        client.get(f"http://127.0.0.1:{server.server_port}/")


def _django(address: str) -> None:
    import django
    from django.conf import settings

    words = dict(word.split("=") for word in address.split())
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": words["dbname"], "USER": words["user"],
                "HOST": words["host"], "PORT": words["port"]}  # fmt: skip
    settings.configure(DATABASES={"default": database})
    django.setup()

    def use() -> None:
        from django.db import connections

        with heapledger.request("uses"), connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()


def libraries() -> None:
    """Pools, and a thread with a connection of its own, that end without anyone closing them."""
    warnings.simplefilter("ignore")
    postgres, redis_port = sys.argv[2:4]
    for use in (lambda: _psycopg_pool(postgres), lambda: _redis(redis_port), _httpx, lambda: _django(postgres)):
        use()
        gc.collect()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    gc.collect()
    sys.stdout.flush()
    heapledger._engine.freeze()
    os._exit(0)
