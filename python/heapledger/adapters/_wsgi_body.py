"""What a WSGI application returned, as the server gets to see it.

Servers look at it: `wsgi.file_wrapper` results go to sendfile and pass through as they are, lists and tuples keep
their length. For the rest an iterator with `close` is all that the protocol promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from heapledger import _engine, _health
from heapledger.adapters._exchange import KEY, leave, restore

if TYPE_CHECKING:
    from heapledger.adapters.wsgi import WsgiExchange

_STREAMED_OUT, _DISCONNECTED = _engine.STREAMED_OUT, _engine.DISCONNECTED


def wrap(exchange: WsgiExchange, environ: dict[str, Any], body: Iterable[bytes]) -> Iterable[bytes]:
    """The body to give to the server; the request is left when the server closes it."""
    try:
        file_wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
            body.close = _Closing(exchange, getattr(body, "close", None))  # type: ignore[attr-defined]
            return body
        if type(body) is list or type(body) is tuple:
            return _SizedBody(exchange, body)
        return _Body(exchange, body)
    except Exception:
        _health.count("wsgi_body_unwrapped")
        finish(exchange)
        return body


def finish(exchange: WsgiExchange) -> None:
    """The server is done with the response."""
    end(exchange)
    if exchange.held:
        restore(exchange.token)
    else:
        leave(exchange.token)


def end(exchange: WsgiExchange) -> None:
    """The response is out."""
    if exchange.open:
        try:
            names = dict(exchange.headers)
            exchange.describe(names)
            if exchange.chunks > 1:
                exchange.flags |= _STREAMED_OUT
            elif exchange.chunks == 0 and exchange.method != "HEAD":
                length = names.get("Content-Length") or names.get("content-length") or ""
                exchange.sent = int(length) if length.isdecimal() else 0
        except Exception:
            _health.count("response_unread")
        exchange.end()
        exchange.environ.pop(KEY, None)


class _Body:
    __slots__ = ("_body", "_exchange", "_exhausted", "_next")

    def __init__(self, exchange: WsgiExchange, body: Iterable[bytes]) -> None:
        self._exchange: WsgiExchange | None = exchange
        self._body: Any = body
        self._next: Callable[[], bytes] | None = None
        self._exhausted = False

    def __iter__(self) -> Iterator[bytes]:
        self._next = iter(self._body).__next__
        return self

    def __next__(self) -> bytes:
        exchange = self._exchange
        if exchange is None:
            raise StopIteration
        try:
            chunk = self._next() if self._next is not None else next(iter(self))
        except StopIteration:
            self._exhausted = True
            if exchange.eager:
                end(exchange)
                restore(exchange.token)
            raise
        except BaseException as error:
            self._exhausted = True
            exchange.fail(error)
            raise
        try:
            exchange.sent += len(chunk)
            exchange.chunks += 1
        except TypeError:  # not bytes: the server will say so
            pass
        return chunk

    def close(self) -> None:
        exchange, body = self._exchange, self._body
        if exchange is None:
            return
        if not self._exhausted and exchange.method != "HEAD" and type(self) is _Body:
            exchange.flags |= _DISCONNECTED
        self._exchange = self._body = self._next = close = None
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        finally:
            del body, close  # what the response holds goes before the books of the request are closed
            finish(exchange)


class _SizedBody(_Body):
    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body) if self._body is not None else 0


class _Closing:
    """The `close` of a file wrapper."""

    __slots__ = ("_close", "_exchange")

    def __init__(self, exchange: WsgiExchange, close: Callable[[], None] | None) -> None:
        self._exchange: WsgiExchange | None = exchange
        self._close = close

    def __call__(self) -> None:
        exchange, close = self._exchange, self._close
        self._exchange = self._close = None
        try:
            if close is not None:
                close()
        finally:
            if exchange is not None:
                finish(exchange)
