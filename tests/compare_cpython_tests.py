"""Runs CPython's own tests bare and under `heapledger run`, and compares the outcome of every single case.

What fails both ways says nothing about us; what passes, fails or is skipped one way only is a finding, and so is
another exit status (a crash, a changed environment), a run without an end, and books that do not balance. Cases that
disagree are run again both ways: one counts as different when no outcome was seen both ways, and one that changes from
run to run is shown as unsteady. A suite that this Python does not ship is named; one of which nothing could be
compared fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

HEAPLEDGER = Path(sys.executable).parent / "heapledger"
SUITES = (
    "test_context",
    "test_gc",
    "test_fork1",
    "test_threading",
    "test_subprocess",
    "test_asyncio",
    "test_concurrent_futures",
)
WHOLE = "(exit of the whole run)"
ROUNDS = 3
LISTED = 30


@dataclass
class Run:
    """What one run of one suite came to."""

    cases: dict[str, str]
    seconds: float
    books: Counter[str] = field(default_factory=Counter)  # processes by how their books stand


@dataclass
class Seen:
    """Every outcome of one case in all rounds."""

    bare: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)

    @property
    def differs(self) -> bool:
        return self.bare.isdisjoint(self.ours)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("suites", nargs="*", default=SUITES)
    parser.add_argument("--timeout", type=float, default=1200, help="seconds that one run of a suite may take")
    options = parser.parse_args()
    if not ships("test.libregrtest"):
        print(f"error: {sys.executable} does not ship CPython's tests", file=sys.stderr)
        print("hint: PYTHON=... make setup, with an interpreter that has them (pyenv's have)", file=sys.stderr)
        return 2
    version = subprocess.run([HEAPLEDGER, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"Python {platform.python_version()}: each case bare and under `{version}`'s run", flush=True)
    absent = [suite for suite in options.suites if not ships(f"test.{suite}")]
    shipped = [suite for suite in options.suites if suite not in absent]
    findings = [suite for suite in shipped if not same_both_ways(suite, options.timeout)]
    print(f"different: {', '.join(findings)}" if findings else f"no difference in {len(shipped)} suites")
    if absent:
        print(f"not compared, as this Python does not ship them: {', '.join(absent)}")
    return 0 if shipped and not findings else 1


def ships(module: str) -> bool:
    """Whether this interpreter has the module; it is not imported here."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def same_both_ways(suite: str, timeout: float) -> bool:
    """Run one suite until it is clear what differs, and print what was compared."""
    seen: defaultdict[str, Seen] = defaultdict(Seen)
    books: Counter[str] = Counter()
    for _ in range(ROUNDS):
        bare, ours = run_suite(suite, timeout, recorded=False), run_suite(suite, timeout, recorded=True)
        books += ours.books
        for case in bare.cases.keys() | ours.cases.keys():
            seen[case].bare.add(bare.cases.get(case, "absent"))
            seen[case].ours.add(ours.cases.get(case, "absent"))
        if not any(one.differs for one in seen.values()):
            break
    different = {case: one for case, one in seen.items() if one.differs}
    unsteady = {case: one for case, one in seen.items() if not one.differs and one.bare != one.ours}
    outcomes = Counter(outcome for case, outcome in bare.cases.items() if case != WHOLE)
    print(
        f"{suite:24} {outcomes.total():5} cases bare ({words(outcomes)}; {bare.seconds:.0f} s, {bare.cases[WHOLE]}), "
        f"{len(ours.cases) - 1} with heapledger ({ours.seconds:.0f} s, {ours.cases[WHOLE]}): "
        f"{len(different)} differ, {len(unsteady)} unsteady; recorded processes: {words(books)}",
        flush=True,
    )
    for title, cases in (("differs", different), ("unsteady", unsteady)):
        for case, one in sorted(cases.items())[:LISTED]:
            print(f"    {title}: {case}: {either(one.bare)} bare, {either(one.ours)} with heapledger")
        if len(cases) > LISTED:
            print(f"    {title}: and {len(cases) - LISTED} more")
    if not outcomes.total():
        print("    nothing was compared: the bare run left no report")
    return bool(outcomes.total() and books["balanced"] and not books["NOT BALANCED"] and not different)


def words(counts: Counter[str]) -> str:
    """`3 passed, 1 skipped`."""
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def either(outcomes: set[str]) -> str:
    """`passed or failure`."""
    return " or ".join(sorted(outcomes))


def run_suite(suite: str, timeout: float, *, recorded: bool) -> Run:
    """One run of CPython's test runner, in a folder of its own, bare or recorded."""
    with tempfile.TemporaryDirectory(prefix="cpython-tests-") as scratch:
        report, recording = Path(scratch) / "report.xml", Path(scratch) / "recording.db"
        before: list[str | Path] = [HEAPLEDGER, "run", "--quiet", "-o", recording, "--"] if recorded else []
        runner: list[str | Path] = [sys.executable, "-m", "test", "-u", "none", "--junit-xml", report, suite]
        began = time.monotonic()
        ending = run_bounded([*before, *runner], Path(scratch), timeout)
        seconds = time.monotonic() - began
        cases = cases_of(report) if report.exists() else {}
        books = books_of(recording) if recorded else Counter()
    return Run(cases | {WHOLE: ending}, seconds, books)


def run_bounded(command: list[str | Path], folder: Path, timeout: float) -> str:
    """Run a command in a session of its own, and say how it ended; what is left of it then is killed."""
    ours = ("HEAPLEDGER_", "PYTHON")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=clean, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait(timeout)
            return f"exit {status}" if 0 <= status < 128 else f"signal {-status if status < 0 else status - 128}"
        except subprocess.TimeoutExpired:
            return f"no end in {timeout:.0f} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def cases_of(report: Path) -> dict[str, str]:
    """`passed`, `failure`, `error` or `skipped` by the name of the case."""
    cases = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        state = next((kind for kind in ("error", "failure", "skipped") if kind in kinds), "passed")
        cases[f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")] = state
    return cases


def books_of(recording: Path) -> Counter[str]:
    """How the books of the recorded processes stand: proof that heapledger was at work in them."""
    command: list[str | Path] = [HEAPLEDGER, "requests", "--format", "json", recording]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return Counter({"unreadable recording": 1})
    stands = {True: "balanced", False: "NOT BALANCED", None: "not audited"}
    return Counter(stands[worker["balanced"]] for worker in json.loads(done.stdout)["workers"])


if __name__ == "__main__":
    sys.exit(main())
