"""Every fuzzer still does something: its kept inputs and some generated ones pass under AddressSanitizer."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import gtest_collection
import pytest

ROOT = Path(__file__).resolve().parent.parent
LISTING = ROOT / "build" / "asan-ubsan" / "fuzz_programs.txt"
GENERATED_INPUTS = 500


def fuzzers() -> list[str]:
    return sorted(path.stem for path in (ROOT / "fuzz").glob("*_fuzz.cc"))


def test_there_are_fuzzers_and_all_of_them_are_built() -> None:
    assert fuzzers()
    assert sorted(Path(line).name for line in LISTING.read_text().split()) == fuzzers()


@pytest.mark.parametrize("name", fuzzers())
def test_kept_and_generated_inputs_pass(name: str) -> None:
    program = next(line for line in LISTING.read_text().split() if Path(line).name == name)
    corpus = ROOT / "fuzz" / "corpus" / name
    kept = len(list(corpus.iterdir())) if corpus.is_dir() else 0
    finished = subprocess.run(
        [program, f"-runs={GENERATED_INPUTS}", *([corpus] if kept else [])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=gtest_collection.environment(),
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    replayed = re.fullmatch(r"replayed (\d+) files and (\d+) generated inputs\n", finished.stdout.splitlines(True)[-1])
    assert replayed
    assert (int(replayed[1]), int(replayed[2])) == (kept, GENERATED_INPUTS)
