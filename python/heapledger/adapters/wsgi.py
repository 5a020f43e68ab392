"""WSGI: a request lasts from the call to the close of what it returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heapledger.adapters._exchange import enter_wsgi

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Middleware:
    """`application = Middleware(application)`: every request of it becomes a row."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return enter_wsgi(False, self.app, environ, start_response)


def entering(original: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """In the place of the `__call__` of an application class whose routes an adapter reads."""

    def call(self: Any, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return enter_wsgi(True, original, self, environ, start_response)

    return call
