"""httpcore, which httpx stands on: one connection a request at a time, and several with HTTP/2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters._patching import wrap
from heapledger.pools import _seam
from heapledger.pools._seam import Description, Waiting

_USES = "_heapledger_uses"  # requests that have it now
_STREAM = "_heapledger_stream_of"
_OFFERED = "_heapledger_offered"  # of a request: the connection that it may use, and for how long it waited
_OFFERING = ("HTTPConnection", "AsyncHTTPConnection")  # may turn a request away: another was faster, and it waits on
_UNLIMITED = 2**31


def install_pool(module: Any) -> None:
    """httpcore._sync.connection_pool."""
    wrap(module.ConnectionPool, "create_connection", _creating)
    wrap(module.ConnectionPool, "handle_request", _asking)
    wrap(module.PoolRequest, "wait_for_connection", _waiting)
    wrap(module.PoolByteStream, "close", _giving_back)


def install_pool_async(module: Any) -> None:
    """httpcore._async.connection_pool."""
    wrap(module.AsyncConnectionPool, "create_connection", _creating)
    wrap(module.AsyncConnectionPool, "handle_async_request", _asking_async)
    wrap(module.AsyncPoolRequest, "wait_for_connection", _waiting_async)
    wrap(module.PoolByteStream, "aclose", _giving_back_async)


def install_connection(module: Any) -> None:
    """httpcore._sync.connection."""
    wrap(module.HTTPConnection, "_connect", _connecting)
    wrap(module.HTTPConnection, "handle_request", _handling)
    wrap(module.HTTPConnection, "close", _closing)


def install_protocol(module: Any) -> None:
    """httpcore._sync.http11: what speaks over the stream is the connection's too."""
    wrap(module.HTTP11Connection, "__init__", _speaking)
    wrap(module.HTTP11Connection, "_send_request_headers", _sending)


def install_protocol_async(module: Any) -> None:
    """httpcore._async.http11."""
    wrap(module.AsyncHTTP11Connection, "__init__", _speaking)
    wrap(module.AsyncHTTP11Connection, "_send_request_headers", _sending_async)


def install_http2(module: Any) -> None:
    """httpcore._sync.http2."""
    wrap(module.HTTP2Connection, "_send_request_headers", _sending)


def install_http2_async(module: Any) -> None:
    """httpcore._async.http2."""
    wrap(module.AsyncHTTP2Connection, "_send_request_headers", _sending_async)


def install_connection_async(module: Any) -> None:
    """httpcore._async.connection."""
    wrap(module.AsyncHTTPConnection, "_connect", _connecting_async)
    wrap(module.AsyncHTTPConnection, "handle_async_request", _handling_async)
    wrap(module.AsyncHTTPConnection, "aclose", _closing_async)


def _describe(pool: Any) -> Description:
    most = pool._max_connections if pool._max_connections < _UNLIMITED else None
    kept = pool._max_keepalive_connections if pool._max_keepalive_connections < _UNLIMITED else None
    settings = {
        "max_connections": most,
        "max_keepalive_connections": kept,
        "keepalive_expiry": pool._keepalive_expiry,
    }
    return Description("httpcore", type(pool).__name__, settings, max_size=most, recycle=pool._keepalive_expiry)


def _creating(original: Callable[..., Any]) -> Callable[..., Any]:
    def create_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _seam.begin(_seam.pool_id(self, _describe), self)
        made = _seam.made(token, original, self, *args, **kwargs)
        _seam.keep(made, token)
        return made

    return create_connection


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _seam.token_of(self)
        if token is None:
            return original(self, *args, **kwargs)
        stream = _engine.run_with(token, original, self, *args, **kwargs)
        _hand_on(stream, token)
        return stream

    return connect


def _connecting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _seam.token_of(self)
        if token is None:
            return await original(self, *args, **kwargs)
        _engine.enter(token)
        try:
            stream = await original(self, *args, **kwargs)
        finally:
            _engine.restore(token)
        _hand_on(stream, token)
        return stream

    return connect


def _hand_on(stream: Any, token: _engine.Request) -> None:
    try:
        setattr(stream, _STREAM, token)
    except Exception:
        _health.count("httpcore_stream_not_named")


def _speaking(original: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: Any, origin: Any, stream: Any, *args: Any, **kwargs: Any) -> None:
        token = getattr(stream, _STREAM, None)
        if token is None:
            original(self, origin, stream, *args, **kwargs)
        else:
            _engine.run_with(token, original, self, origin, stream, *args, **kwargs)

    return init


def _began(pool_request: Any) -> int:
    """When somebody began to wait; 0: a connection is there already."""
    return _seam.now_ns() if pool_request.connection is None else 0


def _wait_ns(began_ns: int) -> int:
    return _seam.now_ns() - began_ns if began_ns else 0


def _offer(pool_request: Any, connection: Any, wait_ns: int) -> None:
    """A connection is there for a request: taken when the request is sent on it, where it may still be turned away."""
    try:
        asked = vars(pool_request.request)
        waited = asked.get(_OFFERED)
        asked[_OFFERED] = (connection, wait_ns + (waited[1] if waited is not None else 0))
        if type(connection).__name__ not in _OFFERING:
            _take(pool_request.request)
    except Exception:
        _health.count("httpcore_request_unread")


