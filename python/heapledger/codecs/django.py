"""Django's request: `body`, and POST and FILES, which are parsed while they are read. Its JSON response."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, READ, READ_WHOLE, SERIALIZE, mark, mark_awaited


def install_request(module: Any) -> None:
    """django.http.request."""
    mark(module.HttpRequest, READ_WHOLE, "body")
    mark(module.HttpRequest, READ, "read", "readline", "readlines")
    mark(module.HttpRequest, DESERIALIZE, "_load_post_and_files")


def install_asgi(module: Any) -> None:
    """django.core.handlers.asgi."""
    mark_awaited(module.ASGIHandler, READ, "read_body")


def install_wsgi(module: Any) -> None:
    """django.core.handlers.wsgi."""
    mark(module.LimitedStream, READ, "read", "readline")


def install_response(module: Any) -> None:
    """django.http.response."""
    mark(module.JsonResponse, SERIALIZE, "__init__")
