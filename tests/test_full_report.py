"""`heapledger report`: every analysis of a recording in one document, each as its own verb prints it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from made_recording import MadeRecording, orders

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"


def printed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([CLI, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return orders(tmp_path / "orders.db")


def parts(recording: Path) -> dict[str, Any]:
    done = printed("report", recording, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    assert list(document)[:2] == ["schema", "recording"]
    assert document["schema"] == "heapledger.report/1"
    return {verb: part for verb, part in document.items() if verb not in ("schema", "recording")}


def test_each_part_is_what_its_verb_prints(recording: Path) -> None:
    found = parts(recording)
    assert set(found) >= {"requests", "leaks", "segments", "payloads", "pools", "limits", "versions"}
    for verb, part in found.items():
        assert part == json.loads(printed(verb, recording, "--format", "json").stdout), verb


def test_text_has_every_part_under_its_title(recording: Path) -> None:
    text = printed("report", recording).stdout
    verbs = re.findall(r"^\S.* \(heapledger (\w+)\)\n-+\n", text, re.MULTILINE)
    assert verbs == list(parts(recording))
    for verb in verbs:
        assert printed(verb, recording).stdout in text, verb


def test_every_analysis_verb_is_in_the_report(recording: Path) -> None:
    verbs = set(
        re.findall(r"^  ([a-z]+)\b", re.split("(?:Verbs|Subcommands):", printed("--help").stdout)[1], re.MULTILINE)
    )
    assert verbs - {"run", "doctor", "demo", "report"} == set(parts(recording))


def test_an_empty_recording_is_fine(tmp_path: Path) -> None:
    path = MadeRecording(tmp_path / "empty.db").close()
    assert parts(path)["versions"]["pairs"] == []
    assert printed("report", path).returncode == 0


def test_bad_usage_is_one_error_and_status_2(recording: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    foreign.write_text("not ours\n" * 1000)
    for arguments in (["--format", "csv", recording], [tmp_path / "missing.db"], [foreign]):
        done = printed("report", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)
