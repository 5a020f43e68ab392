"""Pools that heapledger does not know: whatever has something like acquire and release."""

from __future__ import annotations

import functools
import inspect

from heapledger import _engine, _health
from heapledger.pools import _seam

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

    The methods named are replaced on this object, not on its class; they may be coroutine functions. It never raises.

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
        watched = _Watched(pool, name, min_size, max_size, timeout)
        makers = (watched.acquiring, watched.releasing, watched.creating, watched.closing)
        for method, make in zip((acquire, release, create, close), makers, strict=True):
            if method is not None:
                _replace(pool, method, make)
    except Exception:
        _health.count("pool_not_watched")
    return pool


def _replace(pool: Any, name: str, make: Callable[[Any], Callable[..., Any]]) -> None:
    original = getattr(pool, name)
    if not hasattr(original, "__heapledger__"):
        replacement = functools.wraps(original)(make(original))
        replacement.__heapledger__ = True  # type: ignore[attr-defined]
        setattr(pool, name, replacement)


class _Watched:
    def __init__(self, pool: Any, name: str, min_size: int | None, max_size: int | None, timeout: float | None) -> None:
        settings = {"min_size": min_size, "max_size": max_size, "timeout": timeout}
        described = _seam.Description(
            type(pool).__module__.partition(".")[0],
            name or type(pool).__name__,
            {key: value for key, value in settings.items() if value is not None},
            min_size=min_size,
            max_size=max_size,
            timeout=timeout,
        )
        self.timeout_ns = None if timeout is None else int(timeout * 1e9)
        self.tokens: dict[int, _engine.Request] = {}  # by id of the connection, for those that take no attribute
        self.pool = pool
        self.described = described

    def number(self) -> int:
        return _seam.pool_id(self.pool, lambda _: self.described)

    def keep(self, connection: Any, token: _engine.Request) -> None:
        try:
            setattr(connection, _seam.TOKEN, token)
        except Exception:
            self.tokens[id(connection)] = token

    def find(self, connection: Any) -> _engine.Request | None:
        return _seam.token_of(connection) or self.tokens.get(id(connection))

    def known(self, connection: Any) -> _engine.Request | None:
        """Its token, made now for one that was not seen being made."""
        token = self.find(connection)
        if token is None and connection is not None:
            token = _engine.pool_connect(self.number())
            if token is not None:
                _engine.pool_connected(token)
                self.keep(connection, token)
        return token

    def failed(self, took_ns: int) -> None:
        if self.timeout_ns is not None and took_ns >= self.timeout_ns:
            _engine.pool_timeout(self.number(), took_ns)

    def ended(self, connection: Any) -> None:
        _engine.pool_close(_seam.take(connection) or self.tokens.pop(id(connection), None))

    def creating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            async def create_async(*args: Any, **kwargs: Any) -> Any:
                made, token = await _seam.make_async(self.number(), original, *args, **kwargs)
                if token is not None:
                    self.keep(made, token)
                return made

            return create_async

        def create(*args: Any, **kwargs: Any) -> Any:
            made, token = _seam.make(self.number(), original, *args, **kwargs)
            if token is not None:
                self.keep(made, token)
            return made

        return create

    def acquiring(self, original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            async def acquire_async(*args: Any, **kwargs: Any) -> Any:
                waiting = _seam.Waiting(self.number(), True)
                try:
                    connection = await original(*args, **kwargs)
                except BaseException:
                    self.failed(waiting.over())
                    raise
                _engine.pool_checkout(self.known(connection), waiting.over())
                return connection

            return acquire_async

        def acquire(*args: Any, **kwargs: Any) -> Any:
            waiting = _seam.Waiting(self.number(), True)
            try:
                connection = original(*args, **kwargs)
            except BaseException:
                self.failed(waiting.over())
                raise
            _engine.pool_checkout(self.known(connection), waiting.over())
            return connection

        return acquire

    def releasing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            async def release_async(connection: Any, *args: Any, **kwargs: Any) -> Any:
                _engine.pool_checkin(self.find(connection))
                return await original(connection, *args, **kwargs)

            return release_async

        def release(connection: Any, *args: Any, **kwargs: Any) -> Any:
            _engine.pool_checkin(self.find(connection))
            return original(connection, *args, **kwargs)

        return release

    def closing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            async def close_async(connection: Any, *args: Any, **kwargs: Any) -> Any:
                try:
                    return await original(connection, *args, **kwargs)
                finally:
                    self.ended(connection)

            return close_async

        def close(connection: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(connection, *args, **kwargs)
            finally:
                self.ended(connection)

        return close
