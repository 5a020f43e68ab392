"""Calls an application in this process, as its server would but without sockets."""

from __future__ import annotations

import asyncio
import importlib
import io
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from benchmarks.workload import Request, Service

Phase = Callable[[Callable[[Request], None]], None]

LIFESPANS: list[asyncio.Future[None]] = []  # the event loop itself keeps only weak references


def load(service: Service) -> Any:
    module, name = service.application.split(":")
    return getattr(importlib.import_module(module), name)


def drive(service: Service, phase: Phase) -> None:
    """Run `phase` with a function that serves one request and checks that it went well."""
    application = load(service)
    if service.interface == "wsgi":
        phase(lambda request: serve_wsgi(application, request))
    else:
        with asyncio.Runner() as runner:
            runner.run(asgi_startup(application))
            phase(lambda request: runner.run(serve_asgi(application, request)))


def serve_wsgi(application: Any, request: Request) -> None:
    statuses: list[str] = []
    path, _, query = request.path.partition("?")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": request.content_type if request.body else "",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        statuses.append(status)
        return lambda data: None

    body: Iterable[bytes] = application(environ, start_response)
    try:
        for _ in body:
            pass
    finally:
        if hasattr(body, "close"):
            body.close()
    check(request, int(statuses[-1][:3]))


async def serve_asgi(application: Any, request: Request) -> None:
    path, _, query = request.path.partition("?")
    headers = [(b"host", b"localhost")]
    if request.body:
        headers += [(b"content-type", request.content_type.encode()), (b"content-length", b"%d" % len(request.body))]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    incoming = [{"type": "http.request", "body": request.body, "more_body": False}]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await asyncio.Event().wait()  # a client that stays: nothing more ever comes
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await application(scope, receive, send)
    check(request, statuses[-1])


async def asgi_startup(application: Callable[..., Awaitable[None]]) -> None:
    """The lifespan protocol's first half; what the application keeps for its life stays."""
    incoming: list[dict[str, Any]] = [{"type": "lifespan.startup"}]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await asyncio.Event().wait()
        raise AssertionError

    started = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        started.set()

    task = asyncio.ensure_future(
        application({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    )
    waiting = asyncio.ensure_future(started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    LIFESPANS.append(task)


def check(request: Request, status: int) -> None:
    if not 200 <= status < 300:
        raise SystemExit(f"error: {request.name} answered {status}: the benchmark would measure an error page")
