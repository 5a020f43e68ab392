"""A double of `heapledger._engine` for unit tests of the adapters: it keeps no books, it remembers what it was told."""

from __future__ import annotations

import contextvars
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

UNMATCHED = "<unmatched>"
READ, DESERIALIZE, HANDLE, SERIALIZE, READ_WHOLE, DESERIALIZE_WHOLE = 0, 1, 2, 3, 5, 6
APPROXIMATE, RAISED, STREAMED_IN, STREAMED_OUT, DISCONNECTED = 1, 2, 4, 8, 16


@dataclass(eq=False)
class Request:
    """A request as the adapters see it, with what became of it."""

    sequence: int
    endpoint: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    ended: tuple[int, int, str, str] | None = None
    left: bool = False
    discarded: bool = False
    adopted: list[bytes] = field(default_factory=list)
    outer: Request | None = None
    request_encoding: int = 0
    response_encoding: int = 0
    phases: list[int] = field(default_factory=list)  # entered; -1: left, 4: sending

    @property
    def is_open(self) -> bool:
        return not (self.ended or self.discarded)


def mark(function: Callable[..., Any], phase: int, getter_of: type | None = None) -> bool:
    """Leaves it as it is."""
    return True


class Engine:
    """One double; its bound methods stand for the module's functions."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.endpoints: list[tuple[str, str, str, bool]] = [("", "", "", False)]
        self.server = ""
        self.body_limits: dict[str, int | None] = {}
        self.notices: dict[int, tuple[str, str]] = {}
        self.hooks: dict[str, list[Callable[[Any], None]]] = {}
        self.started: list[str] = []
        self.frozen = 0
        self.refuses = ""
        self._current: contextvars.ContextVar[Request | None] = contextvars.ContextVar("current", default=None)
        self._numbers = itertools.count(1)

    def start(self, run_dir: str) -> bool:
        self.started.append(run_dir)
        return not self.refuses

    def status(self) -> dict[str, Any]:
        return {"active": bool(self.started) and not self.refuses, "reason": self.refuses, "rule": "none"}

    def freeze(self) -> None:
        self.frozen += 1

    def begin(self) -> Request | None:
        if self.frozen:
            return None
        request = Request(next(self._numbers), outer=self._current.get())
        self.requests.append(request)
        self._current.set(request)
        return request

    def end(self, request: Request, status: int, flags: int, request_type: str, response_type: str) -> None:
        if request.is_open:
            request.ended = (status, flags, request_type, response_type)

    def discard(self, request: Request) -> None:
        request.discarded = True

    def restore(self, request: Request) -> None:
        if self._current.get() is request:
            self._current.set(request.outer)

    def leave(self, request: Request) -> None:
        request.left = True
        self.restore(request)

    def enter_phase(self, request: Request, phase: int) -> int:
        request.phases.append(phase)
        return 1

    def leave_phase(self, request: Request, visit: int) -> None:
        if visit:
            request.phases.append(-1)

    def begin_sending(self, request: Request) -> None:
        request.phases.append(4)

    def current(self) -> Request | None:
        request = self._current.get()
        return request if request is not None and not request.left else None

    def run_with(self, request: Request | None, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        token = self._current.set(request)
        try:
            return function(*args, **kwargs)
        finally:
            self._current.reset(token)

    def adopt(self, body: bytes) -> None:
        if request := self.current():
            request.adopted.append(body)

    def intern_endpoint(self, method: str, route: str, version: str, deprecated: bool) -> int:
        row = (method, route, version, deprecated)
        if row not in self.endpoints:
            self.endpoints.append(row)
        return self.endpoints.index(row)

    def note_end_of_life(self, endpoint: int, deprecation: str, sunset: str) -> bool:
        self.notices[endpoint] = (deprecation, sunset)
        return True

    def note_unseen(self, package: str) -> None:
        self.unseen = package

    def note_body_limit(self, setting: str, limit: int | None) -> bool:
        self.body_limits[setting] = limit
        return True

    def set_server(self, name: str) -> None:
        self.server = name

    def on_import(self, module: str, callback: Callable[[Any], None]) -> None:
        if module in sys.modules:
            callback(sys.modules[module])
        else:
            self.hooks.setdefault(module, []).append(callback)

    # What tests ask for.

    def rows(self) -> list[tuple[str, str, int]]:
        """(method, route, status) of every request that was left, in the order of their beginnings."""
        return [(*self.endpoints[r.endpoint][:2], r.ended[0]) for r in self.requests if r.left and r.ended is not None]

    def last(self) -> Request:
        return self.requests[-1]

    def flags(self) -> int:
        ended = self.last().ended
        assert ended is not None
        return ended[1]


seen_by_handlers: list[Request | None] = []


def note_current() -> None:
    """For handlers of the test applications: remember whose code runs here."""
    seen_by_handlers.append(sys.modules["heapledger._engine"].current())  # type: ignore[attr-defined]
