"""Runs CPython's own tests with and without heapledger and compares the outcome of every single case.

A case that fails both ways says nothing about us; a case that fails, or is skipped, one way only is a finding. Each
disagreement is run again both ways before it counts: some of these tests depend on timing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITES = (
    "test_asyncio",
    "test_threading",
    "test_context",
    "test_gc",
    "test_concurrent_futures",
    "test_fork1",
    "test_subprocess",
)
SECONDS = 1800
HEAPLEDGER = ROOT / ".venv" / "bin" / "heapledger"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", default=SUITES)
    suites = parser.parse_args().suites
    probe = [sys.executable, "-c", "import test.libregrtest, test.test_context"]
    if subprocess.run(probe, capture_output=True).returncode:
        print(f"error: {sys.executable} does not ship CPython's tests", file=sys.stderr)
        print("hint: PYTHON=... make setup, with an interpreter that has them (pyenv's have)", file=sys.stderr)
        return 2
    differing = 0
    for suite in suites:
        bare, ours = outcomes(suite, []), outcomes(suite, heapledger_words())
        different = compare(bare, ours)
        if different:
            bare, ours = outcomes(suite, []), outcomes(suite, heapledger_words())
            different = {case: compare(bare, ours)[case] for case in different if case in compare(bare, ours)}
        differing += len(different)
        print(f"{suite:24} {len(bare):5} cases bare, {len(ours):5} with heapledger, {len(different)} differ")
        for case, (without, within) in sorted(different.items()):
            print(f"    {case}: {without} bare, {within} with heapledger")
    return 1 if differing else 0


def heapledger_words() -> list[str]:
    return [str(HEAPLEDGER), "run", "--quiet", "--force", "-o", str(ROOT / "build" / "cpython-tests.db"), "--"]


def outcomes(suite: str, before: list[str]) -> dict[str, str]:
    """`passed`, `failed`, `error` or `skipped` by the name of the case."""
    with tempfile.TemporaryDirectory(prefix="cpython-tests-") as scratch:
        report = Path(scratch) / "report.xml"
        command = [
            *before,
            sys.executable,
            "-m",
            "test",
            "-u",
            "none",
            "--timeout",
            "600",
            "--junit-xml",
            report,
            suite,
        ]
        ours = ("HEAPLEDGER_", "PYTHON")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        finished = subprocess.run(
            command, cwd=scratch, env=clean, capture_output=True, text=True, timeout=SECONDS, errors="replace"
        )
        if not report.exists():
            raise SystemExit(f"error: {suite} left no report\n{finished.stdout[-2000:]}{finished.stderr[-2000:]}")
        return dict(outcome(case) for case in ElementTree.parse(report).iter("testcase"))


def outcome(case: ElementTree.Element) -> tuple[str, str]:
    kinds = {child.tag for child in case}
    state = next((kind for kind in ("error", "failure", "skipped") if kind in kinds), "passed")
    return f"{case.get('classname', '')}.{case.get('name', '')}".lstrip("."), state


def compare(bare: dict[str, str], ours: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Cases whose outcomes differ; one that did not run at all is `absent`."""
    return {
        case: (bare.get(case, "absent"), ours.get(case, "absent"))
        for case in sorted(bare.keys() | ours.keys())
        if bare.get(case) != ours.get(case)
    }


if __name__ == "__main__":
    sys.exit(main())
