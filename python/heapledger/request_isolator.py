"""`RequestIsolator`: what every endpoint's requests cost in memory, from a recording or from the live process.

    result = RequestIsolator("heapledger.db").analyze(route="/orders/*", warmup="30s")
    for endpoint in result.endpoints:
        print(endpoint.route, endpoint.peak_bytes.p99)
    print(result.to_text())

The same figures as `heapledger requests`, from the same code: `to_text()`, `to_json()` and `to_csv()` equal what the
command prints into a file, to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

from heapledger._analysis import (
    InterferenceResult,
    LeaksResult,
    LifecycleResult,
    RequestsResult,
    SegmentsResult,
    analyze_interference,
    analyze_leaks,
    analyze_lifecycle,
    analyze_requests,
    analyze_segments,
)
from heapledger._options import Moment, moment, names, seconds, whole, whole_numbers
from heapledger._source import path_of

__all__ = [
    "InterferenceResult",
    "LeaksResult",
    "LifecycleResult",
    "RequestIsolator",
    "RequestsResult",
    "SegmentsResult",
]


class RequestIsolator:
    """Reads one recording, each time `analyze()` is called.

    Args:
        recording: The file that `heapledger run` wrote. None: the recording that this process makes of itself since
            `heapledger.start()`, brought up to date first.
    """

    def __init__(self, recording: str | os.PathLike[str] | None = None) -> None:
        self._recording = recording

    def analyze(
        self,
        *,
        route: str | Iterable[str] = (),
        method: str | Iterable[str] = (),
        worker: int | Iterable[int] = (),
        since: Moment | None = None,
        until: Moment | None = None,
        warmup: str | float | timedelta = 0,
        sort: str = "cost",
        limit: int | None = None,
    ) -> RequestsResult:
        """Compute what the chosen requests cost; the arguments are the flags of `heapledger requests`.

        Args:
            route: Only these route templates; `*` stands for any characters.
            method: Only these HTTP methods, in any case.
            worker: Only these workers, by their number in the report.
            since: Only requests that started then or later: seconds after the recording's start ("90s", 90,
                timedelta), before its end ("-5m", negative), a datetime or ISO 8601 string (without a zone: UTC).
            until: Only requests that started before then.
            warmup: Leave out the requests that started so soon after the recording did.
            sort: cost, requests, errors, peak, allocated, escaped, retained, duration, concurrency or route.
            limit: How many endpoints the renderings show, 0 for all (`endpoints` has all). None: as without `--limit`.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense, or the recording has no such worker.
        """
        return analyze_requests(
            os.fsencode(path_of(self._recording)),
            routes=names(route),
            methods=names(method),
            workers=whole_numbers("worker", worker),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
            warmup=warmup if isinstance(warmup, str) else seconds(warmup),
            sort=sort,
            limit=None if limit is None else whole("limit", limit),
        )

    def segments(self, *, worker: int | Iterable[int] = ()) -> SegmentsResult:
        """Say what kinds of memory the processes hold, what they share, and whose blocks go where.

        The same as `heapledger segments`.

        Args:
            worker: Only these workers, by their number in the report.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: The argument makes no sense, or the recording has no such worker.
        """
        return analyze_segments(os.fsencode(path_of(self._recording)), workers=whole_numbers("worker", worker))

    def leaks(
        self,
        *,
        route: str | Iterable[str] = (),
        method: str | Iterable[str] = (),
        worker: int | Iterable[int] = (),
        memory_limit: int | None = None,
        limit: int | None = None,
    ) -> LeaksResult:
        """Judge which endpoints keep memory, how much a request, and at which line: `heapledger leaks`.

        Args:
            route: Only these route templates; `*` stands for any characters.
            method: Only these HTTP methods, in any case.
            worker: Only these workers, by their number in the report.
            memory_limit: Bytes that the service may take: says when a leak has filled them.
            limit: How many findings the renderings show, 0 for all (`findings` has all). None: as without `--limit`.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense, or the recording has no such worker.
        """
        return analyze_leaks(
            os.fsencode(path_of(self._recording)),
            routes=names(route),
            methods=names(method),
            workers=whole_numbers("worker", worker),
            memory_limit=None if memory_limit is None else whole("memory_limit", memory_limit),
            limit=None if limit is None else whole("limit", limit),
        )

    def lifecycle(
        self,
        route: str,
        *,
        method: str | Iterable[str] = (),
        worker: int | Iterable[int] = (),
        since: Moment | None = None,
        until: Moment | None = None,
        warmup: str | float | timedelta = 0,
        slowest: int | None = None,
        largest: int | None = None,
    ) -> LifecycleResult:
        """Say how the memory of a route's requests comes and goes: `heapledger requests --lifecycle ROUTE`.

        Args:
            route: The route template; `*` stands for any characters.
            method: Only these HTTP methods, in any case.
            worker: Only these workers, by their number in the report.
            since: Only requests that started then or later, as in `analyze()`.
            until: Only requests that started before then.
            warmup: Leave out the requests that started so soon after the recording did.
            slowest: Name that many requests of each endpoint, the slowest first.
            largest: The same, by their peaks. Not both.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense, or the recording has no such worker.
        """
        return analyze_lifecycle(
            os.fsencode(path_of(self._recording)),
            route=route,
            methods=names(method),
            workers=whole_numbers("worker", worker),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
            warmup=warmup if isinstance(warmup, str) else seconds(warmup),
            slowest=None if slowest is None else whole("slowest", slowest),
            largest=None if largest is None else whole("largest", largest),
        )

    def interference(
        self,
        *,
        route: str | Iterable[str] = (),
        method: str | Iterable[str] = (),
        worker: int | Iterable[int] = (),
        since: Moment | None = None,
        until: Moment | None = None,
        warmup: str | float | timedelta = 0,
        limit: int | None = None,
    ) -> InterferenceResult:
        """Say what runs beside what, and what differs when it does: `heapledger requests --interference`.

        Args:
            route: Look at these route templates only (beside them is whatever ran); `*` stands for any characters.
            method: Look at these HTTP methods only, in any case.
            worker: Only these workers, by their number in the report.
            since: Look at requests that started then or later, as in `analyze()`.
            until: Look at requests that started before then.
            warmup: Leave out the requests that started so soon after the recording did.
            limit: How many pairs the renderings show, 0 for all (`pairs` has all). None: as without `--limit`.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense, or the recording has no such worker.
        """
        return analyze_interference(
            os.fsencode(path_of(self._recording)),
            routes=names(route),
            methods=names(method),
            workers=whole_numbers("worker", worker),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
            warmup=warmup if isinstance(warmup, str) else seconds(warmup),
            limit=None if limit is None else whole("limit", limit),
        )
