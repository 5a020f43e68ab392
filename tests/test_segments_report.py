"""`heapledger segments` and `RequestIsolator.segments()` on recordings whose figures are known."""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path

import heapledger
import pytest
from made_recording import SECOND_US, MadeRecording, orders
from serving import MIB
from test_segments import run_segments, segments


def made(path: Path) -> Path:
    """A master (1) and its workers: 2 unshared 64 MiB, 3 could not be read, 4 has no reading."""
    recording = MadeRecording(path)
    recording.add_worker(1, pid=100, ended_us=None, ending="running")
    for number in (2, 3, 4):
        recording.add_worker(number, pid=100 + number, parent_pid=100, started_us=number, ended_us=None)
    get = recording.endpoint("GET", "/orders")
    recording.endpoint("POST", "=cmd\x1b[31m")
    recording.add_request("GET", "/orders", worker=2, isolated_bytes=900, escaped_bytes=100, adopted_bytes=7)
    recording.add_request("GET", "/orders", worker=2, isolated_bytes=800, escaped_bytes=50)
    recording.add_request("POST", "=cmd\x1b[31m", worker=3, isolated_bytes=5)
    totals = {"owners": 1, "allocated_bytes": 150, "freed_bytes": 120, "live_bytes": 30}
    recording.insert("owner_total", worker=2, kind="tenured", endpoint=get, **totals)
    recording.insert("flow", worker=2, owner_endpoint=get, freer_endpoint=2, bytes=60, blocks=3)
    recording.insert("flow", worker=2, owner_endpoint=get, freer_endpoint=None, bytes=10, blocks=1)

    def read(worker: int, moment: str, at_us: int, pss: int, **kinds: tuple[int, int]) -> None:
        rss = sum(map(sum, kinds.values()))
        recording.insert(
            "segment_reading", worker=worker, moment=moment, at_us=at_us, rss_bytes=rss, pss_bytes=pss, reason=""
        )
        for kind, (shared, private) in kinds.items():
            recording.insert(
                "segment", worker=worker, moment=moment, kind=kind, rss_bytes=shared + private, shared_bytes=shared,
                private_bytes=private,
            )  # fmt: skip

    read(1, "first", SECOND_US, 70 * MIB, other_anonymous=(0, 70 * MIB))
    read(1, "latest", 9 * SECOND_US, 40 * MIB, other_anonymous=(70 * MIB, 2 * MIB), libraries=(4 * MIB, 0))
    read(2, "first", SECOND_US, 30 * MIB, other_anonymous=(70 * MIB, 0), libraries=(4 * MIB, 0))
    read(
        2, "latest", 9 * SECOND_US, 75 * MIB, other_anonymous=(6 * MIB, 65 * MIB), python_arenas=(0, 3 * MIB),
        libraries=(4 * MIB, 0),
    )  # fmt: skip
    recording.insert(
        "segment_reading", worker=3, moment="latest", at_us=SECOND_US, rss_bytes=None, pss_bytes=None,
        reason="/proc/PID/smaps: Permission denied",
    )  # fmt: skip
    return recording.close()


def test_json_has_the_figures_of_the_rows(tmp_path: Path) -> None:
    document = segments(made(tmp_path / "made.db"))
    assert document["schema"] == "heapledger.segments/1"
    master, worker, unread, untold = document["workers"]
    assert worker | {"segments": None} == {
        "worker": 2,
        "pid": 102,
        "parent_pid": 100,
        "serves": True,
        "in_group": True,
        "read_at": "2026-11-18T11:06:49.000000Z",
        "first_read_at": "2026-11-18T11:06:41.000000Z",
        "unread": None,
        "rss_bytes": 78 * MIB,
        "pss_bytes": 75 * MIB,
        "uss_bytes": 68 * MIB,
        "shared_bytes": 10 * MIB,
        "unshared_bytes": 64 * MIB,
        "segments": None,
    }
    assert worker["segments"][0] == {
        "kind": "other_anonymous",
        "rss_bytes": 71 * MIB,
        "shared_bytes": 6 * MIB,
        "private_bytes": 65 * MIB,
    }
    assert master["unshared_bytes"] is None
    assert unread["unread"] == "/proc/PID/smaps: Permission denied"
    assert unread["rss_bytes"] is untold["rss_bytes"] is untold["read_at"] is None
    group = {name: value for name, value in document["group"].items() if name != "segments"}
    assert group == {
        "processes": 2,
        "rss_bytes": 154 * MIB,
        "pss_bytes": 115 * MIB,
        "uss_bytes": 70 * MIB,
        "saved_bytes": 39 * MIB,
        "unshared_bytes": 64 * MIB,
    }
    orders_blocks, other = document["blocks"]
    assert orders_blocks == {
        "method": "GET",
        "route": "/orders",
        "version": None,
        "requests": 2,
        "isolated_bytes": 1700,
        "escaped_bytes": 150,
        "handed_off_bytes": 60,
        "adopted_bytes": 7,
        "retained_bytes": 30,
    }
    assert other["handed_off_bytes"] == 0
    assert document["flows"] == [
        {
            "from": {"method": "GET", "route": "/orders"},
            "to": {"method": "POST", "route": "=cmd\x1b[31m"},
            "bytes": 60,
            "blocks": 3,
        },
        {"from": {"method": "GET", "route": "/orders"}, "to": None, "bytes": 10, "blocks": 1},
    ]


