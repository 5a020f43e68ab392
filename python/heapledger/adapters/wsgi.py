"""WSGI: a request lasts from the call to the close of what it returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import _wsgi_body, routes
from heapledger.adapters._exchange import KEY, Exchange, begin, forget

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_VERSION_KEYS = ("HTTP_ACCEPT_VERSION", "HTTP_X_API_VERSION", "HTTP_API_VERSION")
_DEPRECATION = frozenset(("Deprecation", "Sunset", "deprecation", "sunset"))
_STREAMED_IN = _engine.STREAMED_IN
_plain = routes.plain


class Middleware:
    """`application = Middleware(application)`: every request of it becomes a row."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if KEY in environ:
            return self.app(environ, start_response)
        return respond(self.app, environ, start_response, False)


def respond(app: Application, environ: Environ, start_response: StartResponse, known: bool) -> Iterable[bytes]:
    """Serve one request as the outermost entry. `known`: the application has a router that an adapter reads."""
    token = begin()
    if token is None:
        return app(environ, start_response)
    try:
        exchange = WsgiExchange(token, environ, start_response)
        exchange.known = known
        environ[KEY] = exchange
    except Exception:
        forget(token, "wsgi_begin_failed")
        return app(environ, start_response)
    return call(app, environ, exchange)


def call(app: Application, environ: Environ, exchange: WsgiExchange) -> Iterable[bytes]:
    """The application's answer, under an open request."""
    try:
        body = app(environ, exchange.start_response)
    except BaseException as error:
        exchange.fail(error)
        _wsgi_body.finish(exchange)
        raise
    return _wsgi_body.wrap(exchange, environ, body)


class EnvironExchange(Exchange):
    """An exchange that knows its `environ`, until it ends: the two refer to each other."""

    environ: Environ

    def asked_version(self) -> str:
        """The API version that the request's headers name, or ""."""
        environ = self.environ
        if not environ.keys().isdisjoint(_VERSION_KEYS):
            for name in _VERSION_KEYS:
                if raw := environ.get(name):
                    return routes.version_of(raw)
        for name in ("HTTP_ACCEPT", "CONTENT_TYPE"):
            raw = environ.get(name)
            if raw and raw not in _plain and (version := routes.version_in_media_type(raw)):
                return version
        return ""

    def describe(self, names: dict[str, str]) -> None:
        """Take down what the request's environ and the response's headers say."""
        raw = names.get("Content-Type") or names.get("content-type")
        if raw:
            self.response_type = routes.content_type(raw)
        if not _DEPRECATION.isdisjoint(names):
            self.deprecated = True
        environ = self.environ
        if raw := environ.get("CONTENT_TYPE"):
            self.request_type = routes.content_type(raw)
        if length := environ.get("CONTENT_LENGTH"):
            if length.isdecimal():
                self.received = int(length)
        elif "HTTP_TRANSFER_ENCODING" in environ:
            self.flags |= _STREAMED_IN


class WsgiExchange(EnvironExchange):
    """An exchange that is also the application's `start_response`."""

    headers: Iterable[tuple[str, str]] = ()
    chunks = 0

    def __init__(self, token: _engine.Request, environ: Environ, start_response: StartResponse) -> None:
        super().__init__(token, environ["REQUEST_METHOD"])
        self.environ = environ
        self._start = start_response

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], Any]:
        """Take status and headers down and hand them on as they came."""
        self.headers = headers
        try:
            self.status = int(status[:3])
        except Exception:
            _health.count("status_unread")
        self._write = self._start(status, headers, *exc_info)
        return self.write

    def write(self, chunk: bytes) -> Any:
        """The imperative way to send, from before iterables."""
        self.sent += len(chunk)
        self.chunks += 1
        return self._write(chunk)
