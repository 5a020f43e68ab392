"""One request from begin to leave, the same for WSGI and ASGI.

begin -> route (as early as it is known, or at the end) -> end (the response is out) -> leave (the call returned).

- The outermost entry opens a fresh request, whatever its context holds: contexts leak between keep-alive requests.
  An entry within it finds the exchange under KEY in `environ` or `scope`.
- In a known framework `end` waits for the call's return, so that what the response still held is not taken for
  memory that outlived it; a background task ends the request before it starts, a bare application when its last
  message is sent.
- Nothing here raises: what fails in our code is counted and the request goes on without us.

What runs with every request is the C++ type `heapledger._exchange.Exchange`; here is what it calls now and then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from heapledger import _engine, _exchange, _health
from heapledger.adapters import routes, versions
from heapledger.adapters._counted_input import CountedInput

KEY = "heapledger.request"
Exchange = _exchange.Exchange

begin = _engine.begin
leave = _engine.leave
restore = _engine.restore
discard = _engine.discard
open_wsgi = _exchange.open_wsgi
serve_asgi = _exchange.serve
exchange_of = _exchange.exchange_of
open_gunicorn = _exchange.open_gunicorn
enter_wsgi = _exchange.enter_wsgi
note_flask = _exchange.note_flask
note_starlette = _exchange.note_starlette

# Held WSGI requests, for those who are handed no environ. None: not claimed yet (_held.hold).
open_exchanges: dict[_engine.Request | None, Exchange | None] = {}


class _Closing:
    """The `close` of a `wsgi.file_wrapper` result, which goes to the server as it is."""

    __slots__ = ("_close", "_exchange")

    def __init__(self, exchange: Exchange, close: Callable[[], None] | None) -> None:
        self._exchange: Exchange | None = exchange
        self._close = close

    def __call__(self) -> None:
        exchange, close = self._exchange, self._close
        self._exchange = self._close = None
        try:
            if close is not None:
                close()
        finally:
            if exchange is not None:
                exchange.finish()


def _closing(exchange: Exchange, body: Iterable[bytes]) -> Iterable[bytes]:
    try:
        body.close = _Closing(exchange, getattr(body, "close", None))  # type: ignore[attr-defined]
    except Exception:
        _health.count("file_wrapper_unwatched")
        exchange.finish()
    return body


def count_input(exchange: Exchange, environ: dict[str, Any]) -> None:
    """The body's length is unknown before it is read (Transfer-Encoding: chunked): count what the application reads."""
    stream = environ.get("wsgi.input")
    if stream is not None:
        environ["wsgi.input"] = CountedInput(stream, exchange)


def _rule_of_other_method(context: Any, request: Any) -> Any:
    """The rule behind Flask's 405, or None."""
    error = request.routing_exception
    allowed = getattr(error, "valid_methods", None) if getattr(error, "code", 0) == 405 else None
    if not allowed:
        return None
    rule, _ = context.url_adapter.match(method=next(iter(allowed)), return_rule=True)
    return rule


def _running_loop() -> Any:
    """The event loop if it is asyncio's and the service has imported that."""
    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None else asyncio._get_running_loop()


_exchange.bind(
    {
        "begin": begin,
        "end": _engine.end,
        "leave": leave,
        "restore": restore,
        "discard": discard,
        "current": _engine.current,
        "enter_phase": _engine.enter_phase,
        "leave_phase": _engine.leave_phase,
        "begin_sending": _engine.begin_sending,
        "reading": _engine.READ,
        "raised": _engine.RAISED,
        "streamed_in": _engine.STREAMED_IN,
        "streamed_out": _engine.STREAMED_OUT,
        "disconnected": _engine.DISCONNECTED,
        "ids": routes.ids,
        "methods": routes.methods,
        "types": routes.types,
        "plain": routes.plain,
        "open_exchanges": open_exchanges,
        "find": routes.find,
        "find_asked": routes.find_asked,
        "content_type": routes.content_type,
        "method_of": routes.method_of,
        "count": _health.count,
        "asked_of_environ": routes.asked_of_environ,
        "asked_of_headers": routes.asked_of_headers,
        "adopt": _engine.adopt,
        "closing": _closing,
        "counting": count_input,
        "running_loop": getattr(sys.modules.get("asyncio"), "_get_running_loop", _running_loop),
        "rule_of_other_method": _rule_of_other_method,
        "named": versions.named,
        "rename": versions.rename,
        "notice": versions.notice,
        "unmatched": routes.UNMATCHED,
        "app": routes.APP,
        "ignored": routes.IGNORED,
    }
)
