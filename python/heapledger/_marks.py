"""What a service may say of its API's versions: `api_version(version)` and `compat(name)`."""

from __future__ import annotations

from heapledger import _engine, _health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])

_LONGEST_NAME = 100


def api_version(version: str) -> None:
    """File the current request under this version of the API: for services that tell versions in a way of their own.

    The last call counts, an empty version takes back what was named. It wins over what the route and the headers say,
    and holds in `heapledger.request()` too. Outside of a request, and where nothing is recorded, it does nothing.

    Args:
        version: Few different ones; a number is filed with a v in front. What is longer than 32 characters is cut,
            others than letters, digits and `._-` become `_`, and versions beyond the first 32 are filed as `<other>`:
            `heapledger versions` says how many were altered so.
    """
    request = _engine.current()
    if request is None:
        return
    try:
        from heapledger.adapters import versions

        versions.name(request, str(version))
    except Exception:
        _health.count("version_not_named")


class compat:  # noqa: N801
    """Mark code that is only there for compatibility with an old version: a context manager, or a decorator.

    `heapledger versions` reports by name and endpoint how often it ran, what it allocated, by how much it lifted the
    peak of its request, and how long it took. Outside of a request, and where nothing is recorded, it does nothing.
    What runs concurrently in the same request meanwhile is charged too.

    Example:
        with heapledger.compat("prices as text"):
            payload["price"] = str(payload["price"])

    Args:
        name: Use few different ones.
    """

    __slots__ = ("_name", "_outer", "_span")

    def __init__(self, name: str) -> None:
        try:
            self._name = str(name)[:_LONGEST_NAME]
        except Exception:
            self._name = type(name).__name__[:_LONGEST_NAME]
        self._span: bytes | None = None
        self._outer: compat | None = None

    def __enter__(self) -> compat:
        if self._span is not None:  # entered again before it was left
            nested = compat(self._name)
            nested._span, nested._outer = self._span, self._outer
            self._outer = nested
        self._span = _engine.enter_compat()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        span, outer = self._span, self._outer
        self._span, self._outer = (None, None) if outer is None else (outer._span, outer._outer)
        if span is not None:
            try:
                if not _engine.leave_compat(span, self._name):
                    _health.count("compat_in_another_request")
            except Exception:
                _health.count("compat_not_noted")

    def __call__(self, function: _Function) -> _Function:
        """The function with each of its calls marked; coroutine functions until they have returned."""
        import functools
        import inspect

        name = self._name
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def marked_coroutine(*args: Any, **kwargs: Any) -> Any:
                with compat(name):
                    return await function(*args, **kwargs)

            return marked_coroutine  # type: ignore[return-value]

        @functools.wraps(function)
        def marked(*args: Any, **kwargs: Any) -> Any:
            with compat(name):
                return function(*args, **kwargs)

        return marked  # type: ignore[return-value]
