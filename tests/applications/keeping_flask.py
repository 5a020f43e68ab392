"""A Flask service whose endpoints leave behind what their name says."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from applications import chosen

app = Flask("keeping")


def _handler(kind: Callable[[], object]) -> Callable[[], str]:
    def handler() -> str:
        kind()
        return "ok"

    return handler


for _name, _kind in chosen.KINDS.items():
    app.add_url_rule(f"/{_name}", endpoint=_name, view_func=_handler(_kind))
