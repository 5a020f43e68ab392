"""A million recorded requests are analysed at a few times the price of summing their columns up."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_recording import MadeRecording

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
REQUESTS = 1_000_000
ENDPOINTS = 20
PHASES = ("read", "deserialize", "handle", "serialize", "send")
PHASE_COLUMNS = [f"{phase}_{figure}" for phase in PHASES for figure in ("allocated_bytes", "peak_bytes", "us")]
SUMMED = ["started_us", "status", "flags", "received_bytes", "sent_bytes", "peak_bytes", *PHASE_COLUMNS]
MEMORY_BYTES = 200_000_000
TIMES = 3

# Sizes of many kinds, both ways; x % y walks through all of them.
FILL = f"""
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {REQUESTS})
    INSERT INTO request (id, worker, sequence, endpoint, started_us, duration_us, status, flags, received_bytes,
                         sent_bytes, request_type, response_type, in_flight_at_start, in_flight_peak, allocated_bytes,
                         allocations, peak_bytes, escaped_bytes, isolated_bytes, adopted_bytes, byte_seconds,
                         running_us, {", ".join(PHASE_COLUMNS)})
    SELECT i, 1, i, i % {ENDPOINTS} + 1, i, 100, 200, 0, i * 7919 % 100003, i * 104729 % 50021, 1, 2, 1, 1, i % 9000, 9,
           40000 + 8 * (i * 7919 % 100003) + 2 * (i * 104729 % 50021) + i % 997, 0, 0, 0, 0.5, 90,
           {", ".join(f"i % {1000 + 17 * n}" for n in range(len(PHASE_COLUMNS)))}
    FROM n
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = MadeRecording(tmp_path_factory.mktemp("million") / "million.db")
    made.add_worker()
    for number in range(ENDPOINTS):
        made.endpoint("POST", f"/{number}")
    for number, name in enumerate(("application/json", "text/csv"), 1):
        made.insert("content_type", id=number, name=name)
    path = made.close()
    with sqlite3.connect(path) as database:
        database.execute(FILL)
    return path


def summed_seconds(path: Path) -> float:
    figures = ", ".join(f"sum({column}), max({column})" for column in SUMMED)
    started = time.process_time()
    with sqlite3.connect(path) as database:
        rows = database.execute(f"SELECT endpoint, count(*), {figures} FROM request GROUP BY endpoint").fetchall()
    assert len(rows) == ENDPOINTS
    return time.process_time() - started


# The largest of its children so far is this one's alone: a process of its own asks.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
"""


def test_a_million_requests_cost_three_times_their_sums_and_200_megabytes(million: Path) -> None:
    """CPU time, as other processes run beside it; what is equal in both (reading the file) weighs equally."""
    summed_seconds(million)  # once, so that the file is in memory for both
    summed = min(summed_seconds(million) for _ in range(2))
    command = [sys.executable, "-c", MEASURE, str(CLI), "payloads", str(million), "--format", "json"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    seconds, largest_bytes = map(float, printed.split())
    print(f"summed {summed:.2f} s, analysed {seconds:.2f} s, {largest_bytes / 1e6:.0f} MB")
    assert seconds <= TIMES * summed
    assert largest_bytes <= MEMORY_BYTES
