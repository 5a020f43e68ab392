"""`RateLimiter`: how much traffic the memory holds, and which limits keep it there.

    result = RateLimiter("heapledger.db").analyze(memory_limit=512 << 20)
    for limit in result.limits.endpoints:
        print(limit.route, limit.requests_per_second, limit.concurrency)
    print(result.emit("nginx"))

The same figures as `heapledger limits`, from the same code: `to_text()`, `to_json()` and `to_csv()` equal what the
command prints into a file, to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

from heapledger._analysis import LimitsResult, analyze_limits
from heapledger._options import Moment, moment, names, seconds, whole
from heapledger._source import path_of

__all__ = ["LimitsResult", "RateLimiter"]


class RateLimiter:
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
        since: Moment | None = None,
        until: Moment | None = None,
        warmup: str | float | timedelta = 0,
        memory_limit: int | None = None,
        risk: str | float | timedelta = "30d",
        limit: int | None = None,
    ) -> LimitsResult:
        """Compute what fits into the memory; the arguments are the flags of `heapledger limits`.

        Args:
            route: List only these route templates; `*` stands for any characters. Figures are of all traffic, as all
                endpoints share the memory.
            method: List only these HTTP methods, in any case.
            since: Only traffic that started then or later, as in `RequestIsolator.analyze()`.
            until: Only traffic that started before then.
            warmup: Leave out the traffic that started so soon after the recording did.
            memory_limit: Bytes that the service may take. None: the limit that the recording knows.
            risk: At most one exceedance in this time.
            limit: How many endpoints the renderings show, 0 for all (`costs` has all). None: as without `--limit`.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense.
        """
        return analyze_limits(
            os.fsencode(path_of(self._recording)),
            since=None if since is None else moment(since),
            until=None if until is None else moment(until),
            warmup=warmup if isinstance(warmup, str) else seconds(warmup),
            memory_limit=None if memory_limit is None else whole("memory_limit", memory_limit),
            risk=risk if isinstance(risk, str) else seconds(risk),
            limit=None if limit is None else whole("limit", limit),
            routes=names(route),
            methods=names(method),
        )
