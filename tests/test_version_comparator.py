"""Versions of real services: verdicts, where versions come from, what is at its end, what compatibility costs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import serving
from applications import versioned
from serving import Recording, Row, Service

REQUESTS = 270  # of each endpoint in each version: enough for eleven blocks
FEW = 30
VERDICTS = {
    "half": "improvement", "equal": "same", "nearly": "same", "more": "regression", "triple": "regression",
}  # fmt: skip


def versions(recording: Recording, *options: str | Path) -> tuple[int, Row]:
    printed = subprocess.run(
        [serving.heapledger(), "versions", str(recording.path), "--format", "json", *options],
        capture_output=True, timeout=serving.DEADLINE_SECONDS,
    )  # fmt: skip
    document: Row = json.loads(printed.stdout)
    return printed.returncode, document


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    with Service(tmp_path_factory.mktemp("fastapi"), serving.uvicorn("applications.versioned_fastapi:app")) as service:
        urls = [f"/v{version}/{kind}" for _ in range(REQUESTS) for kind in VERDICTS for version in (1, 2)]
        urls += ["/renamed?first=v5&last=v8", "/renamed?first=v5&last=a%20b/%E2%98%83", "/work?version=2"] * FEW
        urls += ["/renamed?first=v5&last=" + "0" * 400, "/renamed?first=v5&last="] * FEW
        urls += ["/old", "/api/v3/things/1", "/named/7", "/named/v8"] * FEW
        assert {reply.status for reply in service.get_all(urls, at_once=16)} == {200}
        for number in range(2 * REQUESTS):  # the second version gets the large bodies, mostly
            version = 1 + number % 2
            large = number % 20 < 2 if version == 1 else number % 20 >= 2
            assert service.get(f"/v{version}/bodies", "POST", b"x" * (400_000 if large else 20_000)).status == 200
        return service.stop()


def pairs(recording: Recording) -> dict[str, Row]:
    return {row["route"].strip("/"): row for row in versions(recording)[1]["pairs"]}


def test_each_factor_gets_its_verdict(served: Recording) -> None:
    found = pairs(served)
    assert {kind: found[kind]["verdict"] for kind in VERDICTS} == VERDICTS
    for kind, factor in versioned.FACTORS.items():
        peak = found[kind]["metrics"]["peak_bytes"]
        assert found[kind]["requests"] == [REQUESTS, REQUESTS]
        assert peak["ratio"] == pytest.approx(factor, rel=0.15), kind  # a request holds more than the block
        assert peak["interval"][0] <= peak["ratio"] <= peak["interval"][1]


def test_larger_bodies_are_not_taken_for_a_larger_version(served: Recording) -> None:
    pair = pairs(served)["bodies"]
    assert pair["payload_matched"]["by"] == "received_bytes"
    peak = pair["metrics"]["peak_bytes"]
    assert peak["to"] > 10 * peak["from"]
    assert 1.2 < peak["ratio"] < 2
    assert pair["verdict"] == "regression"


def test_the_gate_fails_on_a_regression_only(served: Recording) -> None:
    assert versions(served, "--fail-on", "regression")[0] == 1
    assert versions(served, "--fail-on", "regression", "--route", "/v*/half", "--route", "/v*/equal")[0] == 0
    assert versions(served, "--fail-on", "regression", "--route", "/old")[0] == 3


def test_a_recording_against_itself_has_no_regression(served: Recording) -> None:
    status, document = versions(served, str(served.path), "--fail-on", "regression")
    assert status == 0
    assert "regression" not in {pair["verdict"] for pair in document["pairs"]}


def test_versions_come_from_mounts_and_from_the_service_itself(served: Recording) -> None:
    filed = {(row["route"], row["version"]) for row in served.query("SELECT route, version FROM endpoint")}
    assert {("/api/v3/things/{thing_id}", "v3"), ("/named/{version}", "v7"), ("/named/{version}", "v8")} <= filed
    assert not served.requests("/named/{version}", version="")
    served.assert_balanced()


def test_the_last_version_named_counts_and_what_is_altered_for_it_is_counted(served: Recording) -> None:
    rows = served.query(
        "SELECT version, count(*) AS requests FROM request JOIN endpoint ON endpoint.id = endpoint "
        "WHERE route = '/renamed' GROUP BY version"
    )
    assert {row["version"]: row["requests"] for row in rows} == {
        "v8": FEW, "a_b__": FEW, "v" + "0" * 32: FEW, "": FEW,
    }  # fmt: skip
    document = versions(served)[1]
    assert document["versions_altered"] == 2 * FEW
    assert [cost["name"] for cost in document["compatibility"]] == ["old fields"]
    text = subprocess.run([serving.heapledger(), "versions", served.path], capture_output=True, text=True, check=True)
    assert f"note     {2 * FEW} times the service named a version that is too long" in text.stdout


def test_a_piece_of_work_is_filed_under_the_version_that_is_named_in_it(served: Recording) -> None:
    [row] = served.query(
        "SELECT method, version, count(*) AS requests FROM request JOIN endpoint ON endpoint.id = endpoint "
        "WHERE route = 'recount' GROUP BY method, version"
    )
    assert (row["method"], row["version"], row["requests"]) == ("CALL", "v2", FEW)
    assert {row["version"] for row in served.query("SELECT version FROM endpoint WHERE route = '/work'")} == {""}


def test_what_is_at_its_end_has_its_dates(served: Recording) -> None:
    document = versions(served)[1]
    assert document["removed"] == []  # /api/v3 is not newer than /v2: they are of different things
    [endpoint] = document["deprecated"]
    assert (endpoint["route"], endpoint["requests"]) == ("/old", FEW)
    assert endpoint["deprecation"] == "@1688169599"
    assert endpoint["sunset"] == "Sun, 30 Jun 2030 23:59:59 GMT"
    assert endpoint["mean_live_bytes"] > 0


def test_compatibility_code_is_counted_to_the_byte(served: Recording) -> None:
    document = versions(served)[1]
    [cost] = document["compatibility"]
    assert (cost["name"], cost["route"], cost["calls"]) == ("old fields", "/old", FEW)
    assert cost["allocated_bytes"] / FEW == pytest.approx(versioned.SHIM_BYTES, rel=0.01)
    assert cost["peak_bytes"] == pytest.approx(versioned.SHIM_BYTES, rel=0.01)
    assert 0 < cost["allocated_ratio"] < 1
    assert document["compatibility_calls_dropped"] == 0


def test_rest_frameworks_version_is_the_requests(tmp_path: Path) -> None:
    with Service(tmp_path, serving.gunicorn("applications.versioned_django:app", threads=4)) as service:
        urls = [f"/hold/triple?version={version}" for _ in range(REQUESTS) for version in (1, 2)]
        assert {reply.status for reply in service.get_all(urls, at_once=8)} == {200}
        recording = service.stop()
    document = versions(recording)[1]
    [pair] = document["pairs"]
    assert (pair["from"], pair["to"], pair["route"]) == ("v1", "v2", "/hold/{}")
    assert pair["verdict"] == "regression"
    assert pair["metrics"]["peak_bytes"]["ratio"] == pytest.approx(3, rel=0.15)
    assert {row["sunset"] for row in document["deprecated"]} == {"Sun, 30 Jun 2030 23:59:59 GMT"}
    recording.assert_balanced()
