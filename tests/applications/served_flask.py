"""The Flask routes as a server loads them."""

from __future__ import annotations

from applications import flask_routes

app = flask_routes.make()
