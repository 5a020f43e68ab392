# Limits that keep the service within its memory, from heapledger limits small.db.
# budget: 512 MiB (cgroup v2) - idle 4 processes 299 - allocator 18 = headroom 195 MiB
# risk: at most one exceedance in 30 days (--risk)
# use: from THIS_FILE import limiter; limiter.init_app(app)
# Each of 4 workers counts by itself. With shared storage (storage_uri="redis://...") raise LIMIT
# accordingly. A token is 3.4 MiB of memory for a second.
from flask import request
from flask_limiter import Limiter

LIMIT = "73 per 4 seconds"
TOKENS = {
    ("POST", "/orders/import"): 68,
    ("GET", "/orders"): 1,
}


def tokens() -> int:
    """What the current request costs."""
    rule = request.url_rule
    return TOKENS.get((request.method, rule.rule if rule is not None else "<unmatched>"), 1)


limiter = Limiter(
    key_func=lambda: "service",
    application_limits=[LIMIT],
    application_limits_cost=tokens,
    strategy="moving-window",
    storage_uri="memory://",
)
