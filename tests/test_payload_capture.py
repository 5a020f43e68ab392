"""Phases, encodings and body limits of real services: what is allocated where is known by construction."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from serving import MIB, Recording, Row, Service, fetch_all, gunicorn, uvicorn

KIB = 1024
# What a codec, and what a framework's own work on a request, allocates besides.
CODEC, FRAMEWORK = 24 * KIB, 256 * KIB
TOGETHER = 16
PHASES = ("read", "deserialize", "handle", "serialize", "send")
SERVICES = {
    "flask": gunicorn("applications.coded_flask:app", threads=TOGETHER + 4),
    "fastapi": uvicorn("applications.coded_fastapi:app"),
    "django": gunicorn("applications.coded_django:app", threads=TOGETHER + 4),
    "django under asgi": uvicorn("applications.coded_django:asgi_app"),
}
LIMITS = {
    "flask": {"Flask MAX_CONTENT_LENGTH": 64 * MIB},
    "fastapi": {"Starlette, FastAPI: no setting": None},
    "django": {"Django DATA_UPLOAD_MAX_MEMORY_SIZE": 32 * MIB},
    "django under asgi": {"Django DATA_UPLOAD_MAX_MEMORY_SIZE": 32 * MIB},
}
TEXT = 2 * MIB
FILE = 3 * MIB
WORK = (json.dumps({"parsed": 3 * MIB, "written": 2 * MIB}).encode(), {"Content-Type": "application/json"})
BOUNDARY = "a-boundary"
FORM = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\nname\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
).encode() + b"y" * FILE + f"\r\n--{BOUNDARY}--\r\n".encode()  # fmt: skip


def drive(service: Service, name: str) -> None:
    """Every request that the tests below look at."""

    def ok(url: str, *arguments: Any, status: int = 200) -> None:
        reply = service.get(url, *arguments)
        assert reply.status == status, (url, reply)

    as_json = {"Content-Type": "application/json"}
    for _ in range(2):  # the first one pays for what is made once
        ok(f"/explicit/{4 * MIB}/{6 * MIB}/{2 * MIB}")
        ok(f"/failing/{3 * MIB}")
        ok(f"/nested/{3 * MIB}")
        ok(f"/in-thread/{3 * MIB}")
        ok(f"/in-two-threads/{2 * MIB}")
        ok(f"/stream/{MIB}")
        ok("/body", "POST", b"x" * 5 * MIB, {"Content-Encoding": "gzip"})
        ok("/json", "POST", json.dumps({"text": "x" * TEXT}).encode(), as_json)
        ok("/form", "POST", FORM, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        ok("/gzip/100000")
        ok("/nothing", status=204)
        if name != "flask":
            ok("/work", "POST", *WORK)
        if name == "fastapi":
            ok("/plain-json", "POST", json.dumps({"text": "x" * TEXT}).encode(), as_json)
            ok(f"/stream-in-threads/{MIB}")
    ok(f"/gates/together/{TOGETHER}")
    urls = [f"/together/together/{(i + 1) * 64 * KIB}/{MIB}/{(i + 1) * 32 * KIB}" for i in range(TOGETHER)]
    replies = asyncio.run(fetch_all(service.port, [*urls, "/gates/together"], TOGETHER + 1))
    assert {reply.status for reply in replies} == {200}
    if name != "django":  # it takes a body without a length for none
        upload_in_chunks(service)
    leave_midway(service)


def upload_in_chunks(service: Service) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
        pieces = iter([b"z" * 64 * KIB] * 32)
        connection.request("POST", "/body", pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        assert connection.getresponse().status == 200


def leave_midway(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), 60) as client:
        client.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + b"w" * MIB)


@pytest.fixture(scope="module", params=SERVICES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Recording]]:
    folder = tmp_path_factory.mktemp("served")
    if request.param == "django under asgi":
        with Service(folder, SERVICES[request.param]) as service:
            drive_threads(service)
            yield request.param, service.stop()
    else:
        with Service(folder, SERVICES[request.param]) as service:
            drive(service, request.param)
            yield request.param, service.stop()


def drive_threads(service: Service) -> None:
    """Of Django under ASGI, whose views run in one thread: what does not need two at once."""
    others = (f"/in-thread/{3 * MIB}", f"/in-two-threads/{2 * MIB}", f"/stream/{MIB}")
    for url in (f"/explicit/{4 * MIB}/{6 * MIB}/{2 * MIB}", f"/failing/{3 * MIB}", f"/nested/{3 * MIB}", *others):
        assert service.get(url).status == 200
    for _ in range(2):
        assert service.get("/work", "POST", *WORK).status == 200
    assert service.get("/parsed", "POST", json.dumps({"text": "x" * TEXT}).encode()).status == 200
    assert service.get("/body", "POST", b"x" * 5 * MIB, {"Content-Encoding": "gzip"}).status == 200
    assert service.get("/json", "POST", json.dumps({"text": "x" * TEXT}).encode()).status == 200
    form_type = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    assert service.get("/form", "POST", FORM, form_type).status == 200


def last(served: tuple[str, Recording], prefix: str) -> Row:
    rows = [row for row in served[1].requests() if row["route"].startswith(prefix)]
    if not rows:
        pytest.skip(f"not driven under {served[0]}")
    return rows[-1]


def allocated(row: Row, phase: str) -> int:
    return int(row[f"{phase}_allocated_bytes"])


def assert_between(value: int, low: int, slack: int) -> None:
    assert low <= value <= low + slack, (value, low, slack)


def test_phases_add_up_to_the_request(served: tuple[str, Recording]) -> None:
    rows = served[1].requests()
    assert len(rows) > 5
    for row in rows:
        assert sum(allocated(row, phase) for phase in PHASES) == row["allocated_bytes"], row
        assert max(row[f"{phase}_peak_bytes"] for phase in PHASES) == row["peak_bytes"], row
        assert abs(sum(row[f"{phase}_us"] for phase in PHASES) - row["duration_us"]) <= len(PHASES), row
        assert row["flags"] & 32
    served[1].assert_balanced()


def test_blocks_of_known_sizes_are_in_the_phase_that_made_them(served: tuple[str, Recording]) -> None:
    row = last(served, "/explicit")
    assert_between(allocated(row, "deserialize"), 4 * MIB, CODEC)
    assert_between(allocated(row, "handle"), 6 * MIB, FRAMEWORK)
    assert_between(allocated(row, "serialize"), 2 * MIB, CODEC)
    assert allocated(row, "read") < FRAMEWORK
    assert allocated(row, "send") < FRAMEWORK
    assert_between(row["deserialize_peak_bytes"], 4 * MIB, FRAMEWORK)
    assert_between(row["handle_peak_bytes"], 10 * MIB, FRAMEWORK)
    assert_between(row["serialize_peak_bytes"], 12 * MIB, FRAMEWORK)
    assert row["send_peak_bytes"] < FRAMEWORK


def test_a_codec_that_raises_leaves_its_phase(served: tuple[str, Recording]) -> None:
    row = last(served, "/failing")
    assert_between(allocated(row, "handle"), 3 * MIB, FRAMEWORK)
    assert allocated(row, "deserialize") < CODEC
    assert allocated(row, "serialize") < CODEC


def test_a_codec_within_a_codec_belongs_to_the_outer_one(served: tuple[str, Recording]) -> None:
    row = last(served, "/nested")
    assert_between(allocated(row, "serialize"), 3 * MIB, CODEC)
    assert allocated(row, "deserialize") < CODEC


def test_codecs_in_threads_are_the_requests(served: tuple[str, Recording]) -> None:
    row = last(served, "/in-thread")
    assert_between(allocated(row, "deserialize"), 3 * MIB, CODEC)
    row = last(served, "/in-two-threads")
    first, second = sorted((allocated(row, "deserialize"), allocated(row, "serialize")))
    assert first < CODEC
    assert_between(second, 4 * MIB, 2 * CODEC)


def test_each_of_sixteen_at_once_has_its_own(served: tuple[str, Recording]) -> None:
    rows = [row for row in served[1].requests() if row["route"].startswith("/together")]
    if not rows:
        pytest.skip(f"not driven under {served[0]}")
    assert len(rows) == TOGETHER
    rows.sort(key=lambda row: allocated(row, "deserialize"))
    for i, row in enumerate(rows, 1):
        assert_between(allocated(row, "deserialize"), 2 * i * 64 * KIB, CODEC)
        assert_between(allocated(row, "handle"), MIB, FRAMEWORK)
        assert_between(allocated(row, "serialize"), i * 32 * KIB, CODEC)


def test_what_makes_a_streamed_body_is_sending(served: tuple[str, Recording]) -> None:
    for prefix in ("/stream/", "/stream-in-threads/"):
        row = last(served, prefix) if prefix == "/stream/" or served[0] == "fastapi" else None
        if row is None:
            continue
        assert row["flags"] & 8
        assert_between(allocated(row, "send"), 4 * MIB, FRAMEWORK)
        assert_between(allocated(row, "serialize"), 2 * MIB, 4 * CODEC)
        assert allocated(row, "handle") < FRAMEWORK
        assert row["send_peak_bytes"] >= MIB


def test_a_body_is_read(served: tuple[str, Recording]) -> None:
    rows = [row for row in served[1].requests() if row["route"].startswith("/body")]
    whole = [row for row in rows if row["received_bytes"] == 5 * MIB]
    assert whole
    for row in whole:
        assert allocated(row, "read") >= 5 * MIB  # a buffer that grows is counted at each size
        assert allocated(row, "handle") < FRAMEWORK
        assert_between(row["read_peak_bytes"], 5 * MIB, 16 * MIB)
        assert row["read_us"] > 0
    chunked = [row for row in rows if row["received_bytes"] == 2 * MIB]
    if "django" not in served[0]:
        assert len(chunked) == 1
        assert chunked[0]["read_allocated_bytes"] >= 2 * MIB
        assert chunked[0]["handle_allocated_bytes"] < FRAMEWORK
        assert chunked[0]["flags"] & 4  # it came in pieces
    assert all(row["flags"] & 64 for row in rows if row["status"] == 200)  # and was asked for whole


def test_json_of_the_frameworks_is_deserialized_and_serialized(served: tuple[str, Recording]) -> None:
    for prefix in ("/json", "/plain-json"):
        if prefix == "/plain-json" and served[0] != "fastapi":
            continue
        row = last(served, prefix)
        assert allocated(row, "read") >= TEXT
        assert allocated(row, "deserialize") >= TEXT
        assert allocated(row, "serialize") >= TEXT
        assert allocated(row, "handle") < FRAMEWORK
        assert row["deserialize_peak_bytes"] >= 2 * TEXT


def test_a_form_is_deserialized_while_it_is_read(served: tuple[str, Recording]) -> None:
    row = last(served, "/form")
    assert allocated(row, "read") >= FILE
    assert allocated(row, "deserialize") > 0
    assert_between(allocated(row, "handle"), FILE, FILE + FRAMEWORK)  # the view reads the file, growing a buffer


def test_models_and_serializers_are_codecs(served: tuple[str, Recording]) -> None:
    row = last(served, "/work")
    assert row["flags"] & 64  # its parser, or Starlette's body, reads the request whole
    assert_between(allocated(row, "deserialize"), 3 * MIB, 4 * CODEC)
    written = 2 * MIB if served[0] == "fastapi" else 3 * MIB // 2
    if served[0] == "fastapi":  # the response is validated before it is dumped
        assert allocated(row, "serialize") >= written
        assert allocated(row, "serialize") <= written + 3 * MIB + 4 * CODEC
    else:
        assert_between(allocated(row, "serialize"), written, 4 * CODEC)
    assert allocated(row, "handle") < FRAMEWORK


def test_a_parser_that_reads_the_request_reads_it_whole(served: tuple[str, Recording]) -> None:
    if served[0] == "django under asgi":
        row = last(served, "/parsed")
        assert row["flags"] & 4  # in pieces, by the network
        assert row["flags"] & 64
        assert allocated(row, "deserialize") >= TEXT


def test_encodings_are_those_of_the_headers(served: tuple[str, Recording]) -> None:
    rows = served[1].query(
        "SELECT e.route, r.received_bytes, i.name AS asked, o.name AS answered FROM request r "
        "JOIN endpoint e ON e.id = r.endpoint LEFT JOIN content_encoding i ON i.id = r.request_encoding "
        "LEFT JOIN content_encoding o ON o.id = r.response_encoding"
    )
    for row in rows:
        zipped = row["route"].startswith("/body") and row["received_bytes"] == 5 * MIB
        assert row["asked"] == ("gzip" if zipped else None), row
        assert row["answered"] == ("gzip" if row["route"].startswith("/gzip") else None), row
    assert "gzip" in {row["asked"] for row in rows}


def test_body_limits_are_those_of_the_settings(served: tuple[str, Recording]) -> None:
    rows = served[1].query("SELECT b.* FROM body_limit b JOIN worker w ON w.id = b.worker")
    assert {row["setting"]: row["limit_bytes"] for row in rows} == LIMITS[served[0]]
    assert {row["endpoint"] for row in rows} == {None}
