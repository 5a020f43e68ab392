"""gunicorn's own workers: everything about a response is in gunicorn's Response, so nothing stands around the body.

A request begins before `environ` is built and is left when the worker's function for one request returns: by then the
worker has let go of the last chunk, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import wsgi
from heapledger.adapters._exchange import KEY, begin, count_input, discard, leave, open_gunicorn

_ON_REQUEST = "_heapledger_exchange"  # attribute of gunicorn's Request
# Workers that call `handle_request` once for each request, and where in its arguments the Request is.
_WORKERS = {"gunicorn.workers.sync": 1, "gunicorn.workers.gthread": 0, "gunicorn.workers.base_async": 1}


def install(worker: Any, name_server: Callable[[str], None]) -> None:
    """A worker that has just loaded its application."""
    name_server("gunicorn")
    position = next((_WORKERS[c.__module__] for c in type(worker).__mro__ if c.__module__ in _WORKERS), None)
    if position is not None:
        worker.wsgi = wsgi.Middleware(worker.wsgi)  # for what comes without `create`, as HTTP/2 does
        worker.handle_request = _handling(worker.handle_request, position)


def carry(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around gunicorn.http.wsgi.create: the request that was begun is put where adapters find it."""

    def create(req: Any, *args: Any, **kwargs: Any) -> Any:
        created = original(req, *args, **kwargs)
        exchange = vars(req).get(_ON_REQUEST)
        if exchange is not None:
            exchange.response, environ = created
            exchange.source = environ
            environ[KEY] = exchange
            if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
                count_input(exchange, environ)
        return created

    return create


def _handling(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    def handle_request(*args: Any) -> Any:
        token = begin()
        if token is None:
            return original(*args)
        try:
            req = args[position]
            exchange = open_gunicorn(token, req.method)
            setattr(req, _ON_REQUEST, exchange)
        except Exception:
            _health.count("gunicorn_begin_failed")
            exchange = None
        try:
            return original(*args)
        except BaseException as error:
            if exchange is not None:
                if isinstance(error, OSError) and getattr(exchange.response, "headers_sent", False):
                    exchange.flags |= _engine.DISCONNECTED
                else:
                    exchange.fail(error)
            raise
        finally:
            if exchange is None or exchange.response is None:  # no application was asked
                discard(token)
            else:
                exchange.end()
            leave(token)

    return handle_request
