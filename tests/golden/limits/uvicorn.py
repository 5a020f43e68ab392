# Limits that keep the service within its memory, from heapledger limits small.db.
# budget: 512 MiB (cgroup v2) - idle 4 processes 299 - allocator 18 = headroom 195 MiB
# risk: at most one exceedance in 30 days (--risk)
# use: python THIS_FILE package.module:app
import sys

import uvicorn

# limit_concurrency answers 503 to the connection that reaches it, idle ones counted.
settings = {
    "workers": 4,
    "limit_concurrency": 4,
    "limit_max_requests": 12000,
}

if __name__ == "__main__":
    uvicorn.run(sys.argv[1], **settings)
