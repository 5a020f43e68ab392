# Limits that keep the service within its memory, from heapledger limits small.db.
# budget: 512 MiB (cgroup v2) - idle 4 processes 299 - allocator 18 = headroom 195 MiB
# risk: at most one exceedance in 30 days (--risk)
# use: gunicorn -c gunicorn.conf.py APP
workers = 4
worker_class = "gthread"
threads = 3
max_requests = 10800
max_requests_jitter = 1200
