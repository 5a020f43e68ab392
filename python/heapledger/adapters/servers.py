"""Servers: enter where they call the application, so that middleware and applications without a router count too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine
from heapledger.adapters import _held, asgi, gunicorn
from heapledger.adapters._patching import wrap

_named: list[str] = []


def _name(server: str) -> None:
    if not _named:  # the outer one: gunicorn before the uvicorn of its worker
        _named.append(server)
        _engine.set_server(server)


def install_uvicorn(module: Any) -> None:
    """uvicorn.config: whatever the interface, `load` ends with an ASGI application."""

    def make(original: Callable[[Any], None]) -> Callable[[Any], None]:
        def load(self: Any) -> None:
            original(self)
            _name("uvicorn")
            self.loaded_app = asgi.Entry(self.loaded_app)

        return load

    wrap(module.Config, "load", make)


def install_gunicorn(module: Any) -> None:
    """gunicorn.workers.base: only workers that call WSGI themselves are entered here."""

    def make(original: Callable[[Any], None]) -> Callable[[Any], None]:
        def load_wsgi(self: Any) -> None:
            original(self)
            gunicorn.install(self, _name)

        return load_wsgi

    wrap(module.Worker, "load_wsgi", make)


def install_gunicorn_http(module: Any) -> None:
    """gunicorn.http.wsgi."""
    wrap(module, "create", gunicorn.carry)


def install_gunicorn_asgi(module: Any) -> None:
    """gunicorn.workers.gasgi: gunicorn's own ASGI worker."""

    def make(original: Callable[[Any], None]) -> Callable[[Any], None]:
        def load_wsgi(self: Any) -> None:
            original(self)
            _name("gunicorn")
            self.asgi = asgi.Middleware(self.asgi)

        return load_wsgi

    wrap(module.ASGIWorker, "load_wsgi", make)


def install_hypercorn(module: Any) -> None:
    """hypercorn.app_wrappers."""
    wrap(module.ASGIWrapper, "__init__", lambda original: _wrap_argument(original, asgi.Entry, "hypercorn"))
    wrap(module.WSGIWrapper, "__init__", lambda original: _wrap_argument(original, _held.HeldMiddleware, "hypercorn"))
    wrap(module.WSGIWrapper, "run_app", _held.hold)


def install_werkzeug(module: Any) -> None:
    """werkzeug.serving."""

    def make(original: Callable[..., None]) -> Callable[..., None]:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            _name("werkzeug")
            # It drains the connection through a buffer of 10 MB before it closes the response.
            self.app = _held.HeldMiddleware(self.app, eager=True)

        return init

    wrap(module.BaseWSGIServer, "__init__", make)
    wrap(module.WSGIRequestHandler, "run_wsgi", _held.hold)


def install_waitress(module: Any) -> None:
    """waitress.server."""

    def make(original: Callable[..., None]) -> Callable[..., None]:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            _name("waitress")
            self.application = _held.HeldMiddleware(self.application)

        return init

    wrap(module.BaseWSGIServer, "__init__", make)


def install_waitress_task(module: Any) -> None:
    """waitress.task."""
    wrap(module.WSGITask, "execute", _held.hold)


def name_by_package(module: Any) -> None:
    """A server that calls frameworks' own application objects, where the request begins."""
    _name(module.__name__.partition(".")[0])


def install_wsgiref(module: Any) -> None:
    """wsgiref.simple_server, on which Django's development server stands."""

    def make(original: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def set_app(self: Any, application: Any) -> None:
            _name("django" if type(self).__module__.startswith("django.") else "wsgiref")
            original(self, application if application is None else _held.HeldMiddleware(application))

        return set_app

    wrap(module.WSGIServer, "set_app", make)
    wrap(module.SimpleHandler.__base__, "run", _held.hold)


def _wrap_argument(original: Callable[..., None], entry: Callable[[Any], Any], server: str) -> Callable[..., None]:
    def init(self: Any, app: Any, *args: Any, **kwargs: Any) -> None:
        _name(server)
        original(self, entry(app), *args, **kwargs)

    return init
