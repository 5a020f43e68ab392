"""`wsgi.input` of a request whose length nobody announced: what the application reads is counted.

It is the server's stream in every other respect, also for `isinstance` and for methods that WSGI does not name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from heapledger._exchange import Exchange


class CountedInput:
    """A server's input stream that adds what is read of it to the request's received bytes."""

    __slots__ = ("_exchange", "_stream")

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    def read(self, *args: Any, **kwargs: Any) -> Any:
        """As the stream's."""
        return self._counted(self._stream.read(*args, **kwargs))

    def readline(self, *args: Any, **kwargs: Any) -> Any:
        """As the stream's."""
        return self._counted(self._stream.readline(*args, **kwargs))

    def readlines(self, *args: Any, **kwargs: Any) -> Any:
        """As the stream's."""
        lines = self._stream.readlines(*args, **kwargs)
        self._added(sum(map(len, lines)))
        return lines

    def __iter__(self) -> Iterator[Any]:
        for line in self._stream:
            yield self._counted(line)

    def __next__(self) -> Any:
        return self._counted(next(self._stream))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)  # what the stream lacks is lacking here
        if name == "read1":
            return lambda *args, **kwargs: self._counted(found(*args, **kwargs))
        if name == "readinto":
            return lambda *args, **kwargs: self._added(found(*args, **kwargs))
        return found

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._stream)

    def _counted(self, data: Any) -> Any:
        self._added(len(data) if data else 0)
        return data

    def _added(self, count: Any) -> Any:
        if count and self._exchange.open:
            self._exchange.received += count
        return count
