"""A Flask service whose requests hold one another up."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from applications import neighbours

app = Flask("neighbours")


def _handler(kind: Callable[[], int]) -> Callable[[], str]:
    return lambda: str(kind())


for _name, (_kind, _) in neighbours.KINDS.items():
    app.add_url_rule(f"/{_name}", endpoint=_name, view_func=_handler(_kind))
