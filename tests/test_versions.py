"""`heapledger versions` and `VersionComparator` on recordings whose figures are known."""

from __future__ import annotations

import csv
import io
import json
import random
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from made_recording import MadeRecording

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
FORMATS = ("text", "json", "csv")
MANY_SECONDS, MANY_BYTES = 15, 200 << 20


def versions(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CLI, "versions", *arguments], capture_output=True, timeout=300, check=False)
    # Decoded by hand: reading it as text would change CSV's line ends.
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def output_of(*arguments: str | Path) -> str:
    done = versions(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def document_of(*arguments: str | Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output_of(*arguments, "--format", "json"))
    return document


def serve(made: MadeRecording, route: str, count: int, peak_bytes: int, seed: int = 1) -> None:
    """One request each 10 ms, alternating between two workers, peaks within a tenth of each other."""
    draw = random.Random(seed)
    for number in range(count):
        peak = round(peak_bytes * (1 + draw.random() / 10))
        figures = {"peak_bytes": peak, "allocated_bytes": 2 * peak, "byte_seconds": peak / 100}
        made.add_request("GET", route, worker=1 + number % 2, sequence=number, started_us=number * 10_000, **figures)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    made = MadeRecording(tmp_path / "shop.db")
    made.add_worker(1)
    made.add_worker(2)
    serve(made, "/v1/orders/{id}", 600, 64_000)
    serve(made, "/v2/orders/{order_id}", 600, 128_000, seed=2)
    serve(made, "/v1/list", 600, 64_000, seed=3)
    serve(made, "/v2/list", 600, 64_000, seed=4)
    serve(made, "/v1/rare", 20, 64_000)
    serve(made, "/v2/rare", 20, 640_000)
    return made.close()


def test_pairs_have_ratios_intervals_and_verdicts(recording: Path) -> None:
    document = document_of(recording)
    assert document["schema"] == "heapledger.versions/1"
    assert list(document)[:2] == ["schema", "recording"]
    assert (document["confidence_ratio"], document["versions"]) == (0.95, ["v1", "v2"])
    worse, same, rare = document["pairs"]
    assert (worse["method"], worse["route"], worse["from"], worse["to"]) == ("GET", "/orders/{}", "v1", "v2")
    assert (worse["verdict"], worse["requests"]) == ("regression", [600, 600])
    peak = worse["metrics"]["peak_bytes"]
    assert peak["ratio"] == pytest.approx(2, rel=0.02)
    low, high = peak["interval"]
    assert low < peak["ratio"] < high
    assert peak["p_value"] <= peak["q_value"] <= 0.02
    assert 64_000 < peak["from"] < 70_400 and isinstance(peak["from"], int)
    assert (same["route"], same["verdict"]) == ("/list", "same")
    assert (rare["verdict"], rare["requests_needed"]) == ("inconclusive", 500)
    assert rare["metrics"]["peak_bytes"]["ratio"] is None
    assert rare["reason"] == "too few requests, needs about 500 requests of both versions"
    assert (rare["risk"], rare["risk_reason"]) == (None, "no memory limit is known: --memory-limit 512MiB")
    assert document["other"] is None


def test_text_has_the_table_and_the_reasons(recording: Path) -> None:
    lines = output_of(recording).splitlines()
    assert lines[0] == "3 pairs of endpoints compared: 1 regression, 1 same, 1 inconclusive"
    assert lines[2].startswith("GET /orders/{}  v1 -> v2") and lines[2].endswith("regression")
    assert any(line.startswith("!        GET /orders/{}  v1 -> v2: peak bytes 2.0") for line in lines)


def test_csv_is_flat(recording: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output_of(recording, "--format", "csv"), newline="")))
    assert [row["verdict"] for row in rows] == ["regression", "same", "inconclusive"]
    assert float(rows[0]["peak_bytes_ratio"]) == pytest.approx(2, rel=0.02)
    assert rows[2]["peak_bytes_ratio"] == ""


@pytest.mark.parametrize(("route", "status"), [("*orders*", 1), ("*list", 0), ("*rare", 3), ("/nowhere", 3), ("*", 1)])
def test_the_gate_fails_on_a_regression_and_says_when_it_cannot_judge(recording: Path, route: str, status: int) -> None:
    assert versions(recording, "--route", route, "--fail-on", "regression").returncode == status
    assert versions(recording, "--route", route).returncode == 0


def test_two_recordings_are_before_and_after(recording: Path, tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "after.db")
    made.add_worker(1)
    made.add_worker(2)
    serve(made, "/v1/orders/{id}", 600, 64_000, seed=5)
    serve(made, "/v1/list", 600, 96_000, seed=6)
    serve(made, "/v1/fresh", 5, 1)
    after = made.close()
    document = document_of(recording, after)
    assert document["other"]["path"] == str(after)
    found = {pair["route"]: pair for pair in document["pairs"]}
    assert (found["/v1/list"]["verdict"], found["/v1/list"]["from"]) == ("regression", "before")
    assert found["/v1/orders/{id}"]["verdict"] == "same"
    assert [row["route"] for row in document["added"]] == ["/v1/fresh"]
    assert versions(recording, after, "--fail-on", "regression").returncode == 1


