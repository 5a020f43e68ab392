"""What every request passes in the adapters, written in C++ (src/cpython/exchange_*).

Bound to the engine's functions, or to a double of them, by `heapledger.adapters._exchange`; knows the engine by nothing
else.
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, final

from heapledger._engine import Request

@final
class Exchange:
    """State of an open request; it is also the application's `start_response` and body, or `send`."""

    prefix: str  # templates of the mounts passed so far
    source: Any  # environ, or the list of request headers; None once ended
    response: Any  # what is known of the response; None once ended
    status: int
    flags: int
    received: int
    sent: int
    known: bool  # a framework with a router has it
    eager: bool  # end at the last message or chunk, not at the return or close
    final: bool  # the last message is on its way
    held: bool  # somebody further out leaves
    @property
    def open(self) -> bool: ...
    @property
    def token(self) -> Request: ...
    @property
    def method(self) -> str: ...
    @property
    def key(self) -> tuple[str, str, str, bool] | None: ...
    @property
    def server_call(self) -> Any: ...
    @property
    def server_receive(self) -> Any: ...
    @property
    def receive(self) -> Any: ...
    def __call__(self, *arguments: Any) -> Any: ...
    def route(self, template: str, deprecated: bool = False, /) -> None:
        """File the request under this template. The last call counts."""

    def unroute(self) -> None:
        """A router takes over: what a mount named so far does not count."""

    def end(self) -> None:
        """The response is out, or will never be. Twice is a no-op."""

    def leave(self) -> None:
        """The call returned: end if nobody did, and give the context back."""

    def fail(self, error: BaseException, /) -> None:
        """The application raised instead of finishing."""

    def wrap(self, body: Iterable[bytes], /) -> Iterable[bytes]:
        """WSGI: the body to give to the server."""

    def close(self) -> None:
        """WSGI: the server is done with the body."""

    def finish(self) -> None:
        """WSGI: end, and leave unless held."""

@final
class Entry:
    """An ASGI application with a request around each http call, unless its scope has one already."""

    app: Any
    known: bool
    def __new__(cls, app: Any, known: bool = False) -> Entry: ...
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any: ...

def mark_awaited(function: Callable[..., Any], phase: int, /) -> bool:
    """What this coroutine function returns is awaited within a phase of the request that calls it.

    The object itself stays as it is. False: it is no Python function, or its calls are taken.
    """

def bind(names: dict[str, Any], /) -> None:
    """Take over the functions and tables that exchanges use."""

def open_wsgi(token: Request, environ: dict[str, Any], start_response: Any, known: bool, /) -> Exchange:
    """The exchange of a WSGI call; environ refers to it from here on."""

def serve(app: Any, scope: Any, receive: Any, send: Any, known: bool, /) -> Coroutine[Any, Any, Any]:
    """Await app(scope, receive, send) within a request of its own; scope refers to its exchange while it is open."""

def exchange_of(token: Request | None, /) -> Exchange | None:
    """The ASGI exchange over this token, unless it is finished."""

def open_gunicorn(token: Request, method: str, /) -> Exchange:
    """The exchange of a request that gunicorn's worker holds; `source` and `response` follow."""

def enter_wsgi(known: bool, app: Any, /, *arguments: Any) -> Iterable[bytes]:
    """Call app(*arguments), the last two of which are environ and start_response, within a request.

    Where environ has one already it is that one. `known`: the application has a router that an adapter reads.
    """

def note_flask(context: Any, /) -> None:
    """File the request under the rule that this Flask context has matched."""

def note_starlette(route: Any, scope: Any, /) -> None:
    """File the request under the route that is about to handle."""
