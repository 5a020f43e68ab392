"""A service that calls `heapledger.start()`: killed, restarted, forked, beside others, and where it cannot write."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import serving
from serving import MIB, Recording, Service

APP = "applications.self_recording:app"
HOOKS = serving.TESTS / "applications" / "self_recording.py"
BLOCK = MIB + 13


def self_recording(folder: Path, command: list[str], started_in: str = "app") -> Service:
    """A service with nobody over it; its recordings lie in its working folder."""
    environment = {"SELF_RECORDED": started_in, "SELF_RECORDED_RUN_DIR": str(folder / "run")}
    return Service(folder, command, recorded=False, environment=environment, cwd=folder)


def alone() -> list[str]:
    return [sys.executable, str(HOOKS), "{fd}"]


def rows_by_pid(recording: Recording) -> Counter[str]:
    rows = recording.query(
        "SELECT w.pid, count(*) AS requests FROM request r JOIN worker w ON w.id = r.worker "
        "JOIN endpoint e ON e.id = r.endpoint WHERE e.route = '/pid' GROUP BY w.pid"
    )
    return Counter({str(row["pid"]): row["requests"] for row in rows})


def answered_by(service: Service, requests: int) -> Counter[str]:
    replies = service.get_all(["/pid"] * requests, at_once=8)
    return Counter(reply.body.decode() for reply in replies if reply.status == 200)


def grown(answered: Counter[str], service: Service) -> int:
    """After twenty more requests: how many processes have answered."""
    answered.update(answered_by(service, 20))
    return len(answered)


def python(code: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=serving.DEADLINE_SECONDS, cwd=cwd,
    )  # fmt: skip


async def _load_until_killed(service: Service) -> int:
    """Eight clients at once; the process is killed while they wait. How many responses they have read whole."""
    answered = 0

    async def client() -> None:
        nonlocal answered
        with suppress(ConnectionRefusedError):  # nobody listens any more
            while (await serving.fetch(service.port, "/pid")).status == 200:
                answered += 1
                if answered == 300:
                    os.kill(service.process.pid, signal.SIGKILL)

    inside = asyncio.create_task(serving.fetch(service.port, f"/hold/{BLOCK}"))
    while (await serving.fetch(service.port, "/holding")).status != 200:
        assert not inside.done()
    await asyncio.gather(*(client() for _ in range(8)))
    assert (await inside).status == 0
    return answered


def check_the_killed_one(recording: Recording, answered: int) -> None:
    [worker] = recording.query("SELECT * FROM worker")
    assert (worker["ending"], worker["end_signal"]) == ("died", None)  # whoever could be asked is gone
    rows = len(recording.requests("/pid"))
    in_flight = recording.query("SELECT * FROM in_flight")
    holding = [row for row in in_flight if row["live_bytes"] >= BLOCK]
    assert len(holding) == 1
    # The client has its response a moment before the service has closed the request's books.
    assert answered <= rows + len(in_flight) - 1 + worker["dropped_requests"]
    assert rows <= answered + 8
    sequences = [row["sequence"] for row in recording.requests()]
    assert len(sequences) == len(set(sequences))
    assert recording.query("SELECT value FROM meta WHERE key = 'ended_unix_ns'")


def test_what_a_killed_service_had_not_written_is_there_after_its_next_start(tmp_path: Path) -> None:
    with self_recording(tmp_path, alone()) as service:
        answered = asyncio.run(_load_until_killed(service))
        assert answered >= 300
        [left] = (tmp_path / "run").iterdir()
    with self_recording(tmp_path, alone()) as service:
        assert answered_by(service, 10).total() == 10  # it has started: that was the first thing it did
        assert left not in (tmp_path / "run").iterdir()
        check_the_killed_one(Recording(tmp_path / "heapledger.1.db"), answered)
        service.kill()
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["heapledger.1.db", "heapledger.db"]


def test_the_next_run_recovers_a_killed_self_recording_service(tmp_path: Path) -> None:
    with self_recording(tmp_path, alone()) as service:
        answered = asyncio.run(_load_until_killed(service))
    again = [serving.heapledger(), "run", "--run-dir", str(tmp_path / "run"), "-o", str(tmp_path / "next.db"), "--"]
    said = subprocess.run([*again, "/bin/true"], capture_output=True, text=True, check=True, timeout=60).stderr
    assert f"recovered {tmp_path / 'heapledger.db'}" in said
    check_the_killed_one(Recording(tmp_path / "heapledger.db"), answered)
    assert not list((tmp_path / "run").iterdir())


def test_a_dead_one_is_recovered_beside_a_live_one_that_is_left_alone(tmp_path: Path) -> None:
    with self_recording(tmp_path, alone()) as living:
        pid = str(living.process.pid)
        answered = answered_by(living, 50)
        folders = set((tmp_path / "run").iterdir())
        with self_recording(tmp_path, alone()) as dead:
            assert answered_by(dead, 40).total() == 40
            dead.kill()
        [left] = set((tmp_path / "run").iterdir()) - folders
        code = "import heapledger, sys; heapledger.start(sys.argv[1], run_dir=sys.argv[2])"
        done = python(code, tmp_path / "third.db", tmp_path / "run", cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert not left.exists()
        assert set((tmp_path / "run").iterdir()) == folders
        recovered = Recording(tmp_path / "heapledger-2.db")
        # A client has its response a moment before the service has closed the request's books.
        unclosed = recovered.query("SELECT * FROM in_flight")
        assert rows_by_pid(recovered).total() + len(unclosed) == 40
        answered += answered_by(living, 50)
        serving.eventually(
            "the live one goes on", lambda: rows_by_pid(Recording(tmp_path / "heapledger.db")) == answered
        )
        assert answered == Counter({pid: 100})


@pytest.mark.parametrize("started_in", ["app", "post_fork"])
def test_workers_that_record_themselves_each_have_a_recording(started_in: str, tmp_path: Path) -> None:
    hooks = ["--config", str(HOOKS)] if started_in == "post_fork" else []
    command = serving.gunicorn(APP, *hooks, workers=2)
    with self_recording(tmp_path, command, started_in) as service:
        answered: Counter[str] = Counter()
        serving.eventually("both answer", lambda: grown(answered, service) == 2)
        service.process.terminate()
        assert service.wait() == 0
    recordings = sorted(tmp_path.glob("*.db"))
    assert [path.name for path in recordings] == ["heapledger-2.db", "heapledger.db"]
    rows: Counter[str] = Counter()
    for path in recordings:
        recording = Recording(path)
        recording.assert_balanced()
        assert recording.analysis()["recording"]["complete"] is True
        assert len(rows_by_pid(recording)) == 1
        rows += rows_by_pid(recording)
    assert rows == answered
    assert not list((tmp_path / "run").iterdir())


def test_one_recording_holds_all_workers_of_a_master_that_started(tmp_path: Path) -> None:
    with self_recording(tmp_path, serving.gunicorn(APP, "--preload", workers=2)) as service:
        answered: Counter[str] = Counter()
        serving.eventually("both answer", lambda: grown(answered, service) == 2)
        os.kill(int(next(iter(answered))), signal.SIGKILL)
        serving.eventually("a third one", lambda: grown(answered, service) == 3)
        service.process.terminate()
        assert service.wait() == 0
    assert [path.name for path in tmp_path.glob("*.db")] == ["heapledger.db"]
    recording = Recording(tmp_path / "heapledger.db")
    # The killed one may not have closed the request whose answer was out already.
    unclosed = recording.query("SELECT * FROM in_flight")
    assert len(unclosed) <= 1
    assert (answered - rows_by_pid(recording)).total() == len(unclosed)
    assert recording.analysis()["recording"]["complete"] is True
    assert not list((tmp_path / "run").iterdir())


def test_where_it_cannot_write_start_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    code = """
import sys, heapledger
print(heapledger.start(sys.argv[1], run_dir=sys.argv[2]))
with heapledger.request("works all the same") as request:
    print(request)
