"""What kinds of memory a service's processes hold and share: equal to what the kernel says, to the page."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import serving
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
            "what it loaded is read",
            lambda: private_of(worker_of(segments(service.output), pid)) >= HELD_BYTES,
            SHORTLY,
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
import sys, time, heapledger
heapledger.start(sys.argv[1], run_dir=sys.argv[2])
held = bytearray(b"\\1") * (32 << 20)
for _ in range(600):  # a process is read now and then
    result = heapledger.RequestIsolator().segments()
    if result.workers and result.workers[0].uss_bytes and result.workers[0].uss_bytes >= 32 << 20:
        break
    time.sleep(0.05)
print(result.workers[0].uss_bytes, result.group.processes)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "own.db", tmp_path / "run"],
        capture_output=True, check=True, text=True, timeout=serving.DEADLINE_SECONDS,
    ).stdout  # fmt: skip
    uss_bytes, processes = map(int, printed.split())
    assert uss_bytes >= 32 * MIB
    assert processes == 1
