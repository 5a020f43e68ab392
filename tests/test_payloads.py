"""`heapledger payloads` and `PayloadAnalyzer` on recordings whose bodies and peaks are known."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from made_recording import MadeRecording

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
FORMATS = ("text", "json", "csv")
PHASES = ("read", "deserialize", "handle", "serialize", "send")


def payloads(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CLI, "payloads", *arguments], capture_output=True, timeout=60, check=False)
    # Decoded by hand: reading it as text would change CSV's line ends.
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def output_of(*arguments: str | Path) -> str:
    done = payloads(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def phase_columns(allocated: int, peak: int) -> dict[str, int]:
    """Deserializing allocates all of it; the other phases nothing."""
    columns = {f"{phase}_{figure}": 0 for phase in PHASES for figure in ("allocated_bytes", "peak_bytes", "us")}
    return columns | {"deserialize_allocated_bytes": allocated, "deserialize_peak_bytes": peak, "deserialize_us": 2000}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Imports that hold eight bytes a byte, exports that stream, a health check."""
    made = MadeRecording(tmp_path / "shop.db")
    made.add_worker()
    made.insert("content_type", id=1, name="application/json")
    made.insert("content_encoding", id=1, name="gzip")
    made.insert("body_limit", worker=1, endpoint=None, setting="Flask MAX_CONTENT_LENGTH", limit_bytes=None)
    for n in range(200):
        size = n * 10_000
        made.add_request("POST", "/import", received_bytes=size, peak_bytes=50_000 + 8 * size, request_type=1,
                         request_encoding=n % 2 or None, started_us=n * 1000, sequence=n,
                         **phase_columns(4 * size, 50_000 + 8 * size))  # fmt: skip
        made.add_request("GET", "/export", sent_bytes=size, peak_bytes=80_000 + n % 5, flags=8, started_us=n * 1000)
    made.add_request("GET", "/health")
    return made.close()


def test_an_endpoint_has_its_model_its_verdict_and_its_requirement(recording: Path) -> None:
    document: dict[str, Any] = json.loads(output_of(recording, "--format", "json"))
    assert document["schema"] == "heapledger.payloads/1"
    assert list(document)[:2] == ["schema", "recording"]
    assert document["confidence_ratio"] == 0.95
    imported, exported, health = document["endpoints"]
    assert (imported["method"], imported["route"]) == ("POST", "/import")
    model = imported["request"]["model"]
    assert (model["base_bytes"], model["amplification_ratio"], model["linear"]) == (50_000, 8, True)
    assert model["amplification_ratio_interval"] == pytest.approx([8, 8], abs=1e-3)
    assert (imported["request"]["mode"], imported["response"]["mode"]) == ("buffered", "none")
    assert imported["request"]["size_bytes"]["p99"] == 1_970_000
    assert set(imported["phases"]) == set(PHASES)
    assert imported["phases"]["deserialize"]["allocated_bytes"]["max"] == 4 * 1_990_000
    assert imported["phases"]["deserialize"]["duration_seconds"]["p50"] == 0.002
    assert 0.45 < imported["deserialize_share_ratio"] < 0.5
    assert imported["serialize_share_ratio"] == 0
    assert {row["content_encoding"] for row in imported["content_types"]} == {None, "gzip"}
    assert all(row["amplification_ratio"] == pytest.approx(8, abs=1e-3) for row in imported["content_types"])
    need = imported["requirement"]
    assert (need["p99_bytes"], need["largest_bytes"]) == (50_000 + 8 * 1_970_000, 50_000 + 8 * 1_990_000)
    assert (need["body_limit_bytes"], need["body_limit_setting"]) == (None, "Flask MAX_CONTENT_LENGTH")
    assert need["large_body"]["peak_bytes"] == pytest.approx(800_050_000, rel=1e-4)
    streaming = imported["streaming"]
    assert (streaming["request"], streaming["response"]) == ("buffered", "none")
    assert streaming["saves_bytes"] == 8 * 1_970_000 - 65_536
    assert exported["response"]["mode"] == "streamed"
    assert exported["streaming"]["saves_bytes"] == pytest.approx(1_970_000, rel=0.01)
    assert health["phases"] == {}
    assert health["phases_reason"] == "the recording holds no phases of its requests"


def test_bodies_that_the_network_cut_are_held_where_the_application_asked_for_them_whole(tmp_path: Path) -> None:
    """Small, of one size: no model. Flags: 4 came in pieces, 64 asked for whole."""
    made = MadeRecording(tmp_path / "cut.db")
    made.add_worker()
    for n in range(40):
        for route, flags in (("/whole", 64 | 4 * (n % 2)), ("/taken", 4 * (n % 2)), ("/either", 64 if n % 4 else 4)):
            made.add_request("POST", route, received_bytes=1000, peak_bytes=50_000 + n, flags=flags)
    document = json.loads(output_of(made.close(), "--format", "json"))
    modes = {row["route"]: (row["request"]["mode"], row["request"]["in_pieces"]) for row in document["endpoints"]}
    assert modes == {"/whole": ("buffered", 20), "/taken": ("streamed", 20), "/either": ("mixed", 10)}


