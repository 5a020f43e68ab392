"""ASGI: a request lasts from the call to its return; the response is out when its last message was sent.

Only http is ours: lifespan, websocket and whatever comes are passed on untouched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from heapledger.adapters._exchange import KEY, begin, forget, open_asgi

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


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
        exchange = open_asgi(token, scope, receive, send, known)
    except Exception:
        forget(token, "asgi_begin_failed")
        return await app(scope, receive, send)
    try:
        return await app(scope, exchange.receive, exchange)
    except BaseException as error:
        exchange.fail(error)
        raise
    finally:
        exchange.finish_asgi()
