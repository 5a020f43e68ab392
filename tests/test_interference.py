"""`heapledger requests --interference` and `RequestIsolator.interference()`: on real services whose requests hold one
another up, and on recordings made up row by row.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import serving
from applications import neighbours
from made_recording import SECOND_US, MadeRecording
from serving import MIB, Recording, Row, Service
from test_lifecycle import output_of, requests

HELD = 90  # requests that hold the lock
SERVERS = {
    "flask": serving.gunicorn("applications.neighbours_flask:app", threads=8),
    "fastapi": serving.uvicorn("applications.neighbours_fastapi:app"),
}


async def meet(port: int) -> None:
    """One client that holds the lock half of the time; others that want it, or nothing, all of the time."""
    over = asyncio.Event()

    async def hold() -> None:
        for _ in range(HELD):
            assert (await serving.fetch(port, "/hold")).status == 200
            await asyncio.sleep(neighbours.HOLDING_SECONDS)  # this client's own pace, nobody waits for it
        over.set()

    async def ask(url: str) -> None:
        while not over.is_set():
            assert (await serving.fetch(port, url)).status == 200

    await asyncio.gather(hold(), ask("/wait"), ask("/pass-by"))


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    with Service(tmp_path_factory.mktemp(request.param), SERVERS[request.param]) as service:
        asyncio.run(meet(service.port))
        return service.stop()


def interference(path: Path, *flags: str) -> Row:
    document: Row = json.loads(output_of(path, "--interference", "--format", "json", *flags))
    return document


def pair(document: Row, route: str, beside: str) -> Row:
    [found] = [
        row for row in document["interference"]["pairs"] if (row["route"], row["beside"]["route"]) == (route, beside)
    ]
    row: Row = found
    return row


def test_who_waits_for_a_lock_takes_longer_beside_its_holder(served: Recording) -> None:
    found = pair(interference(served.path), "/wait", "/hold")
    low, high = found["duration_ratio_interval"]
    assert 1.5 < low <= found["duration_ratio"] <= high
    assert found["duration_differs"] is True
    assert found["beside_duration_seconds"] > 2 * neighbours.QUICK_SECONDS


def test_who_wants_nothing_does_not(served: Recording) -> None:
    """But for the processor, of which the holder takes some."""
    document = interference(served.path)
    ratio = pair(document, "/pass-by", "/hold")["duration_ratio"]
    assert 0.7 < ratio < 1.6
    assert ratio < pair(document, "/wait", "/hold")["duration_ratio"] / 2


def test_all_requests_together_hold_more_beside_who_holds_much(served: Recording) -> None:
    found = pair(interference(served.path), "/pass-by", "/hold")
    low, high = found["peak_difference_bytes_interval"]
    assert MIB < low <= found["peak_difference_bytes"] <= high <= 1.1 * neighbours.HELD_BYTES
    assert found["peak_differs"] is True


def test_requests_beside_are_those_that_the_rows_say(served: Recording) -> None:
    """Every pair of rows looked at."""
    held = served.requests("/hold")
    document = interference(served.path)
    for route in ("/wait", "/pass-by"):
        beside = 0
        for row in served.requests(route):
            start = row["started_us"]
            beside += any(h["started_us"] < start < h["started_us"] + h["duration_us"] for h in held)
        assert abs(pair(document, route, "/hold")["requests_beside"] - beside) <= 2  # of the same microsecond


def test_the_highest_moments_of_all_requests_had_the_holder(served: Recording) -> None:
    for moment in interference(served.path)["interference"]["highest"]:
        holder = moment["endpoints"][0]
        assert (holder["route"], holder["requests"]) == ("/hold", 1)
        assert holder["live_bytes"] == pytest.approx(neighbours.HELD_BYTES, rel=0.1)


def test_the_highest_moment_was_the_holders(served: Recording) -> None:
    moment = interference(served.path)["interference"]["moments"][0]  # of the worker; gunicorn's master has one too
    holder = next(row for row in moment["endpoints"] if row["route"] == "/hold")
    assert (holder["requests"], moment["endpoints"][0]) == (1, holder)
    assert holder["live_bytes"] >= neighbours.HELD_BYTES


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """400 GET /a one a second; every second one has a GET /b of 8,000 bytes beside it, and takes twice as long."""
    recording = MadeRecording(tmp_path / "made.db")
    recording.add_worker()
    recording.add_worker(2)
    held, other = recording.endpoint("GET", "/b"), recording.endpoint("GET", "/a")
    for number in range(400):
        beside = number % 2
        start = number * SECOND_US
        if beside:
            recording.add_request(
                "GET", "/b", started_us=start, duration_us=500_000, peak_bytes=8000, curve=-1, peak_percent=0
            )
        recording.add_request(
            "GET", "/a", started_us=start + 1000, duration_us=100_000 * (1 + beside), peak_bytes=1000, curve=-1,
            peak_percent=0, in_flight_at_start=1 + beside,
        )  # fmt: skip
    recording.insert("peak", worker=1, at_us=5 * SECOND_US, live_bytes=9_500, in_flight=2)
    recording.insert("peak_member", worker=1, endpoint=held, sequence=1, live_bytes=8_000)
    recording.insert("peak_member", worker=1, endpoint=other, sequence=2, live_bytes=1_000)
    return recording.close()


def test_json_has_the_figures_of_the_rows(made: Path) -> None:
    document = interference(made)
    assert list(document) == [
        "schema", "recording", "recording_state", "confidence_ratio", "interference", "unmatched",
    ]  # fmt: skip
    assert (document["schema"], document["confidence_ratio"]) == ("heapledger.requests/1", 0.95)
    found = document["interference"]
    assert (found["requests"], found["pairs_never_beside"], found["pairs_left_out"]) == (600, 3, 0)
    [row] = found["pairs"]
    assert row == {
        "method": "GET", "route": "/a", "version": None,
        "beside": {"method": "GET", "route": "/b", "version": None},
        "requests": 400, "requests_beside": 200, "highest_together": 20, "level_matched": False,
        "duration_ratio": pytest.approx(2), "duration_ratio_interval": [pytest.approx(2), pytest.approx(2)],
        "beside_duration_seconds": pytest.approx(0.2), "apart_duration_seconds": pytest.approx(0.1),
        "duration_differs": True,
        "peak_difference_bytes": 8000, "peak_difference_bytes_interval": [8000, 8000],
        "beside_peak_bytes": 9000, "apart_peak_bytes": 1000, "peak_differs": True,
        "reason": None, "requests_needed": None,
    }  # fmt: skip
    [moment] = found["moments"]
    assert (moment["worker"], moment["live_bytes"], moment["outside_bytes"]) == (1, 9_500, 500)
    for shared in (moment, *found["highest"]):
        assert [(row["route"], row["requests"], row["live_bytes"]) for row in shared["endpoints"]] == [
            ("/b", 1, 8_000), ("/a", 1, 1_000),
        ]  # fmt: skip
    assert [shared["live_bytes"] for shared in found["highest"]] == [9_000] * 20


def test_text_is_for_reading(made: Path) -> None:
    assert output_of(made, "--interference").splitlines() == [
        "peak     11:06:45 UTC, worker 1: 9.3 KiB, 7.8 KiB in 1 x GET /b, 1000 B in 1 x GET /a, 500 B outside requests",
        "together of the 20 highest moments of all requests: 20 GET /a with GET /b",
        "ENDPOINT  BESIDE    REQS              DURATION    TIME   APART               ALL REQUESTS' PEAK",
        "GET /a    GET /b *   200  2.00x (2.00 to 2.00)  200 ms  100 ms  +7.8 KiB (+7.8 KiB to +7.8 KiB)",
        "(REQS = with such a request in flight at their start, against others with as many in flight; 95 % intervals)",
        "(* = against others with any number in flight)",
        "never    3 pairs of endpoints did not meet",
    ]


def test_csv_is_the_flat_list_of_pairs(made: Path) -> None:
    [row] = csv.DictReader(io.StringIO(output_of(made, "--interference", "--format", "csv"), newline=""))
    assert (row["route"], row["beside_route"], row["requests_beside"]) == ("/a", "/b", "200")
    assert float(row["duration_ratio_low"]) == pytest.approx(2)
    assert row["peak_difference_bytes_high"] == "8000"


def test_too_few_requests_are_told_with_how_many_are_missing(made: Path) -> None:
    [row] = interference(made, "--until", "100s")["interference"]["pairs"]
    assert (row["duration_ratio"], row["peak_differs"], row["requests_needed"]) == (None, None, 150)
    assert row["reason"] == "50 of 100 requests beside it, needs about 150 requests"
    assert "unknown  GET /a beside GET /b: 50 of 100" in output_of(made, "--interference", "--until", "100s")


@pytest.mark.parametrize(
    ("flags", "pairs"),
    [("--route /a", 1), ("--route /b", 0), ("--method put", 0), ("--worker 2", 0), ("--limit 0", 1)],
)
def test_the_usual_flags_choose_what_is_looked_at(made: Path, flags: str, pairs: int) -> None:
    done = requests(made, "--interference", "--format", "json", *flags.split())
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["interference"]["pairs"]) == pairs


def test_a_recording_without_requests_says_so(tmp_path: Path) -> None:
    empty = MadeRecording(tmp_path / "empty.db").close()
    assert output_of(empty, "--interference") == "nothing recorded\n"
    assert interference(empty)["interference"]["pairs"] == []
    assert len(output_of(empty, "--interference", "--format", "csv").splitlines()) == 1


@pytest.mark.parametrize("flags", [["--lifecycle", "/a"], ["--sort", "peak"], ["--slowest", "1"], ["--worker", "9"]])
def test_bad_usage_is_one_error_and_status_2(made: Path, flags: list[str]) -> None:
    done = requests(made, "--interference", *flags)
    assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("name", ["text", "json", "csv"])
def test_python_renders_what_the_command_prints(made: Path, name: str) -> None:
    from heapledger import RequestIsolator

    isolator = RequestIsolator(made)
    assert getattr(isolator.interference(), f"to_{name}")() == output_of(made, "--interference", "--format", name)
    chosen = isolator.interference(route="/*", method=["get"], worker=1, since=5, until="-1s", warmup="2s", limit=1)
    flags = ["--route", "/*", "--method", "get", "--worker", "1", "--since", "5", "--until=-1s", "--warmup", "2s"]
    assert getattr(chosen, f"to_{name}")() == output_of(
        made, "--interference", *flags, "--limit", "1", "--format", name
    )


def test_python_has_typed_attributes_that_equal_the_document(made: Path) -> None:
    from heapledger import RequestIsolator

    result = RequestIsolator(made).interference()
    document: dict[str, Any] = result.to_dict()["interference"]
    assert (result.requests, result.pairs_never_beside) == (document["requests"], document["pairs_never_beside"])
    [pair], [row] = result.pairs, document["pairs"]
    assert (pair.endpoint.route, pair.beside.route, pair.reason) == ("/a", "/b", None)
    assert pair.duration is not None and pair.peak is not None
    assert [pair.duration.ratio, list(pair.duration.interval)] == [
        row["duration_ratio"], row["duration_ratio_interval"],
    ]  # fmt: skip
    assert [moment.live_bytes for moment in result.highest] == [moment["live_bytes"] for moment in document["highest"]]
    assert result.highest[0].endpoints[0].route == "/b"
    assert (pair.peak.beside_bytes, pair.peak.shown) == (row["beside_peak_bytes"], row["peak_differs"])
    with pytest.raises(ValueError, match="limit"):
        RequestIsolator(made).interference(limit=-1)
