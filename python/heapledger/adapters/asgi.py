"""ASGI: a request lasts from the call to its return; the response is out when its last message was sent.

Only http is ours: lifespan, websocket and whatever comes are passed on untouched.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import routes
from heapledger.adapters._exchange import KEY, Exchange, begin, forget, leave, open_exchanges, restore

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_VERSION_HEADERS = (b"accept-version", b"x-api-version", b"api-version")
_DEPRECATION = frozenset((b"deprecation", b"sunset", b"Deprecation", b"Sunset"))
_STREAMED_IN, _STREAMED_OUT, _DISCONNECTED = _engine.STREAMED_IN, _engine.STREAMED_OUT, _engine.DISCONNECTED
_adopt = _engine.adopt
_plain = routes.plain


class Entry:
    """An application with a request around each http call. Costs no frame where a request is open already."""

    def __init__(self, app: Application, known: bool = False) -> None:
        self.app = app
        self.known = known

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection."""
        outer = scope.get(KEY)
        if outer is not None:
            if self.known:
                outer.unroute()
        elif scope["type"] == "http":
            return respond(self.app, scope, receive, send, self.known)
        return self.app(scope, receive, send)


class Middleware(Entry):
    """`app = Middleware(app)`: every http request of it becomes a row."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. A coroutine function, by which servers tell ASGI 3 from ASGI 2."""
        await Entry.__call__(self, scope, receive, send)


async def respond(app: Application, scope: Scope, receive: Receive, send: Send, known: bool) -> None:
    """Serve one request as the outermost entry. `known`: the application has a router that an adapter reads."""
    token = begin()
    if token is None:
        return await app(scope, receive, send)
    try:
        exchange = AsgiExchange(token, scope, receive, send)
        exchange.known = known
        scope[KEY] = open_exchanges[token] = exchange
    except Exception:
        forget(token, "asgi_begin_failed")
        return await app(scope, receive, send)
    try:
        return await app(scope, exchange.receive, exchange.send)
    except BaseException as error:
        exchange.fail(error)
        raise
    finally:
        exchange.end()
        open_exchanges.pop(token, None)
        scope.pop(KEY, None)
        # Until this step of the event loop is over, the loop holds what the task waited for last, such as the result
        # of an endpoint that ran in a thread.
        loop = _running_loop()
        if loop is None:
            leave(token)
        else:
            restore(token)
            loop.call_soon(leave, token)


def _find_running_loop() -> Any:
    """The function of asyncio, once the service has imported asyncio; other event loops leave at once."""
    global _running_loop
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    _running_loop = asyncio._get_running_loop
    return _running_loop()


_running_loop: Callable[[], Any] = _find_running_loop


class AsgiExchange(Exchange):
    """An exchange that is also the application's `receive` and `send`."""

    start: Message | None = None

    def __init__(self, token: _engine.Request, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(token, scope["method"])
        self.headers: Any = scope["headers"]
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """A message from the client; body chunks become the request's own."""
        message = await self._receive()
        try:
            if message["type"] == "http.request":
                body = message.get("body")
                if body:
                    _adopt(body)
                    self.received += len(body)
                if message.get("more_body"):
                    self.flags |= _STREAMED_IN
            elif not self.final:
                self.flags |= _DISCONNECTED
        except Exception:
            _health.count("receive_unread")
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """A message to the client; the last one is seen off."""
        try:
            kind = message["type"]
            if kind == "http.response.body":
                self.sent += len(message.get("body", b""))
                if message.get("more_body"):
                    self.flags |= _STREAMED_OUT
                else:
                    self.final = True
                    if self.eager or not self.known:
                        return self._last(message)
            elif kind == "http.response.start":
                self.start = message
            elif kind == "http.response.pathsend":
                self.final = True
        except Exception:
            _health.count("send_unread")
        return self._send(message)

    async def _last(self, message: Message) -> None:
        await self._send(message)
        self.end()

    def end(self) -> None:
        """The response is out, or will never be."""
        if not self.open:
            return
        try:
            self._describe()
        except Exception:
            _health.count("messages_unread")
        super().end()

    def _describe(self) -> None:
        raw = next((value for name, value in self.headers if name == b"content-type"), None)
        if raw:
            self.request_type = routes.content_type(raw)
        start = self.start
        if start is not None:
            self.start = None
            self.status = start["status"]
            headers = start.get("headers")
            if type(headers) is list or type(headers) is tuple:  # an iterator could be read only once
                names = dict(headers)
                raw = names.get(b"content-type") or names.get(b"Content-Type")
                if raw:
                    self.response_type = routes.content_type(bytes(raw))
                if not _DEPRECATION.isdisjoint(names):
                    self.deprecated = True

    def asked_version(self) -> str:
        """The API version that the request's headers name, or ""."""
        names = dict(self.headers)
        if not names.keys().isdisjoint(_VERSION_HEADERS):
            for name in _VERSION_HEADERS:
                if raw := names.get(name):
                    return routes.version_of(raw.decode("latin-1"))
        for name in (b"accept", b"content-type"):
            raw = names.get(name)
            if raw and raw not in _plain and (version := routes.version_in_media_type(raw)):
                return version
        return ""
