"""What a service under `heapledger run` starts with: the engine, and adapters for whatever it imports later.

Called by `_autoload/sitecustomize.py` before the service's first line. Nothing is imported here that the service
did not import: each adapter is loaded when its framework is.
"""

from __future__ import annotations

import atexit

from heapledger import _engine, _health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Module of the service -> (module of ours, function that takes the imported module).
HOOKS: tuple[tuple[str, str, str], ...] = (
    ("threading", "heapledger.propagation", "install_threads"),
    ("signal", "heapledger._departure", "install"),
    ("concurrent.futures.thread", "heapledger.propagation", "install_executor"),
    ("flask.app", "heapledger.adapters.flask", "install"),
    ("flask.ctx", "heapledger.adapters.flask", "install_context"),
    ("starlette.applications", "heapledger.adapters.fastapi", "install_applications"),
    ("starlette.routing", "heapledger.adapters.fastapi", "install_starlette_routing"),
    ("starlette.background", "heapledger.adapters.fastapi", "install_background"),
    ("fastapi.applications", "heapledger.adapters.fastapi", "install_applications"),
    ("fastapi.routing", "heapledger.adapters.fastapi", "install_fastapi_routing"),
    ("django.core.handlers.base", "heapledger.adapters.django", "install_base"),
    ("django.core.handlers.wsgi", "heapledger.adapters.django", "install_wsgi"),
    ("django.core.handlers.asgi", "heapledger.adapters.django", "install_asgi"),
    ("rest_framework.views", "heapledger.adapters.rest_framework", "install"),
    ("uvicorn.config", "heapledger.adapters.servers", "install_uvicorn"),
    ("gunicorn.workers.base", "heapledger.adapters.servers", "install_gunicorn"),
    ("gunicorn.http.wsgi", "heapledger.adapters.servers", "install_gunicorn_http"),
    ("gunicorn.workers.gasgi", "heapledger.adapters.servers", "install_gunicorn_asgi"),
    ("hypercorn.app_wrappers", "heapledger.adapters.servers", "install_hypercorn"),
    ("werkzeug.serving", "heapledger.adapters.servers", "install_werkzeug"),
    ("wsgiref.simple_server", "heapledger.adapters.servers", "install_wsgiref"),
    ("waitress.server", "heapledger.adapters.servers", "install_waitress"),
    ("waitress.task", "heapledger.adapters.servers", "install_waitress_task"),
    ("granian.server", "heapledger.adapters.servers", "name_by_package"),
    ("daphne.server", "heapledger.adapters.servers", "name_by_package"),
    ("starlette.middleware.wsgi", "heapledger.adapters.bridges", "install_build_environ"),
    ("uvicorn.middleware.wsgi", "heapledger.adapters.bridges", "install_build_environ"),
    ("a2wsgi.wsgi", "heapledger.adapters.bridges", "install_build_environ"),
    ("a2wsgi.asgi", "heapledger.adapters.bridges", "install_build_scope"),
    ("asgiref.wsgi", "heapledger.adapters.bridges", "install_asgiref"),
    ("json", "heapledger.codecs.json", "install"),
    ("orjson", "heapledger.codecs.orjson", "install"),
    ("pydantic.main", "heapledger.codecs.pydantic", "install_main"),
    ("pydantic.type_adapter", "heapledger.codecs.pydantic", "install_type_adapter"),
    ("flask.json.provider", "heapledger.codecs.flask", "install"),
    ("werkzeug.wrappers.request", "heapledger.codecs.werkzeug", "install_request"),
    ("werkzeug.wsgi", "heapledger.codecs.werkzeug", "install_wsgi"),
    ("starlette.requests", "heapledger.codecs.starlette", "install_requests"),
    ("starlette.responses", "heapledger.codecs.starlette", "install_responses"),
    ("django.http.request", "heapledger.codecs.django", "install_request"),
    ("django.http.response", "heapledger.codecs.django", "install_response"),
    ("rest_framework.parsers", "heapledger.codecs.rest_framework", "install_parsers"),
    ("rest_framework.serializers", "heapledger.codecs.rest_framework", "install_serializers"),
    ("rest_framework.renderers", "heapledger.codecs.rest_framework", "install_renderers"),
    ("gunicorn.http.body", "heapledger.codecs.gunicorn", "install"),
    ("fastapi.routing", "heapledger.codecs.fastapi", "install_routing"),
    ("django.core.handlers.wsgi", "heapledger.codecs.django", "install_wsgi"),
    ("django.core.handlers.asgi", "heapledger.codecs.django", "install_asgi"),
    ("sqlalchemy.pool.base", "heapledger.pools.sqlalchemy", "install_pools"),
    ("sqlalchemy.engine.base", "heapledger.pools.sqlalchemy", "install_engine"),
    ("psycopg_pool.pool", "heapledger.pools.psycopg_pool", "install"),
    ("psycopg_pool.pool_async", "heapledger.pools.psycopg_pool", "install_async"),
    ("psycopg.connection", "heapledger.pools.psycopg_pool", "install_connection"),
    ("psycopg.connection_async", "heapledger.pools.psycopg_pool", "install_connection_async"),
    ("redis.connection", "heapledger.pools.redis", "install"),
    ("redis.asyncio.connection", "heapledger.pools.redis", "install_async"),
    ("httpcore._sync.connection_pool", "heapledger.pools.httpcore", "install_pool"),
    ("httpcore._sync.connection", "heapledger.pools.httpcore", "install_connection"),
    ("httpcore._async.connection_pool", "heapledger.pools.httpcore", "install_pool_async"),
    ("httpcore._async.connection", "heapledger.pools.httpcore", "install_connection_async"),
    ("httpcore._sync.http11", "heapledger.pools.httpcore", "install_protocol"),
    ("httpcore._async.http11", "heapledger.pools.httpcore", "install_protocol_async"),
    ("httpcore._sync.http2", "heapledger.pools.httpcore", "install_http2"),
    ("httpcore._async.http2", "heapledger.pools.httpcore", "install_http2_async"),
    ("django.db.backends.base.base", "heapledger.pools.django", "install"),
    ("pyarrow", "heapledger._unseen", "note"),
    ("polars", "heapledger._unseen", "note"),
    ("duckdb", "heapledger._unseen", "note"),
    ("granian", "heapledger._unseen", "note"),
)


