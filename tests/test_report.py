"""`heapledger requests` and `RequestIsolator` on recordings whose figures are known: content, formats, bad input."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import shutil
import struct
import subprocess
import termios
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_recording import MadeRecording, orders

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
FORMATS = ("text", "json", "csv")
HOSTILE_ROUTES = [
    "/\x1b[31mred\x1b]0;title\x07",
    "/two\nlines",
    '/a,b"c',
    '=HYPERLINK("http://x")',
    "/\u202ednuor",
    "/\x9b31m",
]


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([CLI, *arguments], capture_output=True, timeout=60, check=False, **options)


def output_of(*arguments: str | Path) -> str:
    done = run("requests", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def document_of(*arguments: str | Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output_of(*arguments, "--format", "json"))
    return document


def on_a_terminal(columns: int, *arguments: str | Path, **environment: str) -> str:
    """What the command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | environment
    command = subprocess.Popen([CLI, "requests", *arguments], stdout=theirs, stderr=theirs, env=variables)
    os.close(theirs)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side closed
            break
        if not chunk:
            break
        written += chunk
    os.close(ours)
    assert command.wait(timeout=60) == 0
    return written.decode().replace("\r\n", "\n")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return orders(tmp_path / "orders.db")


def test_json_has_the_figures_of_the_rows(recording: Path) -> None:
    document = document_of(recording)
    assert document["schema"] == "heapledger.requests/1"
    assert document["recording"] == {
        "path": str(recording),
        "schema_version": 1,
        "heapledger_version": "0.1.0",
        "started_at": "2026-11-18T11:06:40.000000Z",
        "duration_seconds": 60.0,
        "python": "3.11.2",
        "mode": "exact",
        "native": False,
        "worker_count": 1,
        "complete": True,
        "dropped_requests": 0,
    }
    post, get = document["endpoints"]
    assert (post["method"], post["requests"], get["method"], get["requests"]) == ("POST", 1, "GET", 200)
    assert get["allocated_bytes"] == {
        "mean": 100_500,
        "p50": 100_000,
        "p90": 180_000,
        "p95": 190_000,
        "p99": 198_000,
        "max": 200_000,
    }
    assert post["allocated_bytes"]["p99"] is None
    assert get["native_allocated_bytes"] is None
    assert get["byte_seconds"]["mean"] == 1005.0
    assert get["duration_seconds"]["p50"] == 0.25
    assert post["cost_ratio"] == pytest.approx(1e6 / (1e6 + 201_000))
    assert document["accounting"]["balanced"] is True
    assert document["memory"]["other_bytes"] == 20_000 - 3_000 - 4_000 - 1_000
    assert document["peaks"] == [
        {
            "at": "2026-11-18T11:06:45.000000Z",
            "worker": 1,
            "live_bytes": 8_500_000,
            "in_flight": [{"method": "POST", "route": "/orders", "version": None, "live_bytes": 8_000_000}],
            "in_flight_requests": 1,
            "outside_bytes": 500_000,
        }
    ]


def test_csv_is_the_list_of_endpoints(recording: Path) -> None:
    text = output_of(recording, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["method"] for row in rows] == ["POST", "GET"]
    assert rows[1]["allocated_bytes_p99"] == "198000"
    assert rows[0]["allocated_bytes_p99"] == ""
    assert rows[1]["native_peak_bytes_mean"] == ""
    assert all(line.endswith("\r\n") for line in text.splitlines(keepends=True))


def test_text_says_what_matters(recording: Path) -> None:
    lines = output_of(recording).splitlines()
    assert lines[0] == "gunicorn: 1 worker, Python 3.11.2, exact (Python's memory only), 201 requests in 1 min 00 s"
    assert lines[1].split()[:2] == ["ENDPOINT", "REQS"]
    assert lines[2].startswith("POST /orders") and lines[2].endswith("83 %  !")
    assert "!        POST /orders: 83 % of all byte-seconds; held 7.6 MiB of the 8.1 MiB peak" in lines
    assert "books    balanced; 5.0 % outside requests; 0 dropped" in lines
    assert any(
        line.startswith("peak     11:06:45 UTC, 5.0 s in, worker 1: 8.1 MiB, 7.6 of it in 1 x POST /orders")
        for line in lines
    )


def test_the_flag_before_the_recording_takes_one_value(recording: Path) -> None:
    assert document_of("--route", "/orders", recording)["recording"]["path"] == str(recording)


def test_the_recording_defaults_to_the_current_folder(tmp_path: Path) -> None:
    orders(tmp_path / "heapledger.db")
    done = run("requests", cwd=tmp_path)
    assert done.returncode == 0
    assert b"201 requests" in done.stdout


