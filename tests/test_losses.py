"""What cannot be recorded is said: workers without room for a ledger, a run folder that is gone, a ledger cut short."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any

from command_line import DEADLINE_SECONDS, heapledger, line_of, run, wait_until


def installed_python(code: str) -> list[str]:
    """A command: this Python, with heapledger, on some code."""
    return [sys.executable, "-c", textwrap.dedent(code)]


def report_of(recording: str) -> Any:
    done = heapledger("requests", recording, "--format", "json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def requests_by_route(report: Any) -> dict[str, int]:
    return {endpoint["route"]: endpoint["requests"] for endpoint in report["endpoints"]}


def test_workers_that_had_no_room_for_a_ledger_are_counted_and_said(here: Path, runs: Path) -> None:
    command = installed_python(
        """
        import os, resource, heapledger
        for _ in range(4):
            with heapledger.request("parent"):
                pass
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))  # less than a ledger
        for _ in range(3):
            if os.fork() == 0:
                for _ in range(5):
                    with heapledger.request("child"):
                        pass
                os._exit(0)
        assert [os.wait()[1] for _ in range(3)] == [0] * 3
        """
    )
    done = run(runs, "-o", "r.db", command=command)
    assert done.returncode == 0, done
    said = "3 workers had no room for a ledger: their requests are in no figure"
    assert said in done.stderr
    assert "not audited: some processes kept none" in done.stderr
    report = report_of("r.db")
    assert requests_by_route(report) == {"parent": 4}
    assert report["accounting"]["workers_without_ledger"] == 3
    assert report["accounting"]["balanced"] is None
    assert report["recording"]["complete"] is False
    assert list(runs.iterdir()) == []


def test_a_run_folder_that_is_removed_is_said(here: Path, runs: Path, started: Any) -> None:
    command = installed_python(
        """
        import os, sys, heapledger
        for _ in range(4):
            with heapledger.request("parent"):
                pass
        print("served", flush=True)
        sys.stdin.readline()
        if os.fork() == 0:
            with heapledger.request("child"):
                pass
            os._exit(0)
        sys.exit(os.wait()[1])
        """
    )
    process = started("run", "-o", "r.db", "--run-dir", runs, "--", *command, stdin=-1)
    assert line_of(process) == "served"
    wait_until(lambda: requests_by_route(report_of("r.db")) == {"parent": 4}, "the requests are in the recording")
    [folder] = runs.iterdir()
    shutil.rmtree(folder)
    _, errors = process.communicate("go on\n", timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
    assert "the run folder was removed while it was in use" in errors
    report = report_of("r.db")
    assert requests_by_route(report) == {"parent": 4}
    assert report["accounting"]["run_folder_lost"] is True
    assert report["accounting"]["balanced"] is None
    assert report["recording"]["complete"] is False


def test_a_ledger_that_is_cut_short_does_not_end_the_supervisor(here: Path, runs: Path, started: Any) -> None:
    command = installed_python(
        """
        import os, signal, heapledger
        for _ in range(4):
            with heapledger.request("served"):
                pass
        print(os.getpid(), flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        """
    )
    process = started("run", "-o", "r.db", "--run-dir", runs, "--", *command)
    worker = int(line_of(process))
    wait_until(lambda: requests_by_route(report_of("r.db")) == {"served": 4}, "the requests are in the recording")
    [ledger] = runs.glob("*/*.ledger")
    os.truncate(ledger, 0)
    wait_until(lambda: Path(f"/proc/{process.pid}/maps").read_text().count(".ledger") == 0, "it is given up")
    os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 128 + signal.SIGKILL
    assert "error: 1 ledger could not be read" in errors
    report = report_of("r.db")
    assert requests_by_route(report) == {"served": 4}
    assert report["recording"]["complete"] is False
