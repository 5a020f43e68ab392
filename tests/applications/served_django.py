"""The Django routes as a server loads them."""

from __future__ import annotations

from applications import django_routes

app = django_routes.wsgi()
asgi = django_routes.asgi()
