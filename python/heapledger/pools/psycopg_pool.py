"""psycopg_pool: connections are made, and mostly closed, by the pool's own workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine
from heapledger.adapters._patching import wrap
from heapledger.pools import _seam
from heapledger.pools._seam import Description

_TIMED_OUT = ("PoolTimeout", "TooManyRequests")


def install(module: Any) -> None:
    """psycopg_pool.pool."""
    pool = module.ConnectionPool
    wrap(pool, "_connect", _connecting)
    wrap(pool, "getconn", _getting)
    wrap(pool, "putconn", _putting)
    wrap(pool, "_return_connection", _returning)


def install_async(module: Any) -> None:
    """psycopg_pool.pool_async."""
    pool = module.AsyncConnectionPool
    wrap(pool, "_connect", _connecting_async)
    wrap(pool, "getconn", _getting_async)
    wrap(pool, "putconn", _putting_async)
    wrap(pool, "_return_connection", _returning_async)


def install_connection(module: Any) -> None:
    """psycopg.connection."""
    wrap(module.Connection, "close", _closing)


def install_connection_async(module: Any) -> None:
    """psycopg.connection_async."""
    wrap(module.AsyncConnection, "close", _closing_async)


def _describe(pool: Any) -> Description:
    names = ("min_size", "max_size", "timeout", "max_idle", "max_lifetime", "max_waiting", "num_workers")
    settings = {name: getattr(pool, name, None) for name in names}
    return Description(
        "psycopg_pool",
        str(pool.name),
        settings,
        min_size=pool.min_size,
        max_size=pool.max_size if pool.max_size else None,
        timeout=pool.timeout,
        recycle=pool.max_lifetime,
    )


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _seam.begin(_seam.pool_id(self, _describe), self)
        made = _seam.made(token, original, self, *args, **kwargs)
        _seam.keep(made, token)
        return made

    return connect


def _connecting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _seam.begin(_seam.pool_id(self, _describe), self)
        made = await _seam.made_async(token, original, self, *args, **kwargs)
        _seam.keep(made, token)
        return made

    return connect


def _failed(pool: Any, queued: int, took_ns: int, error: BaseException) -> None:
    if queued:
        _seam.waited(queued)
    if type(error).__name__ in _TIMED_OUT:
        _seam.timed_out(pool, _describe, took_ns)


def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    now_ns = _seam.now_ns

    def getconn(self: Any, *args: Any, **kwargs: Any) -> Any:
        queued = 0 if getattr(self, "_pool", True) else _seam.queue(self, _describe)
        began_ns = now_ns()
        try:
            connection = original(self, *args, **kwargs)
        except BaseException as error:
            _failed(self, queued, now_ns() - began_ns, error)
            raise
        took_ns = now_ns() - began_ns
        if queued:
            _seam.waited(queued)
        _engine.pool_checkout(_seam.token_of(connection), took_ns)
        return connection

    return getconn


def _getting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    now_ns = _seam.now_ns

    async def getconn(self: Any, *args: Any, **kwargs: Any) -> Any:
        queued = 0 if getattr(self, "_pool", True) else _seam.queue(self, _describe)
        began_ns = now_ns()
        try:
            connection = await original(self, *args, **kwargs)
        except BaseException as error:
            _failed(self, queued, now_ns() - began_ns, error)
            raise
        took_ns = now_ns() - began_ns
        if queued:
            _seam.waited(queued)
        _engine.pool_checkout(_seam.token_of(connection), took_ns)
        return connection

    return getconn


def _putting(original: Callable[..., Any]) -> Callable[..., Any]:
    def putconn(self: Any, conn: Any) -> Any:
        _seam.checkin(_seam.token_of(conn))
        return original(self, conn)

    return putconn


def _putting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def putconn(self: Any, conn: Any) -> Any:
        _seam.checkin(_seam.token_of(conn))
        return await original(self, conn)

    return putconn


def _closing(original: Callable[..., Any]) -> Callable[..., Any]:
    def close(self: Any) -> Any:
        try:
            return original(self)
        finally:
            if _seam.token_of(self) is not None:
                _end_if_closed(self)

    return close


def _closing_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def close(self: Any) -> Any:
        try:
            return await original(self)
        finally:
            if _seam.token_of(self) is not None:
                _end_if_closed(self)

    return close


def _end_if_closed(conn: Any) -> None:
    """Its close() may have given it back to its pool instead."""
    if getattr(conn, "closed", False):
        _seam.close(_seam.take(conn))


def _drop_if_broken(conn: Any) -> None:
    token = _seam.token_of(conn)
    if token is not None and getattr(conn, "closed", False):
        _engine.pool_invalidate(token)
        _end_if_closed(conn)


def _returning(original: Callable[..., Any]) -> Callable[..., Any]:
    def return_connection(self: Any, conn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, conn, *args, **kwargs)
        finally:
            _drop_if_broken(conn)

    return return_connection


def _returning_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def return_connection(self: Any, conn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, conn, *args, **kwargs)
        finally:
            _drop_if_broken(conn)

    return return_connection
