"""`heapledger requests --lifecycle` and `RequestIsolator.lifecycle()`: on real services whose requests hold memory in
known shapes, and on recordings made up row by row.
"""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
import serving
from applications import shapes
from made_recording import MadeRecording
from serving import MIB, Recording, Row, Service

REQUESTS = 40  # of each shape
PARTS = 16
FULL = (1 << 64) - 1
SERVERS = {
    "flask": serving.gunicorn("applications.shaped_flask:app", threads=8),
    "fastapi": serving.uvicorn("applications.shaped_fastapi:app"),
}


def requests(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([serving.heapledger(), "requests", *arguments], capture_output=True, timeout=60, check=False)
    # Decoded by hand: reading it as text would change CSV's line ends.
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def output_of(*arguments: str | Path) -> str:
    done = requests(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def lifecycle(path: Path, route: str, *flags: str) -> Row:
    """The one endpoint of a route."""
    document = json.loads(output_of(path, "--lifecycle", route, "--format", "json", *flags))
    [endpoint] = document["lifecycle"]["endpoints"]
    found: Row = endpoint
    return found


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp(request.param)
    with Service(folder, SERVERS[request.param]) as service:
        urls = [f"/{shape}" for _ in range(REQUESTS) for shape in shapes.SHAPES]
        assert {reply.status for reply in service.get_all(urls, at_once=6)} == {200}
        for _ in range(REQUESTS):
            assert service.get("/escape").status == 200
        if request.param == "fastapi":
            assert {reply.status for reply in service.get_all(["/afterwards"] * REQUESTS, at_once=1)} == {200}
        return service.stop()


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_the_curve_is_the_shape_that_was_held(served: Recording, shape: str) -> None:
    found = lifecycle(served.path, f"/{shape}")
    assert (found["requests"], found["requests_without_curve"]) == (REQUESTS, 0)
    assert found["peak_bytes"]["p50"] == pytest.approx(shapes.HELD_BYTES, rel=0.05)
    for quarter, held in enumerate(shapes.SHAPES[shape]):
        # Away from the quarter's edges, which move with the scheduler.
        for part in found["series"][4 * quarter + 1 : 4 * quarter + 3]:
            assert part["p50_bytes"] == pytest.approx(held, abs=shapes.HELD_BYTES / 20), (quarter, part)


def test_the_peak_falls_where_it_was_built(served: Recording) -> None:
    first = lifecycle(served.path, "/first-half")["peak_at_ratio"]["p50"]
    second = lifecycle(served.path, "/second-half")["peak_at_ratio"]["p50"]
    stairs = lifecycle(served.path, "/stairs")["peak_at_ratio"]["p50"]
    assert first < 0.2
    assert 0.4 < second < 0.6
    assert 0.65 < stairs < 0.85


def test_what_is_let_go_of_half_way_is_released_half_way(served: Recording) -> None:
    early = lifecycle(served.path, "/first-half")
    # Half way moves with the scheduler; well before it and after it do not.
    assert max(part["released_ratio"] for part in early["series"][:5]) < 0.2
    assert min(part["released_ratio"] for part in early["series"][12:]) > 0.8
    late = lifecycle(served.path, "/second-half")
    assert max(part["released_ratio"] for part in late["series"][:15]) < 0.2
    for found in (early, late):
        assert found["released_at_end_ratio"] > 0.95


def test_phases_share_what_was_allocated_among_them(served: Recording) -> None:
    found = lifecycle(served.path, "/second-half")
    phases = {row["phase"]: row for row in found["phases"]}
    assert list(phases) == ["read", "deserialize", "handle", "serialize", "send"]
    assert {row["requests"] for row in phases.values()} == {REQUESTS}
    rows = served.requests("/second-half")
    allocated = sum(row["allocated_bytes"] for row in rows) / len(rows)
    assert sum(row["allocated_bytes"]["mean"] for row in phases.values()) == pytest.approx(allocated, abs=len(phases))
    assert phases["handle"]["peak_bytes"]["p50"] == pytest.approx(shapes.HELD_BYTES, rel=0.05)
    assert phases["handle"]["duration_seconds"]["p50"] >= 3 * shapes.QUARTER_SECONDS


def test_what_escapes_is_followed_until_it_is_freed(served: Recording) -> None:
    found = lifecycle(served.path, "/escape")
    assert found["escaped_bytes"]["p50"] >= shapes.ESCAPING_BYTES
    survival = found["survival"]
    assert survival["escaped_bytes"] == survival["freed_bytes"] + survival["retained_bytes"]
    assert survival["freed_bytes"] == sum(age["freed_bytes"] for age in survival["ages"])
    assert survival["freed_bytes"] >= (REQUESTS - 1) * shapes.ESCAPING_BYTES
    assert shapes.ESCAPING_BYTES <= survival["retained_bytes"] < 4 * shapes.ESCAPING_BYTES
    assert [age["until_seconds"] for age in survival["ages"][:3]] == [0.01, 0.04, 0.16]
    assert survival["ages"][-1] | {"freed_bytes": 0} == {
        "until_seconds": None, "freed_bytes": 0, "left_bytes": survival["retained_bytes"],
        "left_ratio": pytest.approx(survival["retained_bytes"] / survival["escaped_bytes"]),
    }  # fmt: skip


def test_background_tasks_allocate_after_the_response(served: Recording) -> None:
    if not served.requests("/afterwards"):
        assert lifecycle(served.path, "/escape")["after_response_bytes"]["max"] < MIB
        return
    assert lifecycle(served.path, "/afterwards")["after_response_bytes"]["p50"] >= shapes.AFTERWARDS_BYTES


def test_the_slowest_are_named_with_their_own_curves(served: Recording) -> None:
    rows = served.requests("/stairs")
    slowest = sorted(rows, key=lambda row: -row["duration_us"])[:3]
    named = lifecycle(served.path, "/stairs", "--slowest", "3")["named"]
    assert [row["duration_seconds"] for row in named] == [row["duration_us"] / 1e6 for row in slowest]
    for row in named:
        assert len(row["live_bytes"]) == PARTS
        assert max(row["live_bytes"]) <= row["peak_bytes"]


def rank(values: list[float], percent: int) -> float:
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


def test_the_series_is_what_the_rows_say(served: Recording) -> None:
    """The same figures computed from the table, the plainest way."""
    for shape in shapes.SHAPES:
        rows = served.requests(f"/{shape}")
        for number, part in enumerate(lifecycle(served.path, f"/{shape}")["series"]):
            live = [row["peak_bytes"] * ((row["curve"] & FULL) >> (60 - 4 * number) & 15) / 15 for row in rows]
            assert part["mean_bytes"] == pytest.approx(sum(live) / len(live), abs=1)
            assert part["p50_bytes"] == pytest.approx(rank(live, 50), abs=1)
            assert part["p90_bytes"] == pytest.approx(rank(live, 90), abs=1)
            at = [min(PARTS - 1, row["peak_percent"] * PARTS // 100) for row in rows]
            assert part["peak_ratio"] == pytest.approx(at.count(number) / len(rows))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """100 GET /orders that hold 15,000 bytes for half of their time, the last the slowest and the largest; a POST."""
    recording = MadeRecording(tmp_path / "made.db")
    recording.add_worker()
    recording.add_worker(2)
    for number in range(1, 101):
        recording.add_request(
            "GET", "/orders", sequence=number, started_us=number * 100_000, duration_us=10_000 + number,
            peak_bytes=15_000 + number // 100, curve=-(1 << 32), peak_percent=0, escaped_bytes=150,
            worker=1 + number % 2, handle_us=9_000, handle_allocated_bytes=20_000, handle_peak_bytes=15_000,
            read_us=0, read_allocated_bytes=0, read_peak_bytes=0,
        )  # fmt: skip
    recording.add_request("POST", "/orders", sequence=101, peak_bytes=7)
    life = {
        "requests": 100,
        "freed_bytes": 900,
        "oldest_free_requests": 1,
        "freed_by_age": json.dumps([900] + [0] * 11),
    }
    recording.insert("endpoint_life", worker=1, endpoint=recording.endpoint("GET", "/orders"), **life)
    return recording.close()


def test_csv_is_the_series(made: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output_of(made, "--lifecycle", "/orders", "--format", "csv"), newline="")))
    assert len(rows) == PARTS  # the POST has no curve
    assert rows[0] == {
        "method": "GET", "route": "/orders", "version": "", "requests": "100", "from_ratio": "0.0",
        "until_ratio": "0.0625", "mean_bytes": "15000", "p50_bytes": "15000", "p90_bytes": "15000", "peak_ratio": "1.0",
        "released_ratio": "0.0",
    }  # fmt: skip
    assert {row["p90_bytes"] for row in rows[8:]} == {"0"}


def test_phases_are_those_that_were_seen(made: Path) -> None:
    document = json.loads(output_of(made, "--lifecycle", "/orders", "--format", "json"))
    get, post = document["lifecycle"]["endpoints"]
    assert [(row["phase"], row["requests"]) for row in get["phases"]] == [("read", 100), ("handle", 100)]
    assert get["phases"][1]["peak_bytes"]["p50"] == 15_000
    assert get["phases"][1]["allocated_bytes"]["max"] == 20_000
    assert get["phases"][1]["duration_seconds"]["mean"] == pytest.approx(0.009)
    assert (get["phases_reason"], post["phases"]) == (None, [])
    assert post["phases_reason"] == "phases of its requests were not seen"


def test_text_draws_the_curve(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    lines = output_of(made, "--lifecycle", "/orders", "--method", "get", "--largest", "1").splitlines()
    assert lines == [
        "GET /orders: 100 requests, 10.1 ms and a peak of 14.6 KiB in the median",
        "live     mean  ████████▁▁▁▁▁▁▁▁  14.6 KiB at its highest",
        "         p50   ████████▁▁▁▁▁▁▁▁  14.6 KiB at its highest",
        "         p90   ████████▁▁▁▁▁▁▁▁  14.6 KiB at its highest",
        "peak     at 0 % of the time in the median, at 0 % or before in 90 % of the requests",
        "released half of the peaks by 56 % of the time, 99 % at the end; 150 B escape from the median request",
        "survival of 900 B that escaped half were freed within 10.0 ms; 0 B still live",
        "phases   handle         9.0 ms   14.6 KiB at its highest,  19.5 KiB allocated",
        "LARGEST       WORKER  STATUS  DURATION      PEAK   AT  ESCAPED  ALONGSIDE  LIVE",
        "11:06:50 UTC       1     200   10.1 ms  14.6 KiB  0 %    150 B          0  ████████▁▁▁▁▁▁▁▁",
    ]
    monkeypatch.setenv("LC_ALL", "C")
    assert output_of(made, "--lifecycle", "/orders").isascii()


@pytest.mark.parametrize(
    ("flags", "requests_found"),
    [([], 100), (["--worker", "1"], 50), (["--since", "9.95s"], 1), (["--until", "1s"], 9), (["--warmup", "5s"], 51)],
)
def test_the_usual_flags_choose_requests(made: Path, flags: list[str], requests_found: int) -> None:
    assert lifecycle(made, "/orders", "--method", "get", *flags)["requests"] == requests_found


def test_a_recording_without_such_a_route_says_so(made: Path, tmp_path: Path) -> None:
    text = output_of(made, "--lifecycle", "/ordres")
    assert text.splitlines() == [
        "nothing recorded for these options (101 in all)",
        "note     no route /ordres in this recording; nearest: /orders",
    ]
    done = requests(made, "--lifecycle", "/ordres", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["lifecycle"]["endpoints"]) == (0, [])
    assert "nearest: /orders" in done.stderr
    empty = MadeRecording(tmp_path / "empty.db").close()
    assert output_of(empty, "--lifecycle", "/") == "nothing recorded\n"
    assert len(output_of(empty, "--lifecycle", "/", "--format", "csv").splitlines()) == 1


@pytest.mark.parametrize(
    "flags",
    [
        ["--lifecycle", "/orders", "--slowest", "some"],
        ["--lifecycle", "/orders", "--slowest", "1", "--largest", "1"],
        ["--slowest", "1"],
        ["--lifecycle", "/orders", "--route", "/orders"],
        ["--lifecycle", "/orders", "--sort", "peak"],
        ["--lifecycle", "/orders", "--worker", "9"],
        ["--lifecycle"],
    ],
)
def test_bad_usage_is_one_error_and_status_2(made: Path, flags: list[str]) -> None:
    done = requests(made, *flags)
    assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("name", ["text", "json", "csv"])
def test_python_renders_what_the_command_prints(made: Path, name: str) -> None:
    from heapledger import RequestIsolator

    isolator = RequestIsolator(made)
    assert getattr(isolator.lifecycle("/orders"), f"to_{name}")() == output_of(
        made, "--lifecycle", "/orders", "--format", name
    )
    chosen = isolator.lifecycle("/o*", method="get", worker=[1], since=1, until="9s", warmup=2.0, slowest=2)
    flags = ["--method", "get", "--worker", "1", "--since", "1", "--until", "9s", "--warmup", "2", "--slowest", "2"]
    assert getattr(chosen, f"to_{name}")() == output_of(made, "--lifecycle", "/o*", *flags, "--format", name)


def test_python_has_typed_attributes_that_equal_the_document(made: Path) -> None:
    from heapledger import RequestIsolator

    result = RequestIsolator(made).lifecycle("/orders", largest=2)
    document: dict[str, Any] = result.to_dict()["lifecycle"]
    assert (result.route, result.named_by) == (document["route"], document["named_by"]) == ("/orders", "largest")
    for endpoint, row in zip(result.endpoints, document["endpoints"], strict=True):
        assert endpoint.endpoint.method == row["method"]
        assert [part.p90_bytes for part in endpoint.series] == [part["p90_bytes"] for part in row["series"]]
        assert endpoint.series_reason == row["series_reason"]
        assert endpoint.released_at_end_ratio == row["released_at_end_ratio"]
        assert [r.sequence for r in endpoint.named] == [r["sequence"] for r in row["named"]]
    assert result.endpoints[0].survival is not None
    assert result.endpoints[0].survival.ages[0].left_ratio == 0
    assert result.endpoints[1].survival is None
    with pytest.raises(ValueError, match="slowest"):
        RequestIsolator(made).lifecycle("/orders", slowest=-1)
    with pytest.raises(ValueError, match="not both"):
        RequestIsolator(made).lifecycle("/orders", slowest=1, largest=1)
