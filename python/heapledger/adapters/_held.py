"""WSGI requests that a server's own function holds: begun before it builds `environ`, left when it returns.

A server keeps the last chunk of a response in a local variable while it closes the response: a large body would look
like memory that outlived its request. So a request ends with the close, and is left when that variable is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import wsgi
from heapledger.adapters._exchange import KEY, begin, discard, leave, open_exchanges, open_wsgi

current = _engine.current


class HeldMiddleware(wsgi.Middleware):
    """For servers whose request handler is wrapped by `hold`: the request is theirs to begin and to leave."""

    def __init__(self, app: wsgi.Application, eager: bool = False) -> None:
        super().__init__(app)
        self.eager = eager  # end when the body is read, not when it is closed: the server has more to do before that

    def __call__(self, environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        token = current()
        if KEY in environ or token is None or open_exchanges.get(token, self) is not None:
            return super().__call__(environ, start_response)
        try:
            exchange = open_wsgi(token, environ, start_response, False)
            exchange.held = True
            exchange.eager = self.eager
            open_exchanges[token] = exchange
        except Exception:
            _health.count("wsgi_begin_failed")
            return self.app(environ, start_response)
        try:
            body = self.app(environ, exchange)
        except BaseException as error:
            exchange.fail(error)
            exchange.finish()
            raise
        return exchange.wrap(body)


def hold(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around a server's function that handles one request: begin before it and leave after it."""

    def handle(*args: Any, **kwargs: Any) -> Any:
        token = begin()
        if token is None:
            return original(*args, **kwargs)
        open_exchanges[token] = None
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            if (exchange := open_exchanges[token]) is not None:
                exchange.fail(error)
            raise
        finally:
            exchange = open_exchanges.pop(token, None)
            if exchange is not None:
                exchange.leave()
            else:  # the server answered by itself
                discard(token)
                leave(token)

    return handle
