"""gunicorn's wsgi.input."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import READ, mark


def install(module: Any) -> None:
    """gunicorn.http.body."""
    mark(module.Body, READ, "read", "readline", "readlines")