def test_limit_cuts_every_format_only_when_it_is_given(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "many.db")
    made.add_worker()
    for i in range(30):
        made.add_request("GET", f"/e{i:02}", allocated_bytes=i)
    path = made.close()
    assert "(15 more: --limit 0; " in output_of(path)
    assert "more: --limit" not in output_of(path, "--limit", "0")
    assert len(document_of(path)["endpoints"]) == 30
    assert len(output_of(path, "--format", "csv").splitlines()) == 31
    limited = document_of(path, "--limit", "4", "--sort", "route")
    assert [endpoint["route"] for endpoint in limited["endpoints"]] == ["/e00", "/e01", "/e02", "/e03"]
    assert limited["endpoints_left_out"] == 26


def test_a_recording_without_requests_says_so(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "empty.db")
    path = made.close()
    assert output_of(path) == "nothing recorded\n"
    document = document_of(path)
    assert (document["endpoints"], document["peaks"], document["in_flight_at_end"]) == ([], [], 0)
    assert document["memory"]["rss_bytes"] is None
    assert len(output_of(path, "--format", "csv").splitlines()) == 1


@pytest.mark.parametrize("route", HOSTILE_ROUTES)
def test_a_route_drives_neither_terminal_nor_spreadsheet(tmp_path: Path, route: str) -> None:
    made = MadeRecording(tmp_path / "hostile.db")
    made.add_worker()
    made.add_request("GET", route, allocated_bytes=5)
    path = made.close()
    for name in FORMATS:
        output = output_of(path, "--format", name)
        assert not {"\x1b", "\x07", "\x9b"} & set(output)
    _headline, _titles, _row, _notes, *labelled = output_of(path).splitlines()
    assert [line.split()[0] for line in labelled] == ["books", "memory", "next"]
    assert document_of(path)["endpoints"][0]["route"] == route
    (row,) = csv.DictReader(io.StringIO(output_of(path, "--format", "csv"), newline=""))
    assert row["allocated_bytes_max"] == "5"
    assert row["route"][0] in "/'"


def test_a_terminal_gets_its_width_and_colour(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "wide.db")
    made.add_worker()
    made.add_request("GET", "/a/route/that/is/much/longer/than/any/terminal/of/eighty/columns/would/like/it/to/be")
    path = made.close()
    table = on_a_terminal(90, path).splitlines()[1:3]
    assert table[0].startswith("\x1b[1mENDPOINT")
    assert len(table[1]) <= 90
    assert "…" in table[1]
    assert "\x1b" not in on_a_terminal(90, path, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(90, path, TERM="dumb")


def test_a_reader_that_leaves_is_no_error(recording: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([CLI, "requests", recording], stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_an_error(recording: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [CLI, "requests", recording], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--format", "yaml"], "yaml"),
        (["--since", "yesterday"], '--since: "yesterday" is not a time'),
        (["--until", "2026-02-30"], "--until"),
        (["--warmup", "-1s"], "--warmup"),
        (["--sort", "costs"], "--sort"),
        (["--limit", "-1"], "--limit"),
        (["--limit", "many"], "--limit"),
        (["--worker", "x"], "--worker"),
        (["--worker", "9"], "no worker 9 in this recording; its workers: 1"),
        (["--nonsense"], "--nonsense"),
        (["second.db"], "second.db"),
    ],
)
def test_bad_usage_is_one_error_and_status_2(recording: Path, flags: list[str], said: str) -> None:
    done = run("requests", recording, *flags)
    first, *rest = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert first.startswith("error: ") and said in first
    assert len(rest) == 1 and rest[0].startswith("hint: ")


def unreadable(kind: str, good: Path, folder: Path) -> Path:
    path = folder / f"{kind}.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "foreign":
        path.write_text("not ours\n" * 1000)
    elif kind == "truncated":
        path.write_bytes(good.read_bytes()[:9000])
    elif kind == "newer":
        shutil.copy(good, path)
        subprocess.run(
            ["python3", "-c", f"import sqlite3; sqlite3.connect({str(path)!r}).execute('PRAGMA user_version=999')"],
            check=True,
        )
    return path


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "foreign", "truncated", "newer"])
def test_unreadable_input_is_one_error_in_both_languages(recording: Path, tmp_path: Path, kind: str) -> None:
    from heapledger import RequestIsolator
    from heapledger.errors import RecordingError

    path = unreadable(kind, recording, tmp_path)
    done = run("requests", path)
    assert (done.returncode, done.stdout) == (2, b"")
    error, *hint = done.stderr.decode().splitlines()
    with pytest.raises(RecordingError) as raised:
        RequestIsolator(path).analyze()
    assert error == f"error: {raised.value}"
    assert hint == ([f"hint: {raised.value.hint}"] if raised.value.hint else [])


