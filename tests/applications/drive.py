"""Call WSGI and ASGI applications directly, as a correct server would."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.util import FileWrapper


@dataclass
class Response:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    chunks: int

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def environ_for(method: str, path: str, body: bytes = b"", **extra: Any) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.file_wrapper": FileWrapper,
    }  # fmt: skip
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    environ.update(extra)
    return environ


def wsgi(app: Callable[..., Iterable[bytes]], method: str, path: str, body: bytes = b"", **extra: Any) -> Response:
    """One request through a WSGI application, its body read to the end and closed."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        started[:] = [status, headers]
        return written.append

    written: list[bytes] = []
    result = app(environ_for(method, path, body, **extra), start_response)
    try:
        chunks = written + list(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return Response(int(started[0].split()[0]), list(started[1]), b"".join(chunks), len(chunks))


def scope_for(method: str, path: str, headers: dict[str, str] | None = None, **extra: Any) -> dict[str, Any]:
    raw = [(key.lower().encode(), value.encode()) for key, value in {"host": "localhost", **(headers or {})}.items()]
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "headers": raw, "client": ("127.0.0.1", 1), "server": ("localhost", 80), **extra,
    }  # fmt: skip


async def asgi_call(
    app: Callable[..., Awaitable[None]], scope: dict[str, Any], *chunks: bytes, gone: bool = False
) -> Response:
    """One request through an ASGI application. `gone`: the client is not there any more after the body."""
    pending = [
        {"type": "http.request", "body": chunk, "more_body": n + 1 < len(chunks)} for n, chunk in enumerate(chunks)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    complete = asyncio.Event()
    sent: list[Any] = []

    async def receive() -> Any:
        if pending:
            return pending.pop(0)
        if not gone:
            await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            complete.set()

    await app(scope, receive, send)
    bodies = [m.get("body", b"") for m in sent if m["type"] == "http.response.body"]
    starts = [m for m in sent if m["type"] == "http.response.start"]
    if not starts:
        return Response(0, [], b"", 0)
    headers = [(bytes(k).decode("latin-1"), bytes(v).decode("latin-1")) for k, v in starts[0]["headers"]]
    return Response(starts[0]["status"], headers, b"".join(bodies), len(bodies))


def asgi(app: Callable[..., Awaitable[None]], method: str, path: str, *chunks: bytes, **options: Any) -> Response:
    """The same from synchronous code; each call has an event loop of its own."""
    headers = options.pop("headers", None)
    gone = options.pop("gone", False)
    return asyncio.run(asgi_call(app, scope_for(method, path, headers, **options), *chunks, gone=gone))