def test_one_worker_can_be_chosen(tmp_path: Path) -> None:
    document = segments(made(tmp_path / "made.db"), "--worker", "3")
    assert [worker["worker"] for worker in document["workers"]] == [3]
    assert document["group"]["rss_bytes"] is None
    assert [(endpoint["method"], endpoint["isolated_bytes"]) for endpoint in document["blocks"]] == [("POST", 5)]
    assert document["flows"] == []


def test_csv_has_a_row_for_each_kind_of_each_worker(tmp_path: Path) -> None:
    text = run_segments(made(tmp_path / "made.db"), "--format", "csv").stdout.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["worker"], row["segment_kind"]) for row in rows] == [
        ("1", "other_anonymous"),
        ("1", "libraries"),
        ("2", "other_anonymous"),
        ("2", "libraries"),
        ("2", "python_arenas"),
        ("3", ""),
        ("4", ""),
    ]
    assert rows[2]["segment_private_bytes"] == str(65 * MIB)


def test_text_holds_no_control_character_of_the_service(tmp_path: Path) -> None:
    text = run_segments(made(tmp_path / "made.db")).stdout.decode()
    assert "\x1b" not in text
    assert "=cmd\\x1b[31m" in text
    assert "process 4 (pid 104) ended before its memory was read" in text


@pytest.mark.parametrize("format_name", ["text", "json", "csv"])
def test_python_says_the_same(format_name: str, tmp_path: Path) -> None:
    path = made(tmp_path / "made.db")
    result = heapledger.RequestIsolator(path).segments()
    rendered = {"text": result.to_text, "json": result.to_json, "csv": result.to_csv}[format_name]()
    assert rendered.encode() == run_segments(path, "--format", format_name).stdout
    assert result.to_dict() == segments(path)
    assert result.workers[1].segments[0].kind == "other_anonymous"
    assert result.flows[1].to_route is None


def test_an_option_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    path = made(tmp_path / "made.db")
    for worker in ("9", "-1", "x"):
        done = run_segments(path, f"--worker={worker}")
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"error: ") and done.stderr.count(b"\n") <= 2
    with pytest.raises(ValueError, match="no worker 9"):
        heapledger.RequestIsolator(path).segments(worker=9)


def test_a_recording_without_readings_has_nothing_to_say(tmp_path: Path) -> None:
    path = orders(tmp_path / "orders.db")
    assert run_segments(path).stdout == b"nothing recorded\n"
    document = segments(path)
    assert document["workers"] == [] and document["group"]["rss_bytes"] is None
    assert [endpoint["isolated_bytes"] for endpoint in document["blocks"]] == [sum(range(1, 201)) * 1000, 0]


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "foreign.db").write_bytes(b"SQLite format 3\0" + bytes(200))
    (tmp_path / "empty.db").write_bytes(b"")
    for name in ("foreign.db", "empty.db", "missing.db"):
        done = run_segments(tmp_path / name)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"error: ")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE segment SET kind = 'gold' WHERE worker = 2 AND kind = 'libraries'",
        "UPDATE segment SET worker = 77 WHERE kind = 'python_arenas'",
        "UPDATE segment SET rss_bytes = -1",
        "UPDATE segment_reading SET moment = 'later' WHERE worker = 3",
        "DELETE FROM segment_reading WHERE worker = 2",
        "UPDATE segment_reading SET rss_bytes = 'much'",
    ],
)
def test_damage_is_told_in_one_line(change: str, tmp_path: Path) -> None:
    path = made(tmp_path / "made.db")
    with sqlite3.connect(path) as database:
        database.execute(change)
    done = run_segments(path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"error: {path} is damaged")
    assert done.stderr.count(b"\n") == 1
