"""What is in stock: a database behind a connection pool that heapledger does not know by itself."""

from __future__ import annotations

import queue
import sqlite3
import threading

from heapledger import pools

CONNECTIONS = 20
KINDS = 50


class Unknown(LookupError):
    """There is no such product."""


class Pool:
    """At most `size` connections, made when they are needed."""

    def __init__(self, size: int, timeout: float) -> None:
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._room = threading.Semaphore(size)
        self._timeout = timeout

    def connect(self) -> sqlite3.Connection:
        """A connection of its own to the stock."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, pieces INTEGER)")
        connection.executemany("INSERT INTO stock VALUES (?, ?)", ((f"s-{n}", n * 3 % 17) for n in range(KINDS)))
        return connection

    def acquire(self) -> sqlite3.Connection:
        """One that nobody has; waits for it."""
        if not self._room.acquire(timeout=self._timeout):
            raise TimeoutError("no connection")
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self.connect()

    def release(self, connection: sqlite3.Connection) -> None:
        """Give it back."""
        self._idle.put(connection)
        self._room.release()


_pool = pools.watch(Pool(CONNECTIONS, 5.0), create="connect", name="stock", max_size=CONNECTIONS, timeout=5.0)


def pieces(sku: str) -> int:
    """How many pieces there are.

    The deliberate mistake: who asks for what is not there keeps the connection.
    """
    connection = _pool.acquire()
    row = connection.execute("SELECT pieces FROM stock WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        raise Unknown(sku)
    _pool.release(connection)
    found: int = row[0]
    return found
