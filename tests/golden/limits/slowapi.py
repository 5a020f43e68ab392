# Limits that keep the service within its memory, from heapledger limits small.db.
# budget: 512 MiB (cgroup v2) - idle 4 processes 299 - allocator 18 = headroom 195 MiB
# risk: at most one exceedance in 30 days (--risk)
# use: @limit_for("GET", "/route") below the route's own decorator
# Each of 4 workers counts by itself. With shared storage (storage_uri="redis://...") raise LIMIT
# accordingly. A token is 3.4 MiB of memory for a second.
from collections.abc import Callable
from typing import Any

from slowapi import Limiter

LIMIT = "73 per 4 seconds"
TOKENS = {
    ("POST", "/orders/import"): 68,
    ("GET", "/orders"): 1,
}

limiter = Limiter(key_func=lambda: "service", strategy="moving-window", storage_uri="memory://")


def limit_for(method: str, route: str) -> Callable[..., Any]:
    """The decorator that makes an endpoint pay for its requests."""
    return limiter.shared_limit(LIMIT, scope="heapledger", cost=TOKENS.get((method, route), 1))
