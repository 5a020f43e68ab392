"""`PayloadAnalyzer`: what a byte on the wire costs in memory, from a recording or from the live process.

    result = PayloadAnalyzer("heapledger.db").analyze(route="/orders/*")
    for endpoint in result.endpoints:
        print(endpoint.route, endpoint.request.model.amplification_ratio, endpoint.verdict)

The same figures as `heapledger payloads`, from the same code: `to_text()`, `to_json()` and `to_csv()` equal what the
command prints into a file, to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

from heapledger._analysis import PayloadsResult, analyze_payloads
from heapledger._options import Moment, moment, names, seconds, whole, whole_numbers
from heapledger._source import path_of

__all__ = ["PayloadAnalyzer", "PayloadsResult"]


class PayloadAnalyzer:
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
        sort: str = "requirement",
        limit: int | None = None,
    ) -> PayloadsResult:
        """Compute what the bodies of the chosen requests cost; the arguments are the flags of `heapledger payloads`.

        Args:
            route: Only these route templates; `*` stands for any characters.
            method: Only these HTTP methods, in any case.
            worker: Only these workers, by their number in the report.
            since: Only requests that started then or later: as `RequestIsolator.analyze()` takes it.
            until: Only requests that started before then.
            warmup: Leave out the requests that started so soon after the recording did.
            sort: requirement, amplification, request, response, requests or route.
            limit: How many endpoints the renderings show, 0 for all (`endpoints` has all). None: as without `--limit`.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense, or the recording has no such worker.
        """
        return analyze_payloads(
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
