"""Recordings made up row by row, so that tests know every figure in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).resolve().parent.parent / "src" / "recording" / "schema.sql"
APPLICATION_ID = 0x484C4752
STARTED_UNIX_NS = 1_795_000_000_000_000_000  # 2026-11-18T11:06:40Z
SECOND_US = 1_000_000

WORKER = {
    "parent_pid": 1,
    "python": "3.11.2",
    "server": "gunicorn",
    "rule": "pymalloc pools",
    "started_us": 0,
    "ended_us": 60 * SECOND_US,
    "ending": "frozen",
    "allocated_bytes": 10_000,
    "freed_bytes": 7_000,
    "live_bytes": 3_000,
    "unattributed_bytes": 500,
    "audited_live_bytes": 3_000,
    "audited_owner_mismatches": 0,
    "rss_bytes": 20_000,
    "allocator_retained_bytes": 4_000,
    "heapledger_bytes": 1_000,
}
REQUEST = {
    "worker": 1,
    "sequence": 0,
    "started_us": 0,
    "duration_us": 250_000,
    "status": 200,
    "flags": 0,
    "received_bytes": 0,
    "sent_bytes": 0,
    "in_flight_at_start": 1,
    "in_flight_peak": 1,
    "allocated_bytes": 0,
    "allocations": 10,
    "peak_bytes": 0,
    "escaped_bytes": 0,
    "isolated_bytes": 0,
    "adopted_bytes": 0,
    "byte_seconds": 0.0,
    "running_us": 0,
}


class MadeRecording:
    """A new recording at `path`; close() makes it one plain file."""

    def __init__(self, path: Path, **meta: Any) -> None:
        self.path = path
        self._database = sqlite3.connect(path)
        self._database.executescript(SCHEMA.read_text())
        self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._database.execute("PRAGMA user_version = 1")
        values: dict[str, Any] = {
            "heapledger_version": "0.1.0",
            "started_unix_ns": STARTED_UNIX_NS,
            "ended_unix_ns": STARTED_UNIX_NS + 60_000_000_000,
            "command": "/usr/bin/gunicorn",
            "mode": "exact",
            "native": 0,
            "complete": 1,
            "dropped_requests": 0,
        }
        for key, value in (values | meta).items():
            self.insert("meta", key=key, value=value)
        self._endpoints: dict[tuple[str, str], int] = {}

    def insert(self, table: str, **columns: Any) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))

    def execute(self, sql: str) -> None:
        self._database.execute(sql)

    def add_worker(self, number: int = 1, **columns: Any) -> None:
        self.insert("worker", **({"id": number, "pid": 1000 + number} | WORKER | columns))

    def endpoint(self, method: str, route: str) -> int:
        if (method, route) not in self._endpoints:
            self._endpoints[method, route] = len(self._endpoints) + 1
            self.insert("endpoint", id=len(self._endpoints), method=method, route=route, version="", deprecated=0)
        return self._endpoints[method, route]

    def add_request(self, method: str, route: str, **columns: Any) -> None:
        self.insert("request", **(REQUEST | {"endpoint": self.endpoint(method, route)} | columns))

    def close(self) -> Path:
        self._database.commit()
        self._database.close()
        return self.path


def orders(path: Path) -> Path:
    """One worker; 200 GET /orders allocating 1,000 to 200,000 bytes, one each 100 ms, and one dear POST /orders."""
    recording = MadeRecording(path)
    recording.add_worker()
    for i in range(1, 201):
        figures = {
            "allocated_bytes": i * 1000,
            "peak_bytes": i * 500,
            "isolated_bytes": i * 1000,
            "byte_seconds": i * 10.0,
        }
        recording.add_request("GET", "/orders", sequence=i, started_us=i * 100_000, **figures)
    recording.add_request(
        "POST", "/orders", sequence=201, allocated_bytes=9_000_000, peak_bytes=8_000_000, byte_seconds=1e6
    )
    recording.insert("peak", worker=1, at_us=5 * SECOND_US, live_bytes=8_500_000, in_flight=1)
    recording.insert("peak_member", worker=1, endpoint=2, sequence=201, live_bytes=8_000_000)
    return recording.close()