@pytest.mark.parametrize("name", FORMATS)
def test_python_renders_what_the_command_prints(recording: Path, name: str) -> None:
    from heapledger import RequestIsolator

    chosen = RequestIsolator(recording).analyze(method="get", warmup="5s", sort="route", limit=1)
    flags = ["--method", "get", "--warmup", "5s", "--sort", "route", "--limit", "1"]
    assert getattr(chosen, f"to_{name}")() == output_of(recording, *flags, "--format", name)
    every = RequestIsolator(os.fspath(recording)).analyze()
    assert getattr(every, f"to_{name}")() == output_of(recording, "--format", name)


def test_python_has_typed_attributes_that_equal_the_document(recording: Path) -> None:
    from heapledger import RequestIsolator

    result = RequestIsolator(recording).analyze()
    document = document_of(recording)
    assert result.to_dict() == document
    for endpoint, row in zip(result.endpoints, document["endpoints"], strict=True):
        assert (endpoint.method, endpoint.route, endpoint.version) == (row["method"], row["route"], row["version"])
        assert endpoint.peak_bytes.p50 == row["peak_bytes"]["p50"]
        assert endpoint.peak_bytes.p99 == row["peak_bytes"]["p99"]
        assert endpoint.native_peak_bytes is None
        assert endpoint.concurrency.mean == row["concurrency"]["mean"]
        assert endpoint.duration_seconds.max == row["duration_seconds"]["max"]
    assert result.accounting.balanced is True
    assert result.memory.rss_bytes == document["memory"]["rss_bytes"]
    assert result.peaks[0].in_flight[0].route == "/orders"
    assert [finding.kind for finding in result.findings] == ["cost", "peak"]
    assert result.workers[0].ending == "frozen"
    assert result.folded is None
    (asked,) = RequestIsolator(recording).analyze(route="/ordres").unmatched
    assert (asked.option, asked.value, asked.nearest) == ("route", "/ordres", "/orders")


def test_python_takes_times_as_python_has_them(recording: Path) -> None:
    from heapledger import RequestIsolator

    isolator = RequestIsolator(recording)
    started = datetime(2026, 11, 18, 11, 6, 40, tzinfo=timezone.utc)
    naive = datetime(2026, 11, 18, 11, 6, 50)  # UTC too, as for the command
    for since in (10, "10s", timedelta(seconds=10), started + timedelta(seconds=10), -50, "-50s", naive):
        assert isolator.analyze(since=since).requests == 101, since
    assert isolator.analyze(warmup=timedelta(seconds=10)).requests == 101
    assert isolator.analyze(worker=[1], method=("GET", "POST")).requests == 201
    assert len(isolator.analyze(limit=1).endpoints) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"since": "yesterday"},
        {"sort": "costs"},
        {"limit": -1},
        {"limit": "2"},
        {"limit": True},
        {"limit": 2.0},
        {"worker": 9},
        {"worker": "1"},
        {"worker": [1.5]},
        {"warmup": -1},
        {"warmup": None},
        {"since": []},
    ],
)
def test_python_refuses_options_that_make_no_sense(recording: Path, options: dict[str, Any]) -> None:
    from heapledger import RequestIsolator

    with pytest.raises(ValueError):
        RequestIsolator(recording).analyze(**options)


def test_a_path_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    from heapledger import RequestIsolator

    path = orders(tmp_path / "plain.db").rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db")))
    assert RequestIsolator(path).analyze().recording.path == os.fspath(path)
    assert "\ufffd.db" in document_of(path)["recording"]["path"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    routes=st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
        min_size=1,
        max_size=5,
        unique=True,
    )
)
def test_any_route_comes_out_whole_in_json_and_harmless_elsewhere(tmp_path: Path, routes: list[str]) -> None:
    from heapledger import RequestIsolator

    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    made = MadeRecording(path)
    made.add_worker()
    for route in routes:
        made.add_request("GET", "/" + route, allocated_bytes=7)
        made.add_request(route or "-", "/", allocated_bytes=7)
    made.close()
    result = RequestIsolator(path).analyze()
    written = {(e["method"], e["route"]) for e in json.loads(result.to_json())["endpoints"]}
    assert written == {("GET", "/" + route) for route in routes} | {(route or "-", "/") for route in routes}
    text = result.to_text()
    assert text.count("\n") == len(text.splitlines())
    assert all(
        character == "\n" or character.isprintable() or category(character) in "Zs Cf Co Cn" for character in text
    )
    rows = list(csv.DictReader(io.StringIO(result.to_csv(), newline="")))
    assert [row["allocated_bytes_max"] for row in rows] == ["7"] * len(written)
    assert not any(row[name].startswith(tuple("=+-@\t\r\n")) for row in rows for name in ("method", "route"))
