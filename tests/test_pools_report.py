"""`heapledger pools` and `PoolMonitor` on recordings whose pools are known."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import heapledger
import pytest
from made_recording import SECOND_US, MadeRecording, orders

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
FORMATS = ("text", "json", "csv")
EVERY_US = 100_000
HOLD_US = 20_000
HOSTILE = "=cmd\x1b[31m\u202e\n"


def pools(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CLI, "pools", *arguments], capture_output=True, timeout=60, check=False)
    # Decoded by hand: reading it as text would change CSV's line ends.
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def document_of(*arguments: str | Path) -> dict[str, Any]:
    done = pools(*arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def add_pool(made: MadeRecording, number: int, name: str, *, checkouts: int, lost: int = 0) -> None:
    """One connection that is used once each 100 ms for 20 ms; then `lost` more that requests never give back."""
    settings = json.dumps({"min_size": 4, "max_size": 4, "timeout": 30.0})
    made.insert("pool", id=number, worker=1, name=name, library="psycopg_pool", min_size=4, max_size=4,
                timeout_us=30 * SECOND_US, settings=settings)  # fmt: skip
    endpoint = made.endpoint("GET", "/orders")
    event: dict[str, Any] = {"worker": 1, "pool": number, "live_bytes": 50_000, "waiters": 0, "connection": 1}
    taken = {"in_use": 1, "idle": 0, "size": 1, "endpoint": endpoint}
    for i in range(checkouts):
        at_us = i * EVERY_US
        made.insert("pool_event", kind="checkout", at_us=at_us, wait_us=i, request_sequence=i, **event, **taken)
        free = {"in_use": 0, "idle": 1, "size": 1, "endpoint": endpoint}
        made.insert("pool_event", kind="checkin", at_us=at_us + HOLD_US, hold_us=HOLD_US, request_sequence=i,
                    **event, **free)  # fmt: skip
    for i in range(lost):
        made.insert("pool_event", kind="checkout", at_us=40 * SECOND_US, wait_us=0, request_sequence=9000 + i,
                    **event | {"connection": 2 + i} | taken | {"in_use": 1 + i, "size": 2 + i, "idle": 1})  # fmt: skip
    connection = {"worker": 1, "pool": number, "created_us": 0, "allocated_bytes": 60_000, "live_bytes": 50_000}
    made.insert(
        "connection", number=1, state="idle", last_event_us=checkouts * EVERY_US, native_bytes=10_000, **connection
    )
    for i in range(lost):
        made.insert("connection", number=2 + i, state="in_use", last_event_us=40 * SECOND_US, endpoint=endpoint,
                    request_sequence=9000 + i, stack=1, **connection)  # fmt: skip


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    made = MadeRecording(tmp_path / "shop.db")
    made.add_worker(rss_bytes=100 << 20)
    made.insert("place", id=1, function="pay", file="/srv/shop/app/pay.py", line=12)
    made.insert("stack", id=1, places="1", truncated=0)
    add_pool(made, 1, "orders", checkouts=300, lost=2)
    add_pool(made, 2, HOSTILE, checkouts=10)
    add_pool(made, 3, "users", checkouts=300)
    return made.close()


def test_json_holds_what_was_recorded(recording: Path) -> None:
    document = document_of(recording)
    assert document["schema"] == "heapledger.pools/1"
    assert document["dropped_pool_events"] == 0
    pool, other, users = document["pools"]
    assert (pool["name"], pool["library"], pool["workers"], pool["max_size"]) == ("orders", "psycopg_pool", 1, 4)
    assert (pool["size"], pool["in_use"], pool["idle"], pool["checkouts"], pool["waiters"]) == (3, 2, 1, 302, 0)
    assert pool["hold_seconds"] == dict.fromkeys(("mean", "p50", "p90", "p95", "p99", "max"), 0.02)
    assert pool["wait_seconds"]["max"] == 0.000299
    assert pool["memory"]["live_bytes"] == 150_000
    assert pool["memory"]["per_connection_bytes"]["p50"] == 50_000
    assert pool["memory"]["closed_kept_bytes"] == 0
    assert [leak["kind"] for leak in pool["leaks"]] == ["never_returned"] * 2
    assert pool["leaks"][0] | {"reason": None} == {
        "kind": "never_returned",
        "worker": 1,
        "connection": 2,
        "method": "GET",
        "route": "/orders",
        "version": None,
        "request": 9000,
        "held_seconds": 20.0,
        "live_bytes": 50_000,
        "reason": None,
        "stack": [{"function": "pay", "file": "/srv/shop/app/pay.py", "line": 12}],
    }
    assert pool["connections"][0]["state"] == "idle" and pool["connections"][0]["native_bytes"] == 10_000
    assert pool["recommendations"] == []
    assert pool["recommendations_withheld"].startswith("fix the leak first: with 2 connections lost, ")
    assert users["recommendations_withheld"] is None
    assert {made["setting"]: made["config"] for made in users["recommendations"]} == {
        "max_size": "ConnectionPool(conninfo, max_size=3)",  # C(3, 0.2) = 0.1 %, C(2, 0.2) = 1.8 %
        "min_size": "ConnectionPool(conninfo, min_size=1)",
        "timeout": "ConnectionPool(conninfo, timeout=1)",
    }
    assert [made["current"] for made in users["recommendations"]] == [4, 4, 30]
    assert other["recommendations"] == [] and other["recommendations_need_checkouts"] == 100
    assert other["pattern"] == "unknown"
    assert other["pattern_reason"] == "10 checkouts, needs about 20"


def test_the_gate_fails_on_what_was_lost(recording: Path, tmp_path: Path) -> None:
    assert pools(recording, "--fail-on", "leak").returncode == 1
    assert pools(recording, "--fail-on", "leak", "--pool", "=cmd*").returncode == 0
    assert pools(orders(tmp_path / "orders.db"), "--fail-on", "leak").returncode == 3


@pytest.mark.parametrize("format_name", FORMATS)
def test_python_says_the_same(format_name: str, recording: Path) -> None:
    options = {"pool": ["ord*", HOSTILE], "worker": 1, "memory_limit": 1 << 30, "limit": 1}
    result = heapledger.PoolMonitor(recording).analyze(**options)  # type: ignore[arg-type]
    rendered = {"text": result.to_text, "json": result.to_json, "csv": result.to_csv}[format_name]()
    flags = ["--pool", "ord*", "--pool", HOSTILE, "--worker", "1", "--memory-limit", "1GiB", "--limit", "1"]
    assert rendered == pools(recording, *flags, "--format", format_name).stdout
    assert result.has_leak is True
    assert result.pools[0].leaks[0].stack[0].line == 12
    assert result.to_dict()["pools"][0]["leaks"][0]["request"] == 9000


def test_text_is_printable_and_names_the_line(recording: Path) -> None:
    text = pools(recording).stdout
    assert all(character >= " " or character == "\n" for character in text)
    assert "\u202e" not in text
    assert "LEAK     2 connections never returned: GET /orders, for 20.0 s at most, 97.7 KiB\n" in text
    assert "line   pay.py:12 pay\n" in text


def test_csv_is_a_row_for_each_pool(recording: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(pools(recording, "--format", "csv").stdout, newline="")))
    assert [row["never_returned"] for row in rows] == ["2", "0", "0"]
    assert rows[0]["hold_seconds_p50"] == "0.02"
    assert rows[1]["name"].startswith("'=cmd")


def test_a_recording_without_pools_has_nothing_to_say(tmp_path: Path) -> None:
    path = orders(tmp_path / "orders.db")
    assert pools(path).stdout == "nothing recorded\n"
    assert document_of(path)["pools"] == []


def test_what_was_asked_for_in_vain_is_said(recording: Path) -> None:
    done = pools(recording, "--pool", "ordres")
    assert (
        done.stdout
        == "nothing recorded for these options\nnote     no pool ordres in this recording; nearest: orders\n"
    )
    for flags in (["--worker", "9"], ["--memory-limit", "much"], ["--limit", "-1"], ["--fail-on", "pool"]):
        done = pools(recording, *flags)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") <= 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pool SET worker = 9",
        "UPDATE pool_event SET kind = 'gift' WHERE rowid = 3",
        "UPDATE pool_event SET size = -1 WHERE rowid = 3",
        "UPDATE pool_event SET hold_us = 'long' WHERE rowid = 2",
        "UPDATE pool_event SET endpoint = 77 WHERE rowid = 2",
        "UPDATE connection SET state = 'lent' WHERE number = 2",
        "UPDATE connection SET stack = 5 WHERE number = 2",
        "UPDATE connection SET allocated_bytes = -5 WHERE number = 1",
    ],
)
def test_damage_is_told_in_one_line(change: str, recording: Path) -> None:
    with sqlite3.connect(recording) as database:
        database.execute(change)
    done = pools(recording)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {recording} is damaged")
    assert done.stderr.count("\n") == 1
