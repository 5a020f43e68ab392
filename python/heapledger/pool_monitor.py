"""`PoolMonitor`: what connection pools hold, who holds it, and what size they should have.

    for pool in PoolMonitor("heapledger.db").analyze().pools:
        print(pool.name, pool.in_use, pool.memory.live_bytes, [leak.reason for leak in pool.leaks])

The same figures as `heapledger pools`, from the same code: `to_text()`, `to_json()` and `to_csv()` equal what the
command prints into a file, to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from heapledger._analysis import PoolsResult, analyze_pools
from heapledger._options import names, whole, whole_numbers
from heapledger._source import path_of

__all__ = ["PoolMonitor", "PoolsResult"]


class PoolMonitor:
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
        pool: str | Iterable[str] = (),
        worker: int | Iterable[int] = (),
        memory_limit: int | None = None,
        limit: int | None = None,
    ) -> PoolsResult:
        """Say what each pool holds and lost, and what its settings should be; the flags of `heapledger pools`.

        Args:
            pool: Only these pools, by their names; `*` stands for any characters.
            worker: Only these workers, by their number in the report.
            memory_limit: Bytes that the service may take: no size is recommended that does not fit.
            limit: How many leaks and endpoints of each pool the text shows, 0 for all. None: as without `--limit`.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
            ValueError: An argument makes no sense, or the recording has no such worker.
        """
        return analyze_pools(
            os.fsencode(path_of(self._recording)),
            pools=names(pool),
            workers=whole_numbers("worker", worker),
            memory_limit=None if memory_limit is None else whole("memory_limit", memory_limit),
            limit=None if limit is None else whole("limit", limit),
        )
