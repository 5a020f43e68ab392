"""GoogleTest cases as pytest items, so that one run and one report hold both.

`tests/unit/CMakeLists.txt` collects to one node per build (unit, asan-ubsan, tsan), one per program in it and one item
per case. The selected cases of a program run together in one process. A case that kills the process fails, and the rest
is run again without it; what the process says after its last case (a leak report, a bad exit status) fails the
program's own last item, `exit`.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILDS = ("unit", "asan-ubsan", "tsan")
BATCH_SECONDS = 600
EXIT_ITEM = "exit"

SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0:second_deadlock_stack=1",
}


@dataclasses.dataclass
class Outcome:
    """What one case did: `passed`, `failed` or `skipped`, with the program's words about it."""

    state: str
    text: str


class GTestBuilds(pytest.File):
    """All builds of the unit tests; the anchor is tests/unit/CMakeLists.txt."""

    def collect(self) -> Iterator[pytest.Collector]:
        for build in BUILDS:
            yield GTestBuild.from_parent(self, name=build)


class GTestBuild(pytest.Collector):
    """One build folder, by the list of programs that CMake wrote into it."""

    def collect(self) -> Iterator[pytest.Collector]:
        listing = ROOT / "build" / self.name / "gtest_programs.txt"
        if not listing.exists():
            raise self.CollectError(f"{listing.relative_to(ROOT)} is missing: run `make unit` first")
        programs = [Path(line) for line in listing.read_text().splitlines() if line]
        if not programs:
            raise self.CollectError(f"{listing.relative_to(ROOT)} names no program")
        for program in programs:
            yield GTestProgram.from_parent(self, name=program.name, program=program)


class GTestProgram(pytest.Collector):
    """One program; runs its selected cases at the first item that asks for its outcome."""

    def __init__(self, *, program: Path, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.program = program
        self._outcomes: dict[str, Outcome] | None = None

    def collect(self) -> Iterator[pytest.Item]:
        if not self.program.exists():
            raise self.CollectError(f"{self.program} is missing: run `make unit` first")
        listed = subprocess.run(
            [*launcher(self.parent.name), self.program, "--gtest_list_tests"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment(),
        )
        if listed.returncode != 0:
            raise self.CollectError(f"{self.program} cannot list its tests:\n{listed.stdout}{listed.stderr}")
        cases = list(parse_list(listed.stdout))
        if not cases:
            raise self.CollectError(f"{self.program} has no test")
        for case in cases:
            yield GTestCase.from_parent(self, name=case)
        yield GTestCase.from_parent(self, name=EXIT_ITEM)

    def outcome(self, case: str) -> Outcome:
        if self._outcomes is None:
            selected = [item.name for item in self.session.items if item.parent is self and item.name != EXIT_ITEM]
            self._outcomes = run_cases([*launcher(self.parent.name), str(self.program)], selected)
        return self._outcomes[case]


class GTestCase(pytest.Item):
    """One GoogleTest case, or a program's exit."""

    def runtest(self) -> None:
        outcome = self.parent.outcome(self.name)
        if outcome.state == "skipped":
            pytest.skip(outcome.text.strip() or "skipped by the program")
        if outcome.state == "failed":
            raise GTestFailure(outcome.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, GTestFailure):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.parent.program, None, f"{self.parent.parent.name}/{self.parent.name}: {self.name}"


class GTestFailure(Exception):
    """Carries the program's own words."""


def parse_list(text: str) -> Iterator[str]:
    """Full names from --gtest_list_tests; cases whose name says DISABLED_ are left out."""
    suite = ""
    for line in text.splitlines():
        name = line.split("#", 1)[0].rstrip()
        if not name or name.startswith("Running main"):
            continue
        if not name.startswith(" "):
            suite = name
        elif "DISABLED_" not in suite + name:
            yield suite + name.strip()


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GTEST_", "HEAPLEDGER_"))}
    return {**clean, **SANITIZER_ENVIRONMENT}


def launcher(build: str) -> list[str]:
    """ThreadSanitizer's runtime of gcc 12 cannot live with the address randomisation of recent kernels."""
    if build != "tsan":
        return []
    setarch = shutil.which("setarch")
    return [setarch, os.uname().machine, "--addr-no-randomize"] if setarch else []


def run_cases(command: list[str], cases: list[str]) -> dict[str, Outcome]:
    """Outcome of every case, and of EXIT_ITEM; each run that dies settles at least one case."""
    outcomes: dict[str, Outcome] = {}
    endings: list[str] = []
    left = list(cases)
    while left:
        status, output = run_program(command, left)
        seen = dict(parse_run(output))
        died_in = next((case for case, outcome in seen.items() if outcome.state == "running"), None)
        if died_in is not None:
            seen[died_in] = Outcome("failed", f"{seen[died_in].text}\n{describe(status)}")
        elif not seen.keys() & set(left):
            seen = {left[0]: Outcome("failed", f"{output}\n{describe(status)} before any case began")}
        elif status != (1 if any(outcome.state == "failed" for outcome in seen.values()) else 0):
            endings.append(f"{tail(output)}\n{describe(status)} after its last case")
        outcomes.update(seen)
        left = [case for case in left if case not in outcomes]
    outcomes[EXIT_ITEM] = Outcome("failed", "\n".join(endings)) if endings else Outcome("passed", "")
    return outcomes


def run_program(command: list[str], cases: list[str]) -> tuple[int | None, str]:
    """Exit status (None: it took too long) and everything it wrote."""
    process = subprocess.Popen(
        [*command, f"--gtest_filter={':'.join(cases)}", "--gtest_color=no"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
        env=environment(),
        cwd=ROOT,
    )
    try:
        output, _ = process.communicate(timeout=BATCH_SECONDS)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output


MARK = re.compile(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] ([^\s,]+)")
STATES = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}


def parse_run(output: str) -> Iterator[tuple[str, Outcome]]:
    """Cases in the order they began; one that began and has no end is `running`."""
    case: str | None = None
    said: list[str] = []
    for line in output.splitlines():
        mark = MARK.search(line)
        word = mark[1] if mark else ""
        if mark and word == "RUN":
            case, said = mark[2], []
        elif mark and case == mark[2]:
            said.append(line[: mark.start()])
            yield case, Outcome(STATES[word], "\n".join(said))
            case = None
        else:
            said.append(line)
    if case is not None:
        yield case, Outcome("running", "\n".join(said))


def describe(status: int | None) -> str:
    if status is None:
        return f"the program was stopped after {BATCH_SECONDS} s"
    if status < 0:
        return f"the program was killed by {signal.Signals(-status).name}"
    return f"the program exited with status {status}"


def tail(text: str, lines: int = 60) -> str:
    return "\n".join(text.splitlines()[-lines:])
