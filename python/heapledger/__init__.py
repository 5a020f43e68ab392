"""heapledger: what every HTTP request costs in memory, exactly.

Most services need nothing of this: `heapledger run -- COMMAND` records them unchanged. From code:

- `start()` records this process without `heapledger run`,
- `request(name)` makes a row of a piece of work that is no HTTP request,
- `current()` is the request that the calling code runs under,
- `api_version(version)` files the current request under a version of the API,
- `compat(name)` marks code that is there for compatibility only,
- `pools.watch(pool)` records who has a connection of a pool that heapledger does not know by itself.

What was recorded, or the live process, is read by

- `RequestIsolator(recording).analyze()`: what requests cost, what they keep, what kinds of memory there are,
- `PayloadAnalyzer(recording).analyze()`: what a byte on the wire costs in memory,
- `PoolMonitor(recording).analyze()`: what connection pools hold, lose and should be,
- `RateLimiter(recording).analyze()`: how much traffic the memory holds,
- `VersionComparator(recording, other).analyze()`: what another version of the API does to memory.
"""

from __future__ import annotations

from heapledger._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapledger import pools
    from heapledger._live import start
    from heapledger._marks import api_version, compat
    from heapledger._work import current, request
    from heapledger.errors import HeapledgerError
    from heapledger.payload_analyzer import PayloadAnalyzer
    from heapledger.pool_monitor import PoolMonitor
    from heapledger.rate_limiter import RateLimiter
    from heapledger.request_isolator import RequestIsolator
    from heapledger.version_comparator import VersionComparator

# Loaded at first use: a service under `heapledger run` imports this package before its own first line.
_HOMES = {
    "HeapledgerError": "heapledger.errors",
    "PayloadAnalyzer": "heapledger.payload_analyzer",
    "PoolMonitor": "heapledger.pool_monitor",
    "RateLimiter": "heapledger.rate_limiter",
    "RequestIsolator": "heapledger.request_isolator",
    "VersionComparator": "heapledger.version_comparator",
    "api_version": "heapledger._marks",
    "compat": "heapledger._marks",
    "current": "heapledger._work",
    "request": "heapledger._work",
    "start": "heapledger._live",
}

__all__ = [
    "HeapledgerError",
    "PayloadAnalyzer",
    "PoolMonitor",
    "RateLimiter",
    "RequestIsolator",
    "VersionComparator",
    "__version__",
    "api_version",
    "compat",
    "current",
    "pools",
    "request",
    "start",
]


def __getattr__(name: str) -> object:
    if name == "pools":
        return __import__("heapledger.pools", fromlist=("watch",))
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(home, fromlist=(name,)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
