"""Django: the route that the resolver matched, with the prefixes of its includes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from heapledger import _health
from heapledger.adapters import _body_limits, asgi, wsgi
from heapledger.adapters._exchange import KEY, Exchange
from heapledger.adapters._patching import wrap


def install_base(module: Any) -> None:
    """django.core.handlers.base."""
    wrap(module.BaseHandler, "resolve_request", _name_match)
    wrap(module.BaseHandler, "load_middleware", _note_limit)


def install_wsgi(module: Any) -> None:
    """django.core.handlers.wsgi."""
    wrap(module.WSGIHandler, "__call__", wsgi.entering)


def install_asgi(module: Any) -> None:
    """django.core.handlers.asgi. `__call__` stays as it is: servers look at it to tell ASGI 3 from ASGI 2."""
    wrap(module.ASGIHandler, "handle", _enter_asgi)


def _enter_asgi(original: Callable[..., Any]) -> Callable[..., Any]:
    def handle(self: Any, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> Any:
        outer: Exchange | None = scope.get(KEY)
        if outer is None:
            return asgi.respond(original.__get__(self), scope, receive, send, True)
        outer.unroute()
        return original(self, scope, receive, send)

    return handle


def _note_limit(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_middleware(self: Any, *args: Any, **kwargs: Any) -> Any:
        _body_limits.note(
            "Django DATA_UPLOAD_MAX_MEMORY_SIZE",
            lambda: sys.modules["django.conf"].settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        )
        return original(self, *args, **kwargs)

    return load_middleware


def _name_match(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_request(self: Any, request: Any) -> Any:
        match = original(self, request)
        try:
            environ = getattr(request, "environ", None)
            exchange: Exchange | None = (request.scope if environ is None else environ).get(KEY)
            if exchange is not None:
                prefix = exchange.prefix
                if not prefix and environ is not None:
                    prefix = environ.get("SCRIPT_NAME", "").rstrip("/")
                exchange.route(prefix + "/" + match.route.removeprefix("^"))
        except Exception:
            _health.count("django_match_unread")
        return match

    return resolve_request
