"""Leaks in real services: a global list, caches of every kind, warm-up and clean endpoints, sixteen clients at once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import serving
from applications import keepers
from serving import Recording, Row, Service

REQUESTS = 600  # of each endpoint
VERDICTS = {
    "leak": ("leak",), "fill": ("growing",), "fill-for-ever": ("leak",), "fill-bounded": ("cache",),
    "warm": ("warmup",), "clean": ("none",),
    # So few requests leave a doubt about so few bytes: what grows for sure may yet be a cache that fills, and what was
    # not told apart from one that evicts is no leak that the recording would have shown.
    "leak-small": ("leak", "growing", "none"),
}  # fmt: skip
SMALL_LEAK_BYTES = (64 + 80) / 2  # objects of two sizes in turn
BYTEARRAY_BYTES = 56 + 8  # the object beside its buffer
LEAKING_LINES = {"leak": "leak", "fill-for-ever": "fill_for_ever"}
SERVERS = {
    "flask": serving.gunicorn("applications.keeping_flask:app", threads=16),
    "fastapi": serving.uvicorn("applications.keeping_fastapi:app"),
    "django": serving.gunicorn("applications.keeping_django:app", threads=16),
}


def leaks(recording: Recording, *options: str) -> tuple[int, Row]:
    printed = subprocess.run(
        [serving.heapledger(), "leaks", str(recording.path), "--format", "json", *options],
        capture_output=True, timeout=serving.DEADLINE_SECONDS,
    )  # fmt: skip
    document: Row = json.loads(printed.stdout)
    return printed.returncode, document


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp(request.param)
    with Service(folder, SERVERS[request.param]) as service:
        urls = [f"/{kind}" for _ in range(REQUESTS) for kind in keepers.KINDS]
        assert {reply.status for reply in service.get_all(urls, at_once=16)} == {200}
        return service.stop()


def findings(recording: Recording) -> dict[str, Row]:
    return {row["route"].lstrip("/"): row for row in leaks(recording)[1]["findings"]}


def test_each_endpoint_gets_the_verdict_that_it_was_built_for(served: Recording) -> None:
    found = findings(served)
    assert set(found) == set(VERDICTS)
    assert {kind: row["verdict"] for kind, row in found.items() if row["verdict"] not in VERDICTS[kind]} == {}
    small = found["leak-small"]
    if small["verdict"] == "none":
        assert small["smallest_leak_bytes"] >= SMALL_LEAK_BYTES


def test_a_leak_is_known_to_a_twentieth(served: Recording) -> None:
    found = findings(served)
    for kind, bytes_a_request in (("leak", keepers.BUFFER_BYTES), ("fill-for-ever", keepers.ENTRY_BYTES)):
        row = found[kind]
        low, high = row["bytes_per_request_interval"]
        true = bytes_a_request + BYTEARRAY_BYTES
        assert row["bytes_per_request"] == pytest.approx(true, rel=0.05), kind
        assert low <= row["bytes_per_request"] <= high
        assert row["requests"] == REQUESTS


def test_the_leaking_line_comes_first(served: Recording) -> None:
    found = findings(served)
    for kind, function in LEAKING_LINES.items():
        innermost = found[kind]["sites"][0]["stack"][0]
        assert innermost["function"] == function
        assert Path(innermost["file"]).name == "keepers.py"
        source = Path(keepers.__file__).read_text().splitlines()
        made = source[innermost["line"] - 1]
        assert "bytearray(" in made or "bytes(" in made, made


def test_a_gate_fails_for_a_leak_only(served: Recording) -> None:
    assert leaks(served, "--fail-on", "leak")[0] == 1
    assert leaks(served, "--fail-on", "leak", "--route", "/clean")[0] == 0


def test_cohorts_hold_exactly_what_was_kept(served: Recording) -> None:
    """The store's own figures, before any statistics: sizes and numbers of survivors by when they were born."""
    [kept] = served.query(
        "SELECT sum(live_blocks) AS blocks, sum(live_bytes) AS bytes FROM cohort c "
        "JOIN endpoint e ON e.id = c.endpoint "
        "WHERE e.route LIKE '%leak' AND block_bytes > 65536"
    )
    assert kept["blocks"] == REQUESTS
    assert kept["bytes"] == pytest.approx(REQUESTS * keepers.BUFFER_BYTES, rel=0.01)
    [evicted] = served.query(
        "SELECT sum(live_blocks) AS blocks FROM cohort c JOIN endpoint e ON e.id = c.endpoint "
        "WHERE e.route LIKE '%fill-bounded' AND block_bytes BETWEEN 8192 AND 16384"
    )
    assert keepers.BOUNDED_ENTRIES <= evicted["blocks"] <= keepers.BOUNDED_ENTRIES + 16
