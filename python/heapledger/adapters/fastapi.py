"""FastAPI and Starlette: the template comes from the route that handles, never from walking `app.routes`.

Routes are named when their `handle` is called, just before the endpoint. Mounts add their template to the
exchange's prefix on the way down. Routers that FastAPI includes are one opaque object in its newer releases; the
effective route (full template, `deprecated`) is then in the scope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import _body_limits, asgi
from heapledger.adapters._exchange import KEY, Exchange, exchange_of, note_starlette
from heapledger.adapters._patching import wrap

_Handle = Callable[[Any, asgi.Scope, asgi.Receive, asgi.Send], Any]


def install_applications(module: Any) -> None:
    """starlette.applications or fastapi.applications: enter around all of an application's middleware."""
    for name in ("Starlette", "FastAPI"):
        owner = vars(module).get(name)
        if owner is not None and "build_middleware_stack" in vars(owner):
            wrap(owner, "build_middleware_stack", _enter_stack)


def install_starlette_routing(module: Any) -> None:
    """starlette.routing."""
    wrap(module.Route, "handle", _name_route)
    wrap(module.Mount, "handle", _name_mount)
    wrap(module.Router, "not_found", _unname)


def install_fastapi_routing(module: Any) -> None:
    """fastapi.routing: releases whose routes handle for themselves, or that serve frontends."""
    if "handle" in vars(module.APIRoute):
        wrap(module.APIRoute, "handle", _name_route)
    frontend = vars(module).get("_FrontendRoute")
    if frontend is not None:
        wrap(frontend, "handle", _name_mount)


def install_background(module: Any) -> None:
    """starlette.background: what a background task allocates comes after the response."""
    wrap(module.BackgroundTask, "__call__", _end_before)


def _enter_stack(original: Callable[[Any], asgi.Application]) -> Callable[[Any], asgi.Application]:
    def build_middleware_stack(self: Any) -> asgi.Application:
        _body_limits.note("Starlette, FastAPI: no setting", lambda: None)
        return asgi.Entry(original(self), known=True)

    return build_middleware_stack


def _name_route(original: _Handle) -> _Handle:
    def handle(self: Any, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> Any:
        note_starlette(self, scope)
        return original(self, scope, receive, send)

    return handle


def _name_mount(original: _Handle) -> _Handle:
    def handle(self: Any, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> Any:
        exchange: Exchange | None = scope.get(KEY)
        if exchange is not None:
            try:
                exchange.prefix += self.path.rstrip("/")
                if not getattr(self, "routes", None):  # files, a foreign application: the mount is all there is to name
                    exchange.route(exchange.prefix + "/{path:path}")
            except Exception:
                _health.count("starlette_mount_unread")
        return original(self, scope, receive, send)

    return handle


def _unname(original: _Handle) -> _Handle:
    def not_found(self: Any, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> Any:
        exchange: Exchange | None = scope.get(KEY)
        if exchange is not None:
            exchange.unroute()
        return original(self, scope, receive, send)

    return not_found


def _end_before(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(self: Any) -> Any:
        exchange = exchange_of(_engine.current())
        if exchange is not None:
            exchange.eager = True
            if exchange.final:
                exchange.end()
        return original(self)

    return call
