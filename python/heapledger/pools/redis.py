"""redis-py, synchronous and asyncio. A connection is the client's object: it reconnects in place and stays itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters._patching import wrap
from heapledger.pools import _seam
from heapledger.pools._seam import Description

_MADE = "_heapledger_made"  # its token, until it has connected
_POOL = "_heapledger_of"  # the id of its pool
_CONNECT_NS = "_heapledger_connect_ns"
_UNLIMITED = 2**31


def install(module: Any) -> None:
    """redis.connection."""
    for pool in (module.ConnectionPool, module.BlockingConnectionPool):
        for name, make in (("get_connection", _getting), ("release", _releasing), ("disconnect", _emptying)):
            _wrap_own(pool, name, make)
        _wrap_own(pool, "make_connection", _making)
    wrap(module.AbstractConnection, "connect", _connecting)
    wrap(module.AbstractConnection, "__del__", _dying)


def install_async(module: Any) -> None:
    """redis.asyncio.connection."""
    for pool in (module.ConnectionPool, module.BlockingConnectionPool):
        for name, make in (
            ("get_connection", _getting_async),
            ("release", _releasing_async),
            ("disconnect", _emptying_async),
        ):
            _wrap_own(pool, name, make)
        _wrap_own(pool, "make_connection", _making)
    wrap(module.AbstractConnection, "connect", _connecting_async)
    wrap(module.AbstractConnection, "__del__", _dying)


def _wrap_own(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    if name in vars(owner):
        wrap(owner, name, make)


def _describe(pool: Any) -> Description:
    kwargs = pool.connection_kwargs
    where = kwargs.get("path") or f"{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}"
    most = pool.max_connections
    settings = {"class": type(pool).__name__, "max_connections": most}
    timeout = getattr(pool, "timeout", None)
    if "timeout" in vars(pool):
        settings["timeout"] = timeout
    return Description(
        "redis",
        f"redis://{where}/{kwargs.get('db', 0) or 0}",
        settings,
        max_size=most if most and most < _UNLIMITED else None,
        timeout=timeout if isinstance(timeout, int | float) else None,
    )


def _making(original: Callable[..., Any]) -> Callable[..., Any]:
    def make_connection(self: Any) -> Any:
        number = _seam.pool_id(self, _describe)
        token = _seam.begin(number, self)
        if token is None:
            return original(self)
        made = _engine.run_with(token, original, self)
        _note_made(made, token, number)
        return made

    return make_connection


def _inner(connection: Any) -> Any:
    """The connection itself, of one that caches in front of it."""
    return getattr(connection, "_conn", connection)


def _note_made(connection: Any, token: _engine.Request, number: int) -> None:
    try:
        kept = vars(_inner(connection))
        if _MADE in kept or _seam.TOKEN in kept:  # made by a pool within a pool's method
            _engine.pool_close(token)
            return
        kept[_MADE] = token
        kept[_POOL] = number
    except TypeError:
        _health.count("redis_connection_not_kept")
        _engine.pool_close(token)


def _begin(connection: Any) -> Any:
    """The token that an attempt to connect runs under, or None. One that had connected before keeps its own."""
    kept = vars(connection)
    token = kept.get(_seam.TOKEN) or kept.get(_MADE)
    if token is None and _POOL in kept:
        token = kept[_MADE] = _engine.pool_connect(kept[_POOL])
    return token


def _connected(connection: Any, began_ns: int) -> None:
    kept = vars(connection)
    kept[_CONNECT_NS] = _seam.now_ns() - began_ns
    if _MADE in kept:
        token = kept.pop(_MADE)
        kept[_seam.TOKEN] = token
        _engine.pool_connected(token)


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: Any) -> Any:
        if self._sock or _POOL not in self.__dict__:
            return original(self)
        token = _begin(self)
        if token is None:
            return original(self)
        began_ns = _seam.now_ns()
        result = _engine.run_with(token, original, self)
        _connected(self, began_ns)
        return result

    return connect


def _connecting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def connect(self: Any) -> Any:
        if self.is_connected or _POOL not in vars(self):
            return await original(self)
        token = _begin(self)
        if token is None:
            return await original(self)
        began_ns = _seam.now_ns()
        _engine.enter(token)
        try:
            result = await original(self)
        finally:
            _engine.restore(token)
        _connected(self, began_ns)
        return result

    return connect


def _dying(original: Callable[..., Any]) -> Callable[..., Any]:
    def dying(self: Any, *args: Any) -> Any:
        _end(self)
        return original(self, *args)

    return dying


def _end(connection: Any) -> None:
    try:
        kept = vars(_inner(connection))
        _engine.pool_close(kept.pop(_MADE, None))
        _engine.pool_close(kept.pop(_seam.TOKEN, None))
    except Exception:
        _health.count("redis_connection_not_ended")


def _token(connection: Any) -> Any:
    try:
        kept = connection.__dict__
        return (kept["_conn"].__dict__ if "_conn" in kept else kept).get(_seam.TOKEN)
    except AttributeError:
        return None


def _ran_out(error: BaseException) -> bool:
    cause = error.__cause__ or error.__context__
    return type(error).__name__ == "MaxConnectionsError" or type(cause).__name__ in ("Empty", "TimeoutError")


def _queue(pool: Any) -> int:
    """Who asks now has to wait: the id of the pool, where it counts as waiting. 0: there is one to have."""
    try:
        if "pool" in vars(pool):
            exhausted = bool(pool.pool.empty())
        else:
            exhausted = len(pool._in_use_connections) >= pool.max_connections
    except Exception:
        return 0
    return _seam.queue(pool, _describe) if exhausted else 0


def _failed(pool: Any, queued: int, took_ns: int, error: BaseException) -> None:
    if queued:
        _seam.waited(queued)
    if _ran_out(error):
        _seam.timed_out(pool, _describe, took_ns)


def _served(connection: Any, queued: int, took_ns: int) -> None:
    """It took so long to get it, with the time in which it connected."""
    if queued:
        _seam.waited(queued)
    try:
        kept = connection.__dict__
        if "_conn" in kept:
            kept = kept["_conn"].__dict__
        if _CONNECT_NS in kept:
            took_ns = max(0, took_ns - kept.pop(_CONNECT_NS))
        _engine.pool_checkout(kept.get(_seam.TOKEN), took_ns)
    except AttributeError:
        _health.count("redis_connection_not_kept")


def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    now_ns = _seam.now_ns

    def get_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
        queued = 0 if getattr(self, "_available_connections", None) else _queue(self)
        began_ns = now_ns()
        try:
            connection = original(self, *args, **kwargs)
        except BaseException as error:
            _failed(self, queued, now_ns() - began_ns, error)
            raise
        _served(connection, queued, now_ns() - began_ns)
        return connection

    return get_connection


def _getting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    now_ns = _seam.now_ns

    async def get_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
        queued = 0 if getattr(self, "_available_connections", None) else _queue(self)
        began_ns = now_ns()
        try:
            connection = await original(self, *args, **kwargs)
        except BaseException as error:
            _failed(self, queued, now_ns() - began_ns, error)
            raise
        _served(connection, queued, now_ns() - began_ns)
        return connection

    return get_connection


def _releasing(original: Callable[..., Any]) -> Callable[..., Any]:
    checkin = _engine.pool_checkin

    def release(self: Any, connection: Any) -> Any:
        checkin(_token(connection))
        return original(self, connection)

    return release


def _releasing_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def release(self: Any, connection: Any) -> Any:
        _engine.pool_checkin(_token(connection))
        return await original(self, connection)

    return release


def _closed_by(pool: Any, inuse_connections: bool) -> list[Any]:
    try:
        known = list(getattr(pool, "_connections", ())) or [
            *pool._available_connections,
            *(pool._in_use_connections if inuse_connections else ()),
        ]
        return [connection for connection in known if connection is not None]
    except Exception:
        return []


def _emptying(original: Callable[..., Any]) -> Callable[..., Any]:
    def disconnect(self: Any, inuse_connections: bool = True) -> Any:
        ended = _closed_by(self, inuse_connections)
        try:
            return original(self, inuse_connections)
        finally:
            for connection in ended:
                _end(connection)

    return disconnect


def _emptying_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def disconnect(self: Any, inuse_connections: bool = True) -> Any:
        ended = _closed_by(self, inuse_connections)
        try:
            return await original(self, inuse_connections)
        finally:
            for connection in ended:
                _end(connection)

    return disconnect
