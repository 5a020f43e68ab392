"""A Flask application with every kind of route."""

from __future__ import annotations

from typing import Any

import fake_engine
from flask import Blueprint, Flask, Response, abort, jsonify, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

URLS = [
    ("GET", "/items/7"), ("GET", "/items/none"), ("GET", "/items/404"), ("HEAD", "/items/7"), ("OPTIONS", "/items/7"),
    ("DELETE", "/items/7"), ("GET", "/api/v3/deep/x"), ("GET", "/slash"), ("GET", "/fails"), ("GET", "/refused-early"),
    ("GET", "/mounted/inner/1"), ("GET", "/streamed"), ("GET", "/nothing"), ("GET", "/unchanged"),
]  # fmt: skip


def make() -> Flask:
    app = Flask("routes")
    app.logger.disabled = True
    outer, inner = Blueprint("outer", __name__, url_prefix="/api"), Blueprint("inner", __name__, url_prefix="/v3")

    @app.before_request
    def guard() -> Any:
        return ("no", 403) if request.path == "/refused-early" else None

    @app.get("/items/<int:item_id>")
    def item(item_id: int) -> Response:
        if item_id == 404:
            abort(404)
        return jsonify(item_id=item_id)

    @app.get("/slash/")
    def slash() -> str:
        return "slash"

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("as intended")

    @app.get("/refused-early")
    def refused() -> str:
        return "never"

    @app.get("/streamed")
    def streamed() -> Response:
        return Response((b"part" for _ in range(3)), mimetype="text/plain")

    @app.get("/nothing")
    def nothing() -> tuple[str, int]:
        return "", 204

    @app.get("/unchanged")
    def unchanged() -> tuple[str, int]:
        return "", 304

    @app.get("/whose")
    def whose() -> str:
        fake_engine.note_current()
        return ""

    @inner.get("/deep/<name>")
    def deep(name: str) -> str:
        return name

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    mounted = Flask("mounted")

    @mounted.get("/inner/<n>")
    def mounted_inner(n: str) -> str:
        return n

    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/mounted": mounted})  # type: ignore[method-assign]
    return app