"""
    runs = tmp_path / "runs"
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    for output in ("/proc/self/a.db", str(tmp_path / "nowhere" / "a.db"), str(thesis)):
        done = python(code, output, runs, cwd=tmp_path)
        assert re.fullmatch(f"this process is not recorded: .*{output}.*\n", done.stderr), done
        assert (done.stdout, done.returncode) == ("False\nNone\n", 0)
        assert not list(runs.iterdir())
    assert thesis.read_text() == "years of work"
    for folder in ("/proc/self", str(tmp_path / "no" / "such")):
        done = python(code, tmp_path / "a.db", folder, cwd=tmp_path)
        assert done.stderr.startswith("this process is not recorded: cannot ")
        assert (done.stderr.count("\n"), done.stdout, done.returncode) == (1, "False\nNone\n", 0)
        assert not list(tmp_path.glob("*.db"))


def test_a_start_that_failed_can_be_repeated_and_says_so_each_time(tmp_path: Path) -> None:
    code = """
import sys, warnings, heapledger
warnings.simplefilter("error")
for output in ("nowhere/a.db", "nowhere/a.db", "a.db", "b.db"):
    print(heapledger.start(output, run_dir=sys.argv[1]))
with heapledger.request("work"):
    pass
"""
    done = python(code, tmp_path / "runs", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("False\nFalse\nTrue\nTrue\n", 0)
    assert len(done.stderr.splitlines()) == 2
    assert [path.name for path in tmp_path.glob("*.db")] == ["a.db"]
    assert len(Recording(tmp_path / "a.db").requests("work")) == 1


def test_a_named_recording_is_kept_when_the_service_starts_again(tmp_path: Path) -> None:
    code = """
import sys, heapledger
heapledger.start("a.db", run_dir=sys.argv[1])
for _ in range(int(sys.argv[2])):
    with heapledger.request("work"):
        pass