def test_text_is_for_reading(recording: Path) -> None:
    assert output_of(recording).splitlines() == [
        "POST /import: 200 requests",
        "  in     buffered, p50 967 KiB, p99 1.9 MiB, max 1.9 MiB; peak 48.8 KiB + 8.00 x size (8.00 to 8.00)",
        "  types  application/json gzip 8.00 a byte (request, 100), application/json 8.00 a byte (request, 99)",
        "  codecs deserializing makes at most 50 % of the peak",
        "  stream holds its request bodies (8.00 a byte); streaming would save up to 15.0 MiB of 15.1 MiB at p99, "
        "request bodies of 1.9 MiB",
        "  needs  p50 7.6 MiB, p95 14.5 MiB, p99 15.1 MiB, largest 15.2 MiB",
        "  limit  none (Flask MAX_CONTENT_LENGTH); one body of 100 MB would need 763 MiB (give or take 10 B) "
        "if the line goes on to 50.3 times the largest recorded",
        "GET /export: 200 requests",
        "  out    streamed, p50 967 KiB, p99 1.9 MiB, max 1.9 MiB; peak 78.1 KiB + 0.00 x size (0.00 to 0.00)",
        "  types  no type 0.00 a byte (response, 199)",
        "  stream streams its responses (0.00 a byte); saves 1.9 MiB of a request at p99, responses of 1.9 MiB",
        "  needs  p50 78.1 KiB, p95 78.1 KiB, p99 78.1 KiB, largest 78.1 KiB",
        "1 endpoint without bodies either way",
    ]


def test_csv_is_the_flat_list_of_endpoints(recording: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output_of(recording, "--format", "csv"), newline="")))
    assert [row["route"] for row in rows] == ["/import", "/export", "/health"]
    assert rows[0]["request_model_base_bytes"] == "50000"
    assert rows[0]["requirement_large_body_peak_bytes_interval_low"] != ""
    assert rows[2]["phases_read_allocated_bytes_p50"] == ""


def test_a_recording_of_nothing_says_so(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "empty.db")
    made.add_worker()
    path = made.close()
    assert output_of(path) == "nothing recorded\n"
    assert json.loads(output_of(path, "--format", "json"))["endpoints"] == []
    assert len(output_of(path, "--format", "csv").splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--limit", "-1"], "--limit"),
        (["--worker", "9"], "no worker 9 in this recording"),
        (["--since", "soon"], "--since"),
        (["--sort", "colour"], "--sort"),
        (["--format", "xml"], "xml"),
    ],
)
def test_bad_usage_is_one_error_and_status_2(recording: Path, flags: list[str], said: str) -> None:
    done = payloads(recording, *flags)
    first, *rest = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first.startswith("error: ") and said in first
    assert len(rest) == 1 and rest[0].startswith("hint: ")


def test_what_is_not_a_recording_is_one_error(tmp_path: Path, recording: Path) -> None:
    foreign = tmp_path / "foreign.db"
    foreign.write_text("not ours\n" * 1000)
    with sqlite3.connect(recording) as database:
        database.execute("UPDATE request SET response_encoding = 77 WHERE id = 5")
    for path in (foreign, recording):
        done = payloads(path)
        assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_python_renders_what_the_command_prints(recording: Path, name: str) -> None:
    from heapledger import PayloadAnalyzer

    analyzer = PayloadAnalyzer(recording)
    assert getattr(analyzer.analyze(), f"to_{name}")() == output_of(recording, "--format", name)
    chosen = analyzer.analyze(
        route="/i*", method=["post"], worker=1, since=0.05, until="-1s", warmup=0.06, sort="route", limit=1
    )
    flags = ["--route", "/i*", "--method", "post", "--worker", "1", "--since", "50ms", "--until", "-1s"]
    more = ["--warmup", "60ms", "--sort", "route", "--limit", "1", "--format", name]
    assert getattr(chosen, f"to_{name}")() == output_of(recording, *flags, *more)


def test_python_has_typed_attributes_that_equal_the_document(recording: Path) -> None:
    from heapledger import PayloadAnalyzer

    result = PayloadAnalyzer(recording).analyze()
    document = result.to_dict()
    assert result.requests == document["requests"] == 401
    for endpoint, row in zip(result.endpoints, document["endpoints"], strict=True):
        for name in ("method", "route", "version", "requests", "failed_requests"):
            assert getattr(endpoint, name) == row[name], name
        assert endpoint.verdict == row["streaming"]["verdict"]
        assert endpoint.saves_bytes == row["streaming"]["saves_bytes"]
        assert endpoint.request.mode == row["request"]["mode"]
        assert endpoint.request.model.amplification_ratio == row["request"]["model"]["amplification_ratio"]
        assert endpoint.requirement.p99_bytes == row["requirement"]["p99_bytes"]
        assert (endpoint.phases is None) == (row["phases"] == {})
    first = result.endpoints[0]
    assert first.phases is not None and first.phases.deserialize.peak_share_ratio > 0.4
    assert first.body_limit.known and first.body_limit.limit_bytes is None
    assert first.large_body is not None and first.large_body.peak_bytes > 8e8
    assert first.content_types[0].reason is None
    with pytest.raises(ValueError, match="limit"):
        PayloadAnalyzer(recording).analyze(limit=-1)
    with pytest.raises(ValueError, match="cannot sort"):
        PayloadAnalyzer(recording).analyze(sort="colour")
