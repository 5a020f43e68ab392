"""`VersionComparator`: what a new version of an API, or of the service, does to memory.

    result = VersionComparator("heapledger.db").analyze()              # versions in one recording
    result = VersionComparator("before.db", "after.db").analyze()      # before and after a change
    for pair in result.pairs:
        print(pair.method, pair.route, pair.verdict, pair.reason)

The same figures as `heapledger versions`, from the same code: `to_text()`, `to_json()` and `to_csv()` equal what the
command prints into a file, to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

from heapledger._analysis import VersionsResult, analyze_versions
from heapledger._options import Moment, moment, names, seconds, whole, whole_numbers
from heapledger._source import path_of

__all__ = ["VersionComparator", "VersionsResult"]


class VersionComparator:
    """Reads one recording or two, each time `analyze()` is called.

    `analyze()` raises RecordingError where there is no recording or it cannot be read, ValueError for an argument that
    makes no sense and for a worker that the recording does not have.

    Args:
        recording: The file that `heapledger run` wrote. None: the recording that this process makes of itself since
            `heapledger.start()`, brought up to date first.
        other: The recording after a change, `recording` being before it. None: the versions of one are compared.
    """

    def __init__(
        self, recording: str | os.PathLike[str] | None = None, other: str | os.PathLike[str] | None = None
    ) -> None:
        self._recording = recording
        self._other = other

    def analyze(
        self,
        *,
        route: str | Iterable[str] = (),
        method: str | Iterable[str] = (),
        worker: int | Iterable[int] = (),
        since: Moment | None = None,
        until: Moment | None = None,
        warmup: str | float | timedelta = 0,
        memory_limit: int | None = None,
        limit: int | None = None,
        report: bool = False,
    ) -> VersionsResult:
        """Compare the versions; the arguments are the flags of `heapledger versions`.

        Args:
            route: Only these route templates; `*` stands for any characters.
            method: Only these HTTP methods, in any case.
            worker: Only these workers of the first recording, by their number in the report.
            since: Only requests that started then or later, as for `RequestIsolator.analyze()`.
            until: Only requests that started before then.
            warmup: Leave out the requests that started so soon after the recording did.
            memory_limit: Bytes that the service may take, in place of what was recorded: what the risk is of.
            limit: How many pairs the renderings show, 0 for all (`pairs` has all). None: as without `--limit`.
            report: Let `to_text()` be the migration report.
        """
        return analyze_versions(
            os.fsencode(path_of(self._recording)),
            other=None if self._other is None else os.fsencode(self._other),
            routes=names(route),
            methods=names(method),
            workers=whole_numbers("worker", worker),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
            warmup=warmup if isinstance(warmup, str) else seconds(warmup),
            memory_limit=None if memory_limit is None else whole("memory_limit", memory_limit),
            limit=None if limit is None else whole("limit", limit),
            report=report,
        )
