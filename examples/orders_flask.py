"""The orders API in Flask: `heapledger run -- gunicorn --threads 8 examples.orders_flask:app`."""

from __future__ import annotations

from examples.orders.flask_app import app

__all__ = ["app"]