def start_from_environment(variables: dict[str, str]) -> str:
    """Start in this process. `variables` are the HEAPLEDGER_* ones that the autoload took out of the environment.

    Returns:
        "" or, in one line, why this process is not recorded.
    """
    atexit.register(_engine.freeze)  # first, so that it runs last
    if not _engine.start(variables["HEAPLEDGER_RUN_DIR"]):
        atexit.unregister(_engine.freeze)
        return str(_engine.status().get("reason") or "the engine did not start")
    install_hooks()
    ignored = variables.get("HEAPLEDGER_IGNORE")
    if ignored:
        import json

        from heapledger.adapters import routes

        routes.ignored.update(str(route) for route in json.loads(ignored))
    return ""


def install_hooks() -> None:
    """Have each adapter installed as soon as what it adapts is imported. Twice is a no-op."""
    functions: dict[str, list[tuple[str, str]]] = {}
    for module, ours, function in HOOKS:
        functions.setdefault(module, []).append((ours, function))
    for module, wanted in functions.items():
        _engine.on_import(module, _Installer(wanted))


class _Installer:
    __slots__ = ("_functions",)

    def __init__(self, functions: list[tuple[str, str]]) -> None:
        self._functions = functions

    def __call__(self, module: Any) -> None:
        for ours, function in self._functions:
            try:
                getattr(__import__(ours, fromlist=(function,)), function)(module)
            except Exception:
                _health.count(f"install_failed:{ours}.{function}")