def test_the_report_has_capacity_order_and_removals(recording: Path) -> None:
    text = output_of(recording, "--report")
    assert text.startswith("Migration report: ")
    for heading in ("Versions compared", "Memory of requests in flight", "Order", "To remove"):
        assert heading in text
    document = document_of(recording, "--report")
    assert len(document["migration"]["capacity"]) == 11
    assert [step["action"] for step in document["migration"]["steps"]] == ["migrate", "measure", "fix_first"]
    low, high = document["migration"]["capacity"][-1]["mean_live_bytes_interval"]
    assert low < document["migration"]["capacity"][-1]["mean_live_bytes"] < high


def test_a_recording_of_one_version_says_so(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "one.db")
    made.add_worker()
    path = made.path
    made.add_request("GET", "/", peak_bytes=5)
    made.close()
    assert output_of(path) == "nothing recorded of more than one version\n"
    assert document_of(path)["pairs"] == []
    assert len(output_of(path, "--format", "csv").splitlines()) == 1
    assert versions(path, "--fail-on", "regression").returncode == 3
    empty = MadeRecording(tmp_path / "empty.db").close()
    assert output_of(empty) == "nothing recorded\n"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--limit", "-1"], "--limit"),
        (["--worker", "9"], "no worker 9 in this recording"),
        (["--fail-on", "same"], "same"),
        (["--since", "soon"], "--since"),
        (["--warmup", "-"], "--warmup"),
        (["--memory-limit", "much"], "--memory-limit: not a size: much"),
        (["--format", "xml"], "xml"),
    ],
)
def test_bad_usage_is_one_error_and_status_2(recording: Path, flags: list[str], said: str) -> None:
    done = versions(recording, *flags)
    first, *rest = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first.startswith("error: ") and said in first
    assert len(rest) == 1 and rest[0].startswith("hint: ")


def test_what_is_not_a_recording_is_one_error(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    path.write_text("not ours\n" * 1000)
    for arguments in ([path], [recording, path], [recording, tmp_path / "missing.db"]):
        done = versions(*arguments)
        assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)


@pytest.mark.parametrize("name", FORMATS)
def test_python_renders_what_the_command_prints(recording: Path, name: str) -> None:
    from heapledger import VersionComparator

    comparator = VersionComparator(recording)
    assert getattr(comparator.analyze(), f"to_{name}")() == output_of(recording, "--format", name)
    chosen = comparator.analyze(
        route="*orders*", method=["get"], worker=[1, 2], warmup="1s", until=-0.5, limit=1, report=True
    )
    flags = ["--route", "*orders*", "--method", "get", "--worker", "1", "--worker", "2", "--warmup", "1s",
             "--until", "-0.5s", "--limit", "1", "--report"]  # fmt: skip
    assert getattr(chosen, f"to_{name}")() == output_of(recording, *flags, "--format", name)
    both = VersionComparator(recording, recording).analyze()
    assert getattr(both, f"to_{name}")() == output_of(recording, recording, "--format", name)


def test_python_has_typed_attributes_that_equal_the_document(recording: Path) -> None:
    from heapledger import VersionComparator

    result = VersionComparator(recording).analyze()
    document = result.to_dict()
    assert result.has_regression is True
    assert result.versions == ["v1", "v2"]
    for pair, row in zip(result.pairs, document["pairs"], strict=True):
        for name in ("method", "route", "to", "from_route", "verdict", "reason", "requests_needed"):
            assert getattr(pair, name) == row[name], name
        assert list(pair.requests) == row["requests"]
        assert {metric.name: metric.verdict for metric in pair.metrics} == {
            name: metric["verdict"] for name, metric in row["metrics"].items()
        }
    with pytest.raises(ValueError, match="limit"):
        VersionComparator(recording).analyze(limit=-1)


def test_a_million_requests_take_seconds_and_little_memory(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "many.db")
    made.add_worker(1)
    made.add_worker(2)
    endpoints = [made.endpoint("POST", "/v1/orders"), made.endpoint("POST", "/v2/orders")]
    made.execute(
        "INSERT INTO request (worker, sequence, endpoint, started_us, duration_us, status, flags, received_bytes, "
        "sent_bytes, in_flight_at_start, in_flight_peak, allocated_bytes, allocations, peak_bytes, escaped_bytes, "
        "isolated_bytes, adopted_bytes, byte_seconds, running_us) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999), "
        "r AS (SELECT i, abs(random()) % 65536 AS x, abs(random()) % 4096 AS body FROM n) "
        f"SELECT 1 + i % 3 % 2, i, CASE i % 2 WHEN 0 THEN {endpoints[0]} ELSE {endpoints[1]} END, i * 1000, 5000, 200, "
        "0, 500 + body, 900, 1, 1, 100000 + x + 10 * body, 10, 50000 + x + 10 * body, x % 3000, 1000, 0, x / 7.0, 0 "
        "FROM r"
    )
    path = made.close()
    began = time.monotonic()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["/usr/bin/env", "bash", "-c", 'ulimit -v $1; shift; exec "$@"', "-", str(2 * MANY_BYTES // 1024), CLI,
         "versions", path, "--format", "json"],
        capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - children.ru_utime - children.ru_stime
    [pair] = json.loads(done.stdout)["pairs"]
    assert sum(pair["requests"]) == 1_000_000
    assert pair["verdict"] == "same"
    assert seconds <= MANY_SECONDS, (seconds, time.monotonic() - began)
    assert used.ru_maxrss * 1024 <= max(MANY_BYTES, children.ru_maxrss * 1024)
