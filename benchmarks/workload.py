"""The requests that are measured: the endpoints of the example service that a well-behaved API would have."""

from __future__ import annotations

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Request:
    """One request, as every measurement sends it."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclasses.dataclass(frozen=True)
class Service:
    """One framework's version of the example, the server it is measured under, and how that is started."""

    framework: str
    interface: str
    application: str
    server: str
    arguments: tuple[str, ...]


FLASK = Service(
    framework="Flask",
    interface="wsgi",
    application="examples.orders_flask:app",
    server="gunicorn",
    arguments=("--worker-class", "gthread", "--threads", "8", "--workers", "1", "--bind", "127.0.0.1:{port}"),
)
FASTAPI = Service(
    framework="FastAPI",
    interface="asgi",
    application="examples.orders_fastapi:app",
    server="uvicorn",
    arguments=("--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning", "--no-access-log"),
)
SERVICES = (FLASK, FASTAPI)

ORDER = json.dumps({"customer": "c-17", "items": [{"sku": f"s-{n}", "quantity": n + 1} for n in range(5)]}).encode()
REQUESTS = (
    Request("GET", "/health"),
    Request("GET", "/v2/orders?limit=20"),
    Request("GET", "/v2/orders/17"),
    Request("POST", "/orders", ORDER),
)
