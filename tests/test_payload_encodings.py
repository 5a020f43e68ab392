"""Bodies that middleware or clients have zipped, and those that the network has cut: sizes are those on the wire."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from applications import zipped
from serving import MIB, Recording, Reply, Row, Service, gunicorn, heapledger, uvicorn

SERVICES = {
    "fastapi": uvicorn("applications.zipped_fastapi:app"),
    "django": gunicorn("applications.zipped_django:app", threads=2),
    "django under asgi": uvicorn("applications.zipped_django:asgi_app"),
}
LENGTH, UPLOADED, CUT = MIB, 3 * MIB, 200_000
ZIPPED = gzip.compress(zipped.text(UPLOADED))
CUTS = 5
WHOLE, IN_PIECES = 64, 4
ACCEPTS = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module", params=SERVICES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Recording, dict[str, Reply]]]:
    with Service(tmp_path_factory.mktemp("zipped"), SERVICES[request.param]) as service:
        replies = {
            "zipped": service.get(f"/text/{LENGTH}", "GET", b"", ACCEPTS),
            "plain": service.get(f"/text/{LENGTH}"),
            "short": service.get("/text/100", "GET", b"", ACCEPTS),
            "nothing": service.get("/nothing", "GET", b"", ACCEPTS),
            "unzipped": service.get("/unzip", "POST", ZIPPED, {"Content-Encoding": "gzip"}),
            "empty": service.get("/whole", "POST", b""),
        }
        for path in ("/whole", "/pieces"):
            for _ in range(CUTS):
                assert service.get(path, "POST", b"x" * CUT).body == str(CUT).encode()
        yield request.param, service.stop(), replies


def rows_of(recording: Recording) -> list[Row]:
    return recording.query(
        "SELECT e.route, i.name AS asked, o.name AS answered, r.* FROM request r JOIN endpoint e ON e.id = r.endpoint "
        "LEFT JOIN content_encoding i ON i.id = r.request_encoding "
        "LEFT JOIN content_encoding o ON o.id = r.response_encoding ORDER BY r.sequence"
    )


def test_a_zipped_response_has_the_size_that_the_client_got(served: tuple[str, Recording, dict[str, Reply]]) -> None:
    _, recording, replies = served
    sent, plain, short = (row for row in rows_of(recording) if row["route"].startswith("/text"))
    assert replies["zipped"].header("Content-Encoding") == "gzip"
    assert gzip.decompress(replies["zipped"].body) == replies["plain"].body == zipped.text(LENGTH)
    assert (sent["answered"], sent["sent_bytes"]) == ("gzip", len(replies["zipped"].body))
    assert sent["sent_bytes"] < LENGTH * 0.7
    assert (plain["answered"], plain["sent_bytes"]) == (None, LENGTH)
    assert (short["answered"], short["sent_bytes"]) == (None, 100)
    # The text and its zipped form are both there at one moment.
    assert sent["peak_bytes"] >= LENGTH + sent["sent_bytes"]
    assert sent["peak_bytes"] - plain["peak_bytes"] >= sent["sent_bytes"] // 2


def test_a_zipped_upload_has_the_size_that_came(served: tuple[str, Recording, dict[str, Reply]]) -> None:
    _, recording, replies = served
    assert replies["unzipped"].body == str(UPLOADED).encode()
    [row] = [row for row in rows_of(recording) if row["route"].startswith("/unzip")]
    assert (row["asked"], row["received_bytes"]) == ("gzip", len(ZIPPED))
    assert row["handle_allocated_bytes"] >= UPLOADED  # what it unzips to
    assert row["read_allocated_bytes"] >= len(ZIPPED)
    assert row["peak_bytes"] >= UPLOADED + len(ZIPPED)


def test_no_body_is_none_and_has_no_encoding(served: tuple[str, Recording, dict[str, Reply]]) -> None:
    _, recording, replies = served
    assert replies["nothing"].status == 204
    [nothing] = [row for row in rows_of(recording) if row["route"].startswith("/nothing")]
    assert (nothing["status"], nothing["sent_bytes"], nothing["answered"]) == (204, 0, None)
    empty = next(row for row in rows_of(recording) if row["route"].startswith("/whole"))
    assert (empty["received_bytes"], empty["flags"] & IN_PIECES) == (0, 0)


def test_how_a_body_is_read_is_what_the_application_asked_for(
    served: tuple[str, Recording, dict[str, Reply]],
) -> None:
    """All of one size: no model says what is held, and the network has cut them all, or none under WSGI."""
    name, recording, _ = served
    rows = [row for row in rows_of(recording) if row["received_bytes"] == CUT]
    whole = [row for row in rows if row["route"].startswith("/whole")]
    pieces = [row for row in rows if row["route"].startswith("/pieces")]
    assert (len(whole), len(pieces)) == (CUTS, CUTS)
    assert all(row["flags"] & WHOLE for row in whole)
    assert not any(row["flags"] & WHOLE for row in pieces)
    if name != "django":
        assert all(row["flags"] & IN_PIECES for row in rows)
    printed = subprocess.run(
        [heapledger(), "payloads", str(recording.path), "--format", "json"], capture_output=True, check=True, timeout=60
    ).stdout
    document: dict[str, Any] = json.loads(printed)
    modes = {endpoint["route"]: endpoint["request"]["mode"] for endpoint in document["endpoints"]}
    assert modes["/whole"] == "buffered"
    if name == "fastapi":
        assert modes["/pieces"] == "streamed"
    recording.assert_balanced()
