"""ASGI: a request lasts from the call to its return; the response is out when its last message was sent.

Only http is ours: lifespan, websocket and whatever comes are passed on untouched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from heapledger import _exchange
from heapledger.adapters._exchange import serve_asgi

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


# An application with a request around each http call: Entry(app, known=False). Where a request is open already it costs
# nothing. `known`: the application has a router that an adapter reads.
Entry = _exchange.Entry


class Middleware:
    """`app = Middleware(app)`: every http request of it becomes a row."""

    def __init__(self, app: Application, known: bool = False) -> None:
        self.app = app
        self.known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. A coroutine function, by which servers tell ASGI 3 from ASGI 2."""
        await Entry(self.app, self.known)(scope, receive, send)


def respond(app: Application, scope: Scope, receive: Receive, send: Send, known: bool) -> Awaitable[None]:
    """Serve one request as the outermost entry."""
    return serve_asgi(app, scope, receive, send, known)
