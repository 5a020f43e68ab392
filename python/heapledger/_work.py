"""Requests that are no HTTP requests: a job, a consumed message, a step of a script."""

from __future__ import annotations

import sys

from heapledger import _engine, _health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_Request = _engine.Request


def current() -> _Request | None:
    """The open request that the calling code runs under, or None outside of any (and where nothing is recorded)."""
    return _engine.current()


class request:  # noqa: N801
    """Record a piece of work as a request of its own, inside of another one too.

    Example:
        with heapledger.request("nightly import"):
            import_orders()

    Where nothing is recorded this does nothing. It holds for the calling thread or task and for what they start.

    Args:
        name: What the row is filed under, in the place of a route. Use few different names.
        method: Its kind, in the place of the HTTP method.
    """

    __slots__ = ("_method", "_name", "_requests")

    def __init__(self, name: str, method: str = "CALL") -> None:
        self._name = name
        self._method = method
        self._requests: list[_Request | None] = []

    def __enter__(self) -> _Request | None:
        opened = _engine.begin()
        self._requests.append(opened)
        if opened is not None:
            try:
                opened.endpoint = _engine.intern_endpoint(self._method, self._name, "", False)
            except Exception:
                _health.count("work_not_named")
        return opened

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        opened = self._requests.pop()
        if opened is not None:
            failed = isinstance(error, Exception)
            self._name_version(opened)
            _engine.end(opened, 500 if failed else 200, _engine.RAISED if failed else 0, "", "")
            _engine.leave(opened)

    def _name_version(self, opened: _Request) -> None:
        versions = sys.modules.get("heapledger.adapters.versions")  # api_version() loads it
        if versions is not None:
            try:
                versions.name_work(opened, self._method, self._name)
            except Exception:
                _health.count("version_not_named")
