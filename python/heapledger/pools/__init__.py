"""Connection pools: what each connection holds, who has it, how long they wait for one.

Known libraries (SQLAlchemy, psycopg_pool, redis-py, httpx, Django's connections) are watched by themselves as soon as
the service imports them. Any other pool that has something like acquire and release:

    heapledger.pools.watch(pool, acquire="acquire", release="release", name="search")
"""

from heapledger.pools._watched import watch

__all__ = ["watch"]
