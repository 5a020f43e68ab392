"""`heapledger leaks` and `RequestIsolator.leaks()` on recordings whose survivors are known."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from made_recording import MadeRecording

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
FORMATS = ("text", "json", "csv")
KIB = 1024


def leaks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CLI, "leaks", *arguments], capture_output=True, timeout=60, check=False)
    # Decoded by hand: reading it as text would change CSV's line ends.
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def output_of(*arguments: str | Path) -> str:
    done = leaks(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def add_survivors(made: MadeRecording, route: str, requests: int, block_bytes: int, born_after: int = 0,
                  step_us: int = 10_000, duration_us: int = 1000) -> int:  # fmt: skip
    """Of each request after `born_after` one block lives; one request every `step_us`."""
    endpoint = made.endpoint("GET", route)
    life = {"requests": requests, "freed_bytes": 0, "freed_by_age": json.dumps([0] * 12)}
    made.insert("endpoint_life", worker=1, endpoint=endpoint, oldest_free_requests=20, **life)
    run = 1
    while run * 16 < requests:
        run *= 2
    for first in range(1, requests + 1, run):
        last = min(first + run - 1, requests)
        blocks = max(0, last - max(first, born_after + 1) + 1)
        if blocks:
            made.insert("cohort", worker=1, endpoint=endpoint, first_request=first, last_request=last,
                        block_bytes=block_bytes, live_bytes=blocks * block_bytes, live_blocks=blocks)  # fmt: skip
    for number in range(requests):
        made.add_request("GET", route, sequence=number, started_us=number * step_us, duration_us=duration_us)
    return endpoint


def test_requests_that_all_ran_at_once_are_too_few(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "burst.db")
    made.add_worker()
    add_survivors(made, "/burst", 256, 4 * KIB, step_us=10, duration_us=1_000_000)
    add_survivors(made, "/after", 256, 4 * KIB, step_us=1000, duration_us=8_000)  # eight at once
    text = output_of(made.close())
    # The n-th to end saw n - 1 others end: 127.5 on average, eight times that.
    assert "UNKNOWN  GET /burst: 256 requests, needs about 1,000: so many run at once\n" in text
    assert "LEAK     GET /after: 4.0 KiB a request" in text


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    made = MadeRecording(tmp_path / "shop.db")
    made.add_worker(rss_bytes=100 << 20)
    report = add_survivors(made, "/report/{id}", 1000, 64 * KIB)
    add_survivors(made, "/health", 1000, 64, born_after=1000)
    add_survivors(made, "/admin", 31, 4 * KIB)
    for number, (function, file, line) in enumerate(
        [("render", "/srv/app/report.py", 41), ("view", "/srv/app/views.py", 88)], 1
    ):
        made.insert("place", id=number, function=function, file=file, line=line)
    made.insert("stack", id=1, places="1 2", truncated=0)
    made.insert("site", worker=1, endpoint=report, stack=1, samples=400, allocated_bytes=7e7, peak_bytes=6e7,
                retained_bytes=6.5e7, retained_blocks=990.0, retained_samples=250)  # fmt: skip
    return made.close()


def test_a_leak_has_its_bytes_its_line_and_its_limit(recording: Path) -> None:
    document: dict[str, Any] = json.loads(output_of(recording, "--format", "json", "--memory-limit", "164MiB"))
    assert document["schema"] == "heapledger.leaks/1"
    assert list(document)[:2] == ["schema", "recording"]
    leak, clean, unknown = document["findings"]
    assert (leak["route"], leak["verdict"], leak["bytes_per_request"]) == ("/report/{id}", "leak", 64 * KIB)
    assert leak["bytes_per_request_interval"] == [64 * KIB, 64 * KIB]
    assert leak["retained_bytes"] == 1000 * 64 * KIB
    assert leak["requests_to_limit"] == 1024
    assert leak["seconds_to_limit"] == pytest.approx(10.24)
    assert leak["holders"] == []
    (site,) = leak["sites"]
    assert site["stack"][0] == {"function": "render", "file": "/srv/app/report.py", "line": 41}
    low, high = site["retained_bytes_interval"]
    assert low < site["retained_bytes"] == 65_000_000 < high
    assert (clean["verdict"], clean["smallest_leak_bytes"], clean["sites"]) == ("none", 16, [])
    assert (unknown["verdict"], unknown["reason"]) == ("unknown", "31 requests, needs about 200")


def test_text_is_for_reading(recording: Path) -> None:
    assert output_of(recording, "--memory-limit", "164MiB").splitlines() == [
        "LEAK     GET /report/{id}: 64.0 KiB a request, 62.5 MiB retained after 1,000",
        "  limit  164 MiB in about 1,000 requests, 10 s",
        "  line   report.py:41 render < views.py:88 view   100 %",
        "  why    every cohort since request 1 keeps 64.0 KiB; nothing older than 20 requests was freed",
        "CLEAN    1 endpoint; smallest leak this recording would show: 16 B a request",
        "UNKNOWN  GET /admin: 31 requests, needs about 200",
    ]


def test_csv_is_the_flat_list_of_findings(recording: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output_of(recording, "--format", "csv"), newline="")))
    assert (rows[0]["route"], rows[0]["verdict"]) == ("/report/{id}", "leak")
    assert (rows[0]["bytes_per_request"], rows[0]["first_site_line"]) == ("65536", "41")
    assert rows[1]["bytes_per_request"] == ""


@pytest.mark.parametrize(
    ("route", "status"), [("/report/*", 1), ("/health", 0), ("/admin", 3), ("/nowhere", 3), ("*", 1)]
)
def test_the_gate_fails_on_a_leak_and_says_when_it_cannot_judge(recording: Path, route: str, status: int) -> None:
    assert leaks(recording, "--route", route, "--fail-on", "leak").returncode == status
    assert leaks(recording, "--route", route).returncode == 0


def test_a_recording_without_survivors_says_so(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "old.db")
    made.add_worker()
    made.add_request("GET", "/", allocated_bytes=5)
    path = made.close()
    assert output_of(path) == "nothing recorded\n"
    assert json.loads(output_of(path, "--format", "json"))["findings"] == []
    assert len(output_of(path, "--format", "csv").splitlines()) == 1
    assert leaks(path, "--fail-on", "leak").returncode == 3


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--memory-limit", "much"], "--memory-limit: not a size: much"),
        (["--limit", "-1"], "--limit"),
        (["--worker", "9"], "no worker 9 in this recording"),
        (["--fail-on", "growing"], "growing"),
        (["--since", "5m"], "--since"),
        (["--format", "xml"], "xml"),
    ],
)
def test_bad_usage_is_one_error_and_status_2(recording: Path, flags: list[str], said: str) -> None:
    done = leaks(recording, *flags)
    first, *rest = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first.startswith("error: ") and said in first
    assert len(rest) == 1 and rest[0].startswith("hint: ")


def test_what_is_not_a_recording_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    path.write_text("not ours\n" * 1000)
    done = leaks(path)
    assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)


@pytest.mark.parametrize("name", FORMATS)
def test_python_renders_what_the_command_prints(recording: Path, name: str) -> None:
    from heapledger import RequestIsolator

    isolator = RequestIsolator(recording)
    assert getattr(isolator.leaks(), f"to_{name}")() == output_of(recording, "--format", name)
    chosen = isolator.leaks(route="/report/*", method=["get"], worker=1, memory_limit=512 << 20, limit=1)
    flags = ["--route", "/report/*", "--method", "get", "--worker", "1", "--memory-limit", "512MiB", "--limit", "1"]
    assert getattr(chosen, f"to_{name}")() == output_of(recording, *flags, "--format", name)


def test_python_has_typed_attributes_that_equal_the_document(recording: Path) -> None:
    from heapledger import RequestIsolator

    result = RequestIsolator(recording).leaks(memory_limit=164 << 20)
    document = result.to_dict()
    assert result.has_leak is True
    assert result.rss_bytes == document["rss_bytes"] == 100 << 20
    for finding, row in zip(result.findings, document["findings"], strict=True):
        for name in ("method", "route", "version", "verdict", "retained_bytes", "requests", "requests_to_limit",
                     "smallest_leak_bytes", "reason"):  # fmt: skip
            assert getattr(finding, name) == row[name], name
    site = result.findings[0].sites[0]
    assert (site.stack[0].function, site.stack[0].line, site.samples) == ("render", 41, 250)
    assert list(site.retained_bytes_interval) == document["findings"][0]["sites"][0]["retained_bytes_interval"]
    with pytest.raises(ValueError, match="memory_limit"):
        RequestIsolator(recording).leaks(memory_limit=-1)
