"""One request from begin to leave, the same for WSGI and ASGI.

begin -> route (as early as it is known, or at the end) -> end (the response is out) -> leave (the call returned).

- The outermost entry opens a fresh request, whatever its context holds: contexts leak between keep-alive requests.
  An entry within it finds the exchange under KEY in `environ` or `scope`.
- In a known framework `end` waits for the call's return, so that what the response still held is not taken for
  memory that outlived it; a background task ends the request before it starts, a bare application when its last
  message is sent.
- Nothing here raises: what fails in our code is counted and the request goes on without us.
"""

from __future__ import annotations

from heapledger import _engine, _health
from heapledger.adapters import routes

KEY = "heapledger.request"

begin = _engine.begin
leave = _engine.leave
restore = _engine.restore
discard = _engine.discard
_end = _engine.end
_RAISED = _engine.RAISED
_DISCONNECTED = _engine.DISCONNECTED
_ids = routes.ids
_Request = _engine.Request


# By request, for those who are handed neither environ nor scope. None: held, and not claimed yet (_held.hold).
open_exchanges: dict[_Request | None, Exchange | None] = {}


class Exchange:
    """State of an open request. Written by the thread or task that serves it."""

    __slots__ = (
        "asked", "deprecated", "eager", "final", "flags", "key", "known", "method", "open", "prefix",
        "received", "request_type", "response_type", "sent", "status", "token",
    )  # fmt: skip

    def __init__(self, token: _Request, method: str, asked: str, request_type: str) -> None:
        self.token = token
        self.method = routes.methods.get(method) or routes.method_of(method)
        self.asked = asked  # version named in the request's headers
        self.request_type = request_type
        self.response_type = ""
        self.prefix = ""  # templates of the mounts passed so far
        self.key: routes.Key | None = None
        self.status = 0
        self.flags = 0
        self.received = 0
        self.sent = 0
        self.known = False  # a framework with a router has it
        self.eager = False  # end at the last message, not at the return
        self.final = False  # the last message is on its way
        self.deprecated = False
        self.open = True

    def route(self, template: str, deprecated: bool = False) -> None:
        """File the request under this template. The last call counts."""
        if not self.open:
            return
        key = (self.method, template, self.asked, deprecated)
        try:
            endpoint = _ids.get(key) or routes.intern(key)
            self.key = key
            if endpoint > 0:
                self.token.endpoint = endpoint
            else:
                discard(self.token)
        except Exception:
            _health.count("route_failed")

    def unroute(self) -> None:
        """A router takes over: what a mount named so far does not count."""
        self.known = True
        self.key = None

    def end(self) -> None:
        """The response is out, or will never be."""
        if not self.open:
            return
        try:
            if self.key is None:
                self.route(routes.UNMATCHED if self.known else routes.APP, self.deprecated)
            elif self.deprecated and not self.key[3]:
                self.route(self.key[1], True)
            self.open = False
            token = self.token
            token.received_bytes = self.received
            token.sent_bytes = self.sent
            _end(token, self.status, self.flags, self.request_type, self.response_type)
        except Exception:
            self.open = False
            _health.count("end_failed")

    def fail(self, error: BaseException) -> None:
        """The application raised instead of finishing."""
        if isinstance(error, Exception):
            self.flags |= _RAISED
            self.status = self.status or 500
        elif type(error).__name__ in ("CancelledError", "GeneratorExit", "GreenletExit"):
            self.flags |= _DISCONNECTED
        else:
            self.flags |= _RAISED

    def leave(self) -> None:
        """The call returned: end if nobody did, and give the context back."""
        if self.open:
            self.end()
        leave(self.token)


def forget(token: _Request, why: str) -> None:
    """Our code failed on this request: no row, and the service goes on."""
    _health.count(why)
    discard(token)
    leave(token)
