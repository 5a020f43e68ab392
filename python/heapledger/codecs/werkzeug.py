"""Werkzeug's request: the body as bytes, and forms with their files, which are parsed while they are read."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, READ, READ_WHOLE, mark


def install_request(module: Any) -> None:
    """werkzeug.wrappers.request."""
    mark(module.Request, READ_WHOLE, "get_data")
    mark(module.Request, DESERIALIZE, "_load_form_data")


def install_wsgi(module: Any) -> None:
    """werkzeug.wsgi."""
    mark(module.LimitedStream, READ, "readinto", "readall")
