"""What kinds of memory a service's processes hold and share: equal to what the kernel says, to the page."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import heapledger
import pytest
import serving
from made_recording import SECOND_US, MadeRecording, orders
from serving import MIB, Recording, Service

SHARED = "applications.shared_pages:app"
HELD_BYTES = 64 * MIB
# What the requests of these tests write besides, in a worker of a few MiB of objects.
STRAY_BYTES = 10 * MIB
KINDS = {
    "python_arenas", "malloc_heap", "other_anonymous", "libraries", "mapped_files", "shared_memory", "stacks",
    "heapledger",
}  # fmt: skip
SHORTLY = 30.0  # a reading is at most some ten seconds old

Row = dict[str, Any]


def run_segments(recording: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [serving.heapledger(), "segments", str(recording), *arguments],
        capture_output=True, check=False, timeout=serving.DEADLINE_SECONDS,
    )  # fmt: skip


def segments(recording: Path, *arguments: str) -> Row:
    done = run_segments(recording, "--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    document: Row = json.loads(done.stdout)
    return document


def worker_of(document: Row, pid: int) -> Row | None:
    found: list[Row] = [worker for worker in document["workers"] if worker["pid"] == pid]
    return found[0] if found else None


def kernel_says(pid: int) -> dict[str, int]:
    """Sums over /proc/PID/smaps, in bytes."""
    text = Path(f"/proc/{pid}/smaps").read_text(errors="replace")
    sums = dict.fromkeys(("Rss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty"), 0)
    for name, kilobytes in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE):
        if name in sums:
            sums[name] += int(kilobytes) * 1024
    return {
        "rss_bytes": sums["Rss"],
        "uss_bytes": sums["Private_Clean"] + sums["Private_Dirty"],
        "shared_bytes": sums["Shared_Clean"] + sums["Shared_Dirty"],
    }


def reading_between(service: Service, pid: int) -> tuple[Row, dict[str, int]] | None:
    """The recording's latest reading of a process and the kernel's own sums, where nothing moved around it."""
    before = kernel_says(pid)
    found = worker_of(segments(service.output), pid)
    was = found["read_at"] if found else None

    def read_again() -> Row | None:
        worker = worker_of(segments(service.output), pid)
        return worker if worker and worker["read_at"] != was else None

    worker: Row = serving.eventually("it is read again", read_again, SHORTLY)
    return (worker, before) if kernel_says(pid) == before else None


def pids_read(service: Service) -> list[int]:
    document = segments(service.output) if service.output.exists() else {"workers": []}
    return [worker["pid"] for worker in document["workers"] if worker["rss_bytes"]]


def answering_pids(service: Service, count: int) -> set[int]:
    pids: set[int] = set()

    def enough() -> bool:
        pids.update(int(reply.body) for reply in service.get_all(["/pid"] * 20, at_once=20) if reply.status == 200)
        return len(pids) >= count

    serving.eventually(f"{count} workers answer", enough)
    serving.eventually("they are read", lambda: pids <= set(pids_read(service)))
    return pids


def assert_adds_up(document: Row) -> None:
    for worker in document["workers"]:
        if worker["rss_bytes"] is None:
            continue
        assert {segment["kind"] for segment in worker["segments"]} <= KINDS
        for total, part in (("rss", "rss"), ("uss", "private"), ("shared", "shared")):
            assert worker[f"{total}_bytes"] == sum(segment[f"{part}_bytes"] for segment in worker["segments"])
        assert worker["rss_bytes"] == worker["uss_bytes"] + worker["shared_bytes"]
        assert worker["uss_bytes"] <= worker["pss_bytes"] <= worker["rss_bytes"]
    group, members = document["group"], [worker for worker in document["workers"] if worker["in_group"]]
    assert group["processes"] == len(members)
    for name in ("rss_bytes", "pss_bytes", "uss_bytes"):
        assert group[name] == sum(worker[name] for worker in members)
    assert group["saved_bytes"] == group["rss_bytes"] - group["pss_bytes"]


def private_of(worker: Row | None) -> int:
    return worker["uss_bytes"] if worker else 0


def test_pages_that_one_worker_wrote_to_are_its_own(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn(SHARED, "--preload", workers=2)) as service:
        pids = answering_pids(service, 2)
        serving.eventually("all three processes are read", lambda: len(pids_read(service)) == 3)
        before = segments(service.output)
        writer = int(service.get("/write").body)
        [other] = pids - {writer}
        first = serving.eventually(
            "the writer's pages are read",
            lambda: (
                (found := worker_of(segments(service.output), writer))
                and (found["unshared_bytes"] or 0) >= HELD_BYTES
                and found
            ),
            SHORTLY,
        )
        recording = service.stop()
    document = segments(recording.path)
    assert_adds_up(document)
    wrote, untouched = worker_of(document, writer), worker_of(document, other)
    was = worker_of(before, writer)
    assert wrote and untouched and was and first
    assert HELD_BYTES <= wrote["unshared_bytes"] <= HELD_BYTES + STRAY_BYTES
    assert abs(private_of(wrote) - private_of(was) - HELD_BYTES) <= STRAY_BYTES
    assert untouched["unshared_bytes"] <= STRAY_BYTES
    [master] = [worker for worker in document["workers"] if worker["pid"] not in pids]
    assert master["unshared_bytes"] is None
    assert document["group"]["unshared_bytes"] == wrote["unshared_bytes"] + untouched["unshared_bytes"]
    # The 64 MiB are there three times by RSS, and twice in memory: the writer's copy and that of the two others.
    assert document["group"]["saved_bytes"] >= HELD_BYTES


def test_the_totals_are_the_kernels_to_the_page(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn(SHARED, workers=1)) as service:
        [pid] = answering_pids(service, 1)
        service.get_all(["/objects"] * 4, at_once=1)
        worker, kernel = serving.eventually("it is quiet", lambda: reading_between(service, pid), 3 * SHORTLY)
        assert {name: worker[name] for name in kernel} == kernel
        arenas = next(segment for segment in worker["segments"] if segment["kind"] == "python_arenas")
        service.stop()
    # 400,000 dicts of 200 bytes and more, with their numbers
    assert 80 * MIB <= arenas["rss_bytes"] <= 160 * MIB
    assert arenas["shared_bytes"] <= STRAY_BYTES
    assert "heapledger" in {segment["kind"] for segment in worker["segments"]}


def test_a_killed_worker_stands_as_it_was_last_read(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn(SHARED, "--preload", workers=2)) as service:
        victim, *_ = answering_pids(service, 2)
        killed = worker_of(segments(service.output), victim)
        assert killed
        os.kill(victim, signal.SIGKILL)
        serving.eventually("another takes its place", lambda: len(pids_read(service)) == 4)
        recording = service.stop()
    document = segments(recording.path)
    assert_adds_up(document)
    dead = worker_of(document, victim)
    assert dead and dead["rss_bytes"] and dead["read_at"] >= killed["read_at"]
    assert dead["in_group"] is False
    assert document["group"]["processes"] == 3
    assert f"(pid {victim}) had ended when the last one started" in run_segments(recording.path).stdout.decode()


def test_a_service_that_keeps_its_pid_is_read_too(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn(SHARED, workers=1), run_options=["--exec"]) as service:
        [pid] = answering_pids(service, 1)
        serving.eventually(
            "what it loaded is read", lambda: private_of(worker_of(segments(service.output), pid)) >= HELD_BYTES, SHORTLY
        )
        service.stop()
        serving.eventually("the collector closes the recording", lambda: _is_complete(service.output))
    document = segments(service.output)
    assert_adds_up(document)
    worker = worker_of(document, pid)
    assert worker and worker["uss_bytes"] >= HELD_BYTES


def _is_complete(path: Path) -> bool:
    return bool(Recording(path).query("SELECT value FROM meta WHERE key = 'complete' AND value = 1"))


def test_a_process_that_records_itself_is_read(tmp_path: Path) -> None:
    code = """
import sys, heapledger
heapledger.start(sys.argv[1], run_dir=sys.argv[2])
held = bytearray(b"\\1") * (32 << 20)
result = heapledger.RequestIsolator().segments()
print(result.workers[0].uss_bytes, result.group.processes)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "own.db", tmp_path / "run"],
        capture_output=True, check=True, text=True, timeout=serving.DEADLINE_SECONDS,
    ).stdout  # fmt: skip
    uss_bytes, processes = map(int, printed.split())
    assert uss_bytes >= 32 * MIB
    assert processes == 1


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
