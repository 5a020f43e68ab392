"""The frame that reports GoogleTest cases reports what they did, also when the program dies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import gtest_collection
import pytest


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).parent / "frame" / "misbehaving_program.cc"
    target = tmp_path_factory.mktemp("frame") / "program"
    subprocess.run(
        ["g++", "-std=c++20", source, "-o", target, "-lgtest", "-lgtest_main", "-lpthread"], check=True, timeout=120
    )
    return target


@pytest.fixture(scope="module")
def cases(program: Path) -> list[str]:
    listed = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True, check=True, timeout=60)
    return list(gtest_collection.parse_list(listed.stdout))


def test_every_case_is_listed_by_its_full_name_and_disabled_ones_are_not(cases: list[str]) -> None:
    assert set(cases) == {
        "Sound.Passes",
        "Sound.Fails",
        "Sound.IsSkipped",
        "Crash.KillsTheProgram",
        "Crash.RunsAfterAll",
        "Few/Sizes.AreSmall/0",
        "Few/Sizes.AreSmall/1",
        "ZLast.LeavesABadExitStatus",
    }


def test_each_case_has_its_own_outcome_although_one_kills_the_program(program: Path, cases: list[str]) -> None:
    sound = [case for case in cases if not case.startswith("ZLast")]
    outcomes = gtest_collection.run_cases([str(program)], sound)
    assert {case: outcome.state for case, outcome in outcomes.items()} == {
        "Sound.Passes": "passed",
        "Sound.Fails": "failed",
        "Sound.IsSkipped": "skipped",
        "Crash.KillsTheProgram": "failed",
        "Crash.RunsAfterAll": "passed",
        "Few/Sizes.AreSmall/0": "passed",
        "Few/Sizes.AreSmall/1": "passed",
        "exit": "passed",
    }
    assert "the books do not balance" in outcomes["Sound.Fails"].text
    assert "no such machine" in outcomes["Sound.IsSkipped"].text
    assert "SIGSEGV" in outcomes["Crash.KillsTheProgram"].text


def test_a_bad_exit_status_after_the_last_case_fails_the_exit_item(program: Path) -> None:
    outcomes = gtest_collection.run_cases([str(program)], ["Sound.Passes", "ZLast.LeavesABadExitStatus"])
    assert outcomes["Sound.Passes"].state == "passed"
    assert outcomes["ZLast.LeavesABadExitStatus"].state == "passed"
    assert outcomes["exit"].state == "failed"
    assert "status 23" in outcomes["exit"].text


def test_a_program_that_runs_none_of_its_cases_fails_them(tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 0\n")
    silent.chmod(0o755)
    outcomes = gtest_collection.run_cases([str(silent)], ["A.One", "A.Two"])
    assert {case: outcome.state for case, outcome in outcomes.items()} == {
        "A.One": "failed",
        "A.Two": "failed",
        "exit": "passed",
    }
