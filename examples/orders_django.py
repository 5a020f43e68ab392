"""The orders API in Django: `heapledger run -- gunicorn --threads 8 examples.orders_django:app`."""

from __future__ import annotations

from examples.orders.django_app import app

__all__ = ["app"]
