"""One recording for all of a service's processes, and nothing that had finished is lost when one of them is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import serving
from serving import MIB, Recording, Service

FLASK = "applications.costly_flask:app"
BLOCK = MIB + 13
STRAY_BYTES = 512 * 1024


def rows_by_pid(recording: Recording, route: str = "/pid") -> Counter[str]:
    rows = recording.query(
        "SELECT w.pid, count(*) AS requests FROM request r JOIN worker w ON w.id = r.worker "
        "JOIN endpoint e ON e.id = r.endpoint WHERE e.route = ? GROUP BY w.pid",
        route,
    )
    return Counter({str(row["pid"]): row["requests"] for row in rows})


def in_flight_by_pid(recording: Recording) -> Counter[str]:
    rows = recording.query("SELECT w.pid FROM in_flight i JOIN worker w ON w.id = i.worker")
    return Counter(str(row["pid"]) for row in rows)


def pids(replies: list[serving.Reply]) -> Counter[str]:
    return Counter(reply.body.decode() for reply in replies if reply.status == 200)


@pytest.mark.parametrize(
    ("command", "at_least"),
    [
        (serving.gunicorn(FLASK, workers=3), 3),
        (serving.gunicorn(FLASK, "--preload", workers=3), 3),
        (serving.gunicorn(FLASK, "--max-requests", "40", workers=3), 6),
        (serving.uvicorn("applications.costly_fastapi:app", "--workers", "2"), 2),
    ],
    ids=["three workers", "preloaded", "replaced", "uvicorn"],
)
def test_every_worker_is_in_the_one_recording(command: list[str], at_least: int, tmp_path: Path) -> None:
    with Service(tmp_path, command) as service:
        answered = pids(service.get_all(["/pid"] * 300, at_once=8))
        serving.eventually("every worker answers", lambda: _grown(answered, service) >= at_least)
        recording = service.stop()
    assert answered.total() >= 300
    assert rows_by_pid(recording) == answered  # each response is a row of the worker that gave it
    recording.assert_balanced()
    assert recording.analysis()["accounting"]["dropped_requests"] == 0


def _grown(answered: Counter[str], service: Service) -> int:
    answered.update(pids(service.get_all(["/pid"] * 20, at_once=8)))
    return len(answered)


async def _until_one_is_gone(port: int, victim: str, answered: Counter[str], killed: asyncio.Event) -> None:
    """One client: ask until the victim was killed, and a little more."""
    for _ in range(2000):
        answered.update(pids([await serving.fetch(port, "/pid")]))
        if answered.total() >= 200 and not killed.is_set():
            os.kill(int(victim), signal.SIGKILL)
            killed.set()
        if killed.is_set() and answered.total() > 400:
            return
    raise AssertionError(answered)


def test_a_worker_killed_under_load_loses_nothing_that_had_finished(tmp_path: Path) -> None:
    answered: Counter[str] = Counter()

    async def load(port: int) -> str:
        inside = asyncio.create_task(serving.fetch(port, f"/hold/{BLOCK}"))
        while not (holding := pids(await serving.fetch_all(port, ["/holding"] * 4, 4))):
            assert not inside.done()
        [victim] = holding
        killed = asyncio.Event()
        await asyncio.gather(*(_until_one_is_gone(port, victim, answered, killed) for _ in range(8)))
        assert (await inside).status == 0
        return victim

    with Service(tmp_path, serving.gunicorn(FLASK, threads=16, workers=2)) as service:
        victim = asyncio.run(load(service.port))
        recording = service.stop()
    [dead] = recording.query("SELECT * FROM worker WHERE pid = ?", int(victim))
    assert dead["ending"] == "died"
    rows, in_flight = rows_by_pid(recording), recording.query("SELECT * FROM in_flight WHERE worker = ?", dead["id"])
    assert answered[victim] > 0
    # The client has its response a moment before the worker has closed the request's books.
    unfinished = [row for row in in_flight if row["live_bytes"] < BLOCK]
    assert answered[victim] <= rows[victim] + len(unfinished) + dead["dropped_requests"]
    assert rows[victim] <= answered[victim] + 8  # no more than one that a client of the eight never got
    holding = [row for row in in_flight if row["live_bytes"] >= BLOCK]
    [row] = holding
    assert BLOCK <= row["live_bytes"] <= row["peak_bytes"] <= row["allocated_bytes"] < BLOCK + STRAY_BYTES
    [endpoint] = recording.query("SELECT route FROM endpoint WHERE id = ?", row["endpoint"])
    assert endpoint["route"] == "/hold/<int:booked>"
    for other in set(answered) - {victim}:
        assert rows[other] >= answered[other]
    assert recording.analysis()["accounting"]["balanced"] is None  # nobody audited the dead one's books


def test_the_next_run_recovers_what_a_killed_supervisor_had_not_written(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn(FLASK, workers=2)) as service:
        answered = pids(service.get_all(["/pid"] * 100, at_once=8))
        supervisor = service.process.pid
        os.kill(supervisor, signal.SIGKILL)
        service.process.wait(serving.DEADLINE_SECONDS)
        answered += pids(service.get_all(["/pid"] * 100, at_once=8))  # the service does not notice
        os.killpg(supervisor, signal.SIGKILL)
        for pid in answered:
            serving.eventually("the workers are gone", lambda pid=pid: not Path(f"/proc/{pid}").exists())
        again = [serving.heapledger(), "run", "--run-dir", str(tmp_path / "run"), "-o", str(tmp_path / "next.db"), "--"]
        said = subprocess.run([*again, "/bin/true"], capture_output=True, text=True, check=True, timeout=60).stderr
    assert f"recovered {service.output}" in said
    assert answered.total() == 200
    # A client has its answer a moment before the application has closed it: such a request was still in flight.
    recording = Recording(service.output)
    assert rows_by_pid(recording) + in_flight_by_pid(recording) == answered
    assert not list((tmp_path / "run").iterdir())


def test_a_fork_in_a_request_splits_the_books(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn(FLASK)) as service:
        replies = service.get_all([f"/fork/{BLOCK}"] * 8, at_once=4)
        assert [(reply.status, reply.body) for reply in replies] == [(200, b"0")] * 8
        recording = service.stop()
    rows = recording.requests("/fork/<int:booked>")
    assert len(rows) == 8
    for row in rows:  # the parent's rows do not hold what the child did
        for figure in ("allocated_bytes", "peak_bytes", "isolated_bytes"):
            assert BLOCK <= row[figure] < BLOCK + STRAY_BYTES
    [worker] = recording.query("SELECT * FROM worker WHERE id = ?", rows[0]["worker"])
    assert worker["audited_live_bytes"] == worker["live_bytes"]
    assert worker["audited_owner_mismatches"] == 0


def test_children_see_the_environment_that_they_would_see_without_us(tmp_path: Path) -> None:
    seen = []
    for recorded in (False, True):
        folder = tmp_path / str(recorded)
        folder.mkdir()
        with Service(folder, serving.gunicorn(FLASK), recorded=recorded) as service:
            reply = service.get("/children")
            assert reply.status == 200
            seen.append(reply.body.decode())
            service.stop()
    assert "PYTHONPATH" in seen[0]
    without, under = ([line for line in text.splitlines() if not line.startswith("[")] for text in seen)
    assert under == without


INHERITANCE = """
import ctypes, os, subprocess, sys
os.putenv("BY_PUTENV", "1")
ctypes.CDLL(None).setenv(b"BY_C", b"2", 1)
os.environ["BY_PYTHON"] = "3"
child = [sys.executable, "-c", "import os, sys; print(sys.argv[1:], sorted(os.environb.items()))"]
subprocess.run([*child, "as it is"])
subprocess.run([*child, "before exec"], preexec_fn=lambda: os.putenv("BEFORE_EXEC", "4"))
subprocess.run([*child, "given"], env={"GIVEN": "5"})
sys.stdout.flush()
os.execv(sys.executable, [*child, "in place"])
"""


def test_children_inherit_what_os_environ_does_not_know_of(tmp_path: Path) -> None:
    bare = [sys.executable, "-c", INHERITANCE]
    output = tmp_path / "inheritance.db"
    recorded = [serving.heapledger(), "run", "--run-dir", str(tmp_path / "run"), "-o", str(output), "--", *bare]
    environment = {**os.environ, "PYTHONPATH": "/theirs"}
    without, under = (
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment).stdout
        for command in (bare, recorded)
    )
    assert without.count("b'BY_PUTENV', b'1'") == without.count("b'BY_C', b'2'") == 3
    assert under == without
    assert Recording(output).query("SELECT count(*) AS pythons FROM worker")[0]["pythons"] >= 4


@pytest.mark.parametrize("quiet", [True, False])
def test_what_a_service_says_is_what_it_says_without_us(quiet: bool, tmp_path: Path) -> None:
    said = []
    for recorded in (False, True):
        folder = tmp_path / str(recorded)
        folder.mkdir()
        options = ["--quiet"] if quiet else []
        with Service(folder, serving.gunicorn(FLASK), recorded=recorded, run_options=options) as service:
            for words in ("one", "two"):
                assert service.get(f"/say/{words}").body == words.encode()
            service.process.terminate()
            assert service.wait() == 0
            said.append((service.stdout.read_text(), service.stderr.read_text()))
    assert said[0] == ("one\ntwo\n", "ONE\nTWO\n")
    assert said[1][0] == said[0][0]
    if quiet:
        assert said[1][1] == said[0][1]
    else:
        assert said[1][1].startswith(said[0][1] + "python (gunicorn): ")


def test_masters_and_supervisors_are_no_workers(tmp_path: Path) -> None:
    commands = {
        "gunicorn": serving.gunicorn(FLASK, workers=2),
        "preloaded": serving.gunicorn(FLASK, "--preload", workers=2),
        "uvicorn": serving.uvicorn("applications.costly_fastapi:app", "--workers", "2"),
    }
    for name, command in commands.items():
        folder = tmp_path / name
        folder.mkdir()
        with Service(folder, command) as service:
            answered: Counter[str] = Counter()
            serving.eventually("both answer", lambda: _grown(answered, service) == 2)  # noqa: B023
            recording = service.stop()
        analysis = recording.analysis()
        assert analysis["recording"]["worker_count"] == 2, name
        assert len(analysis["workers"]) >= 3, name  # each process's memory is there
        assert ": 2 workers, " in service.stderr.read_text().splitlines()[0], name