"""
    for count in (3, 4):
        done = python(code, tmp_path / "runs", str(count), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert len(Recording(tmp_path / "a.1.db").requests("work")) == 3
    assert len(Recording(tmp_path / "a.db").requests("work")) == 4


def test_what_is_no_path_is_a_type_error_and_disabled_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEAPLEDGER_DISABLE", "1")
    code = """
import heapledger
try:
    heapledger.start(7)
except TypeError:
    print("TypeError")
print(heapledger.start())
"""
    done = python(code, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("TypeError\nFalse\n", "", 0)
    assert list(tmp_path.iterdir()) == []


def limit_files_to(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_folder_without_room_for_a_ledger_is_one_line(tmp_path: Path) -> None:
    code = "import sys, heapledger; print(heapledger.start(sys.argv[1], run_dir=sys.argv[2]))"
    runs = tmp_path / "runs"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.db"), str(runs)],
        capture_output=True, text=True, timeout=60, check=True, preexec_fn=lambda: limit_files_to(2 * MIB),
    )  # fmt: skip
    assert done.stdout == "False\n"
    assert done.stderr == "this process is not recorded: the ledger file could not be made\n"
    assert not list(runs.iterdir())
    assert not list(tmp_path.glob("*.db*"))


def test_a_disk_that_fills_up_ends_the_recording_and_not_the_service(tmp_path: Path) -> None:
    code = """
import resource, sys, heapledger
heapledger.start(sys.argv[1], run_dir=sys.argv[2])
with heapledger.request("first"):
    pass
heapledger.RequestIsolator().analyze()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
for number in range(3000):
    with heapledger.request("later"):
        pass
print("served")
"""
    done = python(code, tmp_path / "a.db", tmp_path / "runs", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("served\n", "", 0)
    recording = Recording(tmp_path / "a.db")
    assert len(recording.requests("first")) == 1
    assert len(recording.requests("later")) < 3000
    assert recording.analysis()["recording"]["complete"] is False


def test_an_analysis_of_the_running_process_knows_of_all_that_it_did(tmp_path: Path) -> None:
    code = """
import sys, heapledger
heapledger.start(sys.argv[1], run_dir=sys.argv[2])
kept = []
def leave(route, requests, size):
    for number in range(requests):
        with heapledger.request(route):
            kept.append(bytearray(size))
    return heapledger.RequestIsolator().analyze()
for requests in (50, 150):
    result = leave("leaky", requests, 65536)
    [endpoint] = result.endpoints
    print(endpoint.requests, endpoint.retained_bytes, result.accounting.books_behind_seconds, result.recording.state)
    [finding] = result.findings
    print(finding.kind, finding.bytes)
kept.clear()
result = leave("leaky", 0, 0)
print(result.endpoints[0].retained_bytes, [finding.kind for finding in result.findings])
"""
    done = python(code, tmp_path / "a.db", tmp_path / "runs", cwd=tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    *rounds, after = [line.split() for line in done.stdout.splitlines()]
    for total, figures, finding in zip((50, 200), rounds[::2], rounds[1::2], strict=True):
        requests, retained, behind, state = figures
        assert (int(requests), behind, state) == (total, "None", "being_written")
        assert total * 65536 <= int(retained) <= total * 65536 + 100_000
        assert finding[0] == "keeps" and 65536 <= int(finding[1]) <= 66_600
    assert int(after[0]) < 100_000 and after[1] == "[]"


def test_a_process_that_analyses_itself_still_counts_as_writing(tmp_path: Path) -> None:
    code = """
import subprocess, sys, heapledger
heapledger.start(run_dir=sys.argv[2])
with heapledger.request("first"):
    pass
heapledger.RequestIsolator().analyze()
print(subprocess.run([sys.argv[1], "run", "--run-dir", sys.argv[2], "--", "true"], capture_output=True).stderr.decode())
with heapledger.request("second"):
    pass
"""
    done = python(code, serving.heapledger(), tmp_path / "runs", cwd=tmp_path)
    assert "heapledger.db is being written by another run" in done.stdout
    assert len(Recording(tmp_path / "heapledger.db").requests()) == 2
    assert not (tmp_path / "heapledger.1.db").exists()


def test_a_process_that_another_one_records_is_told_to_name_the_recording(tmp_path: Path) -> None:
    code = """
import heapledger
from heapledger.errors import RecordingError
try:
    heapledger.RequestIsolator().analyze()
except RecordingError as error:
    print(error, error.hint, sep="|")
"""
    run = [serving.heapledger(), "run", "--quiet", "--run-dir", str(tmp_path / "runs"), "--"]
    done = subprocess.run(
        [*run, sys.executable, "-c", code],
        capture_output=True, text=True, check=True, timeout=serving.DEADLINE_SECONDS, cwd=tmp_path,
    )  # fmt: skip
    message, hint = done.stdout.strip().split("|")
    assert message.startswith("this process is recorded by another: `heapledger run`")
    assert hint.startswith("give the path of its recording")
    alone = python(code, cwd=tmp_path)
    assert alone.stdout == "this process does not record itself|call heapledger.start() first\n"
