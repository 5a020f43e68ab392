"""Pools that heapledger does not know: whatever has something like acquire and release."""

from __future__ import annotations

import weakref

from heapledger import _engine, _health
from heapledger.pools import _seam
from heapledger.pools._by_identity import ByIdentity
from heapledger.pools._method import watch_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _P = TypeVar("_P")


def watch(
    pool: _P,
    *,
    acquire: str = "acquire",
    release: str = "release",
    create: str | None = None,
    close: str | None = None,
    name: str = "",
    min_size: int | None = None,
    max_size: int | None = None,
    timeout: float | None = None,
) -> _P:
    """Watch one pool object: who takes its connections, for how long, and what they hold.

    The methods named are watched on this object alone, and nothing is put on it: it compares, copies and pickles as
    before, and no copy of it is watched. They may be coroutine functions. It never raises.

    Args:
        pool: The pool.
        acquire: Its method that returns a connection.
        release: Its method that takes the connection as its first argument.
        create: Its method that makes one, if any: what that allocates is the connection's. Else it has no bytes.
        close: Its method that ends one; takes it as its first argument.
        name: What reports call it.
        min_size: How many it keeps at least.
        max_size: How many it has at most.
        timeout: How long `acquire` waits, in seconds: what it raises after that is a timeout.

    Returns:
        The pool itself.
    """
    try:
        watched = _Watched(pool, name, min_size, max_size, timeout, closes=close is not None)
        for method, (call, call_async) in zip((acquire, release, create, close), watched.around(), strict=True):
            if method is not None:
                watch_method(pool, method, call, call_async)
    except Exception:
        _health.count("pool_not_watched")
    return pool


class _Watched:
    """What is known of one watched pool. It holds neither the pool nor, where they can be held weakly, connections."""

    def __init__(
        self, pool: Any, name: str, min_size: int | None, max_size: int | None, timeout: float | None, *, closes: bool
    ) -> None:
        settings = {"min_size": min_size, "max_size": max_size, "timeout": timeout}
        self._described = _seam.Description(
            type(pool).__module__.partition(".")[0],
            name or type(pool).__name__,
            {key: value for key, value in settings.items() if value is not None},
            min_size=min_size,
            max_size=max_size,
            timeout=timeout,
        )
        self._timeout_ns = None if timeout is None else int(timeout * 1e9)
        self._pool = weakref.ref(pool)
        self._closes = closes
        self._number: int | None = None
        self._tokens: ByIdentity[_engine.Request] = ByIdentity()
        self._others: dict[int, _engine.Request] = {}  # of connections that take no weak reference

    def around(self) -> tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]:
        return (
            (self.acquire, self.acquire_async),
            (self.release, self.release_async),
            (self.create, self.create_async),
            (self.close, self.close_async),
        )

    def number(self) -> int:
        if self._number is None:
            self._number = _seam.describe_once(self._pool(), self._described)
        return self._number

    def _keep(self, connection: Any, token: _engine.Request) -> None:
        try:
            self._tokens.note(connection, token)
        except TypeError:
            self._others[id(connection)] = token

    def _find(self, connection: Any) -> _engine.Request | None:
        return self._tokens.get(connection) or self._others.get(id(connection))

    def _known(self, connection: Any) -> _engine.Request | None:
        """Its token, made now for one that was not seen being made."""
        token = self._find(connection)
        if token is None and connection is not None:
            token = _engine.pool_connect(self.number(), self._pool(), not self._closes)
            if token is not None:
                _engine.pool_connected(token)
                self._keep(connection, token)
        return token

    def _failed(self, took_ns: int) -> None:
        if self._timeout_ns is not None and took_ns >= self._timeout_ns:
            _engine.pool_timeout(self.number(), took_ns)

    def _ended(self, connection: Any) -> None:
        _engine.pool_close(self._tokens.forget(connection) or self._others.pop(id(connection), None))

    def _made(self, connection: Any, token: _engine.Request | None) -> Any:
        if token is not None:
            self._keep(connection, token)
        return connection

    def create(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        token = _seam.begin(self.number(), self._pool(), end_is_unseen=not self._closes)
        return self._made(_seam.made(token, original, *args, **kwargs), token)

    async def create_async(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        token = _seam.begin(self.number(), self._pool(), end_is_unseen=not self._closes)
        return self._made(await _seam.made_async(token, original, *args, **kwargs), token)

    def acquire(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        waiting = _seam.Waiting(self.number(), True)
        try:
            connection = original(*args, **kwargs)
        except BaseException:
            self._failed(waiting.over())
            raise
        _engine.pool_checkout(self._known(connection), waiting.over())
        return connection

    async def acquire_async(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        waiting = _seam.Waiting(self.number(), True)
        try:
            connection = await original(*args, **kwargs)
        except BaseException:
            self._failed(waiting.over())
            raise
        _engine.pool_checkout(self._known(connection), waiting.over())
        return connection

    def release(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        _engine.pool_checkin(self._find(_connection_of(args, kwargs)))
        return original(*args, **kwargs)

    async def release_async(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        _engine.pool_checkin(self._find(_connection_of(args, kwargs)))
        return await original(*args, **kwargs)

    def close(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        finally:
            self._ended(_connection_of(args, kwargs))

    async def close_async(self, original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(*args, **kwargs)
        finally:
            self._ended(_connection_of(args, kwargs))


def _connection_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the service gave first, by whatever name; a call without one is the pool's affair."""
    return args[0] if args else next(iter(kwargs.values()), None)
