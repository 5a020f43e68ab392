"""Runs the built command line, for the tests of it; the fixtures reach them through conftest.py."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLI = os.environ.get("TESTED_HEAPLEDGER", str(ROOT / ".venv" / "bin" / "heapledger"))
DEADLINE_SECONDS = 60.0
Done = subprocess.CompletedProcess[str]


# The line that a started Python prints once its handlers are in place, then every signal that reaches it.
# Heard through a pipe: one that came just before a pause() would wait for the next.
LISTENER = """
    import os, signal, sys
    heard, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: None)
    print("ready", os.getpid(), flush=True)
    while True:
        number = os.read(heard, 1)[0]
        print("heard", signal.Signals(number).name, flush=True)
        if number == signal.SIGTERM:
            sys.exit(5)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a place of its own for run folders."""
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The base of run folders to give to --run-dir."""
    return tmp_path / "runs"


def heapledger(*arguments: str | Path, **options: Any) -> Done:
    """Run the command line to its end."""
    options.setdefault("timeout", DEADLINE_SECONDS)
    return subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def run(runs: Path, *flags: str | Path, command: list[str], **options: Any) -> Done:
    """`heapledger run` with a run folder of the test's own."""
    return heapledger("run", "--run-dir", runs, *flags, "--", *command, **options)


def python(code: str) -> list[str]:
    """A command: this Python, without site packages, on some code."""
    return [sys.executable, "-S", "-c", textwrap.dedent(code)]


def errors_of(done: Done) -> list[str]:
    """The `error:` and `hint:` lines; there must be nothing else, and no control character."""
    lines = done.stderr.splitlines()
    assert lines, done
    assert lines[0].startswith("error: "), done.stderr
    assert all(line.startswith("hint: ") for line in lines[1:]), done.stderr
    assert all(character >= " " for line in lines for character in line), repr(done.stderr)
    return lines


def wait_until(what: Callable[[], Any], reason: str) -> Any:
    """Poll a condition that another process brings about, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if value := what():
            return value
        select.select([], [], [], 0.01)
    raise AssertionError(f"never happened: {reason}")


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts commands in process groups of their own; what is left of them ends with the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [CLI, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate(timeout=DEADLINE_SECONDS)


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line of its standard output."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_SECONDS)
    assert ready, "no line came"
    return process.stdout.readline().strip()
