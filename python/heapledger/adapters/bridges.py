"""Bridges between ASGI and WSGI: the request that is open on one side is the same on the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger.adapters._exchange import KEY
from heapledger.adapters._patching import wrap


def install_build_environ(module: Any) -> None:
    """starlette.middleware.wsgi, a2wsgi.wsgi, uvicorn.middleware.wsgi, hypercorn: `build_environ(scope, ...)`."""
    for name in ("build_environ", "_build_environ"):
        if name in vars(module):
            wrap(module, name, lambda original: _carry(original, 0))


def install_asgiref(module: Any) -> None:
    """asgiref.wsgi: the same as a method."""
    wrap(module.WsgiToAsgiInstance, "build_environ", lambda original: _carry(original, 1))


def install_build_scope(module: Any) -> None:
    """a2wsgi.asgi: an ASGI application under a WSGI server."""
    wrap(module, "build_scope", lambda original: _carry(original, 0))


def _carry(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    def build(*args: Any, **kwargs: Any) -> Any:
        built = original(*args, **kwargs)
        if len(args) > position and (exchange := args[position].get(KEY)) is not None:
            built[KEY] = exchange
        return built

    return build