def _take(request: Any) -> None:
    try:
        offered = vars(request).pop(_OFFERED, None)
        if offered is not None and offered[0] is not None:
            kept = vars(offered[0])
            kept[_USES] = kept.get(_USES, 0) + 1
            _engine.pool_checkout(kept.get(_seam.TOKEN), offered[1])
    except Exception:
        _health.count("httpcore_request_unread")


def _not_served(connection: Any, request: Any) -> None:
    """Its connection turned a request away, or could not be made, or broke while it had it."""
    try:
        asked = vars(request)
        offered = asked.get(_OFFERED)
        if offered is None:
            _given_back(connection)
            return
        asked[_OFFERED] = (None, offered[1])  # how long it waited, should it wait on
        if connection.is_closed() and not vars(connection).get(_USES):
            _seam.close(_seam.take(connection))
    except Exception:
        _health.count("httpcore_connection_unread")


def _sending(original: Callable[..., Any]) -> Callable[..., Any]:
    def _send_request_headers(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        _take(request)
        return original(self, request, *args, **kwargs)

    return _send_request_headers


def _sending_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def _send_request_headers(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        _take(request)
        return await original(self, request, *args, **kwargs)

    return _send_request_headers


def _waiting(original: Callable[..., Any]) -> Callable[..., Any]:
    def wait_for_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
        began_ns = _began(self)
        connection = original(self, *args, **kwargs)
        _offer(self, connection, _wait_ns(began_ns))
        return connection

    return wait_for_connection


def _waiting_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def wait_for_connection(self: Any, *args: Any, **kwargs: Any) -> Any:
        began_ns = _began(self)
        connection = await original(self, *args, **kwargs)
        _offer(self, connection, _wait_ns(began_ns))
        return connection

    return wait_for_connection


def _is_exhausted(pool: Any) -> bool:
    try:
        return bool(len(pool._requests) >= pool._max_connections)
    except Exception:
        return False


class _Asking(Waiting):
    __slots__ = ("_asked", "_number")

    def __init__(self, pool: Any) -> None:
        self._asked = pool
        exhausted = _is_exhausted(pool)
        self._number = _seam.pool_id(pool, _describe) if exhausted else 0
        super().__init__(self._number, exhausted)

    def failed(self, error: BaseException) -> None:
        took_ns = self.over()
        if type(error).__name__ == "PoolTimeout":
            _engine.pool_timeout(self._number or _seam.pool_id(self._asked, _describe), took_ns)
        _look_for_lost(self._asked)


def _look_for_lost(pool: Any) -> None:
    """Connections that no request has and none will get: the pool counts them for ever."""
    try:
        wanted = {id(request.connection) for request in pool._requests}
        for connection in pool._connections:
            usable = connection.is_idle() or connection.is_available() or connection.is_closed()
            if not usable and id(connection) not in wanted:
                _engine.pool_lose(_seam.token_of(connection))
    except Exception:
        _health.count("httpcore_pool_unread")


def _asking(original: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        asking = _Asking(self)
        try:
            return original(self, request)
        except BaseException as error:
            vars(request).pop(_OFFERED, None)
            asking.failed(error)
            raise
        finally:
            asking.over()

    return handle_request


def _asking_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        asking = _Asking(self)
        try:
            return await original(self, request)
        except BaseException as error:
            vars(request).pop(_OFFERED, None)
            asking.failed(error)
            raise
        finally:
            asking.over()

    return handle_async_request


def _given_back(connection: Any) -> None:
    """A request is done with it."""
    try:
        kept = vars(connection)
        uses = kept[_USES] = max(0, kept.get(_USES, 0) - 1)
        token = kept.get(_seam.TOKEN)
        if token is None or uses:
            return
        _engine.pool_checkin(token)
        if connection.is_closed():
            kept.pop(_seam.TOKEN, None)
            _engine.pool_close(token)
    except Exception:
        _health.count("httpcore_connection_unread")


def _look_for_unclosed(stream: Any, connection: Any) -> None:
    """One that was cancelled while it closed is closed for good, and its pool goes on to count its request."""
    try:
        if stream._pool_request in stream._pool._requests and not connection.is_closed():
            _engine.pool_lose(_seam.token_of(connection))
    except Exception:
        _health.count("httpcore_stream_unread")


def _handling(original: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        try:
            return original(self, request)
        except BaseException:
            _not_served(self, request)
            raise

    return handle_request


def _handling_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        try:
            return await original(self, request)
        except BaseException:
            _not_served(self, request)
            raise

    return handle_async_request


def _giving_back(original: Callable[..., Any]) -> Callable[..., Any]:
    def close(self: Any) -> Any:
        connection = None if self._closed else self._pool_request.connection
        try:
            return original(self)
        finally:
            if connection is not None:
                _given_back(connection)
                _look_for_unclosed(self, connection)

    return close


def _giving_back_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def aclose(self: Any) -> Any:
        connection = None if self._closed else self._pool_request.connection
        try:
            return await original(self)
        finally:
            if connection is not None:
                _given_back(connection)
                _look_for_unclosed(self, connection)

    return aclose


def _closing(original: Callable[..., Any]) -> Callable[..., Any]:
    def close(self: Any) -> Any:
        try:
            return original(self)
        finally:
            _seam.close(_seam.take(self))

    return close


def _closing_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def aclose(self: Any) -> Any:
        try:
            return await original(self)
        finally:
            _seam.close(_seam.take(self))

    return aclose
