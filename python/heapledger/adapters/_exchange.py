"""One request from begin to leave, the same for WSGI and ASGI.

begin -> route (as early as it is known, or at the end) -> end (the response is out) -> leave (the call returned).

- The outermost entry opens a fresh request, whatever its context holds: contexts leak between keep-alive requests.
  An entry within it finds the exchange under KEY in `environ` or `scope`.
- In a known framework `end` waits for the call's return, so that what the response still held is not taken for
  memory that outlived it; a background task ends the request before it starts, a bare application when its last
  message is sent.
- Nothing here raises: what fails in our code is counted and the request goes on without us.
- This runs with every request: what can be read once at the end is not looked at before, and what a request does not
  have is an attribute of the class.
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
_methods = routes.methods
_ids = routes.ids
_Request = _engine.Request

# By request, for those who are handed neither environ nor scope. None: held, and not claimed yet (_held.hold).
open_exchanges: dict[_Request | None, Exchange | None] = {}


class Exchange:
    """State of an open request. Written by the thread or task that serves it."""

    request_type = ""
    response_type = ""
    prefix = ""  # templates of the mounts passed so far
    key: routes.Key | None = None
    status = 0
    flags = 0
    received = 0
    sent = 0
    known = False  # a framework with a router has it
    eager = False  # end at the last message, not at the return
    final = False  # the last message is on its way
    deprecated = False
    held = False  # somebody further out leaves
    open = True

    def __init__(self, token: _Request, method: str) -> None:
        self.token = token
        self.method = _methods.get(method) or routes.method_of(method)

    def asked_version(self) -> str:
        """The API version that the request's headers name, or ""."""
        return ""

    def route(self, template: str, deprecated: bool = False) -> None:
        """File the request under this template. The last call counts."""
        if not self.open:
            return
        try:
            key = (self.method, template, "", deprecated)
            endpoint = _ids.get(key)
            if not endpoint:
                key, endpoint = routes.find(key, endpoint, self.asked_version())
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
            key = self.key
            if key is None:
                self.route(routes.UNMATCHED if self.known else routes.APP, self.deprecated)
            elif self.deprecated and not key[3]:
                self.route(key[1], True)
            self.open = False
            token = self.token
            if self.received:
                token.received_bytes = self.received
            if self.sent:
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
        self.end()
        leave(self.token)


def forget(token: _Request, why: str) -> None:
    """Our code failed on this request: no row, and the service goes on."""
    _health.count(why)
    discard(token)
    leave(token)
