"""A Flask service whose requests hold memory in known shapes."""

from __future__ import annotations

from flask import Flask

from applications import shapes

app = Flask("shaped")


def _make(shape: str) -> None:
    def handler() -> str:
        shapes.hold(shape)
        return "ok"

    app.add_url_rule(f"/{shape}", endpoint=shape, view_func=handler)


for _shape in shapes.SHAPES:
    _make(_shape)


@app.get("/escape")
def escape() -> str:
    shapes.escape()
    return "ok"
