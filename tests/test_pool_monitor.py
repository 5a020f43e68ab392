"""Pools of real services on PostgreSQL and Redis: what was lost is found with its request and line, its twin silent."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serving
from database_servers import postgres, redis_port
from serving import Recording, Row, Service
from test_pool_capture import Pools, Record, installed, record

__all__ = ["postgres", "record", "redis_port"]

USES = 40
LOST = 2
LIBRARIES = {
    "flask": {"sqlalchemy": "SQLAlchemy", "psycopg": "psycopg_pool", "redis": "redis", "searches": None},
    "fastapi": {"sqlalchemy": "SQLAlchemy", "psycopg": "psycopg_pool", "redis": "redis", "httpx": "httpcore"},
}
SERVERS = {
    "flask": serving.gunicorn("applications.pooled_flask:app", threads=4),
    "fastapi": serving.uvicorn("applications.pooled_fastapi:app"),
}
BYTES = "x" * 200_000  # more than a socket takes while nobody reads


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BYTES)))
        self.end_headers()
        self.wfile.write(BYTES.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def pools(recording: Recording | Pools, *options: str) -> tuple[int, Row]:
    path = recording.path if isinstance(recording, Recording) else recording.rows("PRAGMA database_list")[0]["file"]
    printed = subprocess.run(
        [serving.heapledger(), "pools", str(path), "--format", "json", *options],
        capture_output=True, timeout=serving.DEADLINE_SECONDS,
    )  # fmt: skip
    assert printed.returncode in (0, 1), printed.stderr
    document: Row = json.loads(printed.stdout)
    return printed.returncode, document


@pytest.fixture(scope="module", params=SERVERS)
def services(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: str, redis_port: int,
    upstream: str,
) -> tuple[str, Recording, Recording]:  # fmt: skip
    """The same service twice: one loses connections, its twin does not."""
    server: str = request.param
    recordings = []
    for losses in (LOST, 0):
        folder = tmp_path_factory.mktemp(f"{server}{losses}")
        environment = {"TEST_POSTGRES": postgres, "TEST_REDIS": str(redis_port), "TEST_UPSTREAM": upstream}
        with Service(folder, SERVERS[server], environment=environment) as service:
            for name in LIBRARIES[server]:
                replies = service.get_all([f"/use/{name}"] * USES, at_once=2)
                replies += [service.get(f"/lose/{name}") for _ in range(losses)]
                replies += service.get_all([f"/use/{name}"] * 10, at_once=2)
                assert {reply.status for reply in replies} == {200}, service.stderr.read_text()[-3000:]
            recordings.append(service.stop())
    return server, recordings[0], recordings[1]


def test_what_was_never_returned_is_found_with_its_request_and_line(services: tuple[str, Recording, Recording]) -> None:
    server, losing, _ = services
    status, document = pools(losing, "--fail-on", "leak")
    assert status == 1
    for name, library in LIBRARIES[server].items():
        [pool] = [one for one in document["pools"] if one["library"] == library or one["name"] == name]
        leaks = [leak for leak in pool["leaks"] if leak["kind"] == "never_returned"]
        assert len(leaks) == LOST, (name, pool)
        for leak in leaks:
            assert (leak["method"], leak["route"]) == ("GET", f"/lose/{name}")
            places = [place for place in leak["stack"] if place["file"].endswith(f"pooled_{server}.py")]
            assert places[0]["function"] == f"lose_{name}", leak
            source = Path(places[0]["file"]).read_text().splitlines()
            assert "lost.append(" in source[places[0]["line"] - 1]
            assert leak["held_seconds"] > 0


def test_the_clean_twin_is_silent(services: tuple[str, Recording, Recording]) -> None:
    server, _, clean = services
    status, document = pools(clean, "--fail-on", "leak")
    assert [(pool["library"], pool["leaks"]) for pool in document["pools"] if pool["leaks"]] == []
    assert status == 0
    assert len(document["pools"]) == len(LIBRARIES[server])


def test_figures_are_those_of_the_service(services: tuple[str, Recording, Recording]) -> None:
    server, losing, clean = services
    for recording, lost in ((losing, LOST), (clean, 0)):
        _, document = pools(recording)
        assert document["dropped_pool_events"] == 0
        for name, library in LIBRARIES[server].items():
            [pool] = [one for one in document["pools"] if one["library"] == library or one["name"] == name]
            of_use = {(endpoint["method"], endpoint["route"]): endpoint for endpoint in pool["endpoints"]}
            used = of_use["GET", f"/use/{name}"]["checkouts"]
            assert used == USES + 10, name
            assert pool["checkouts"] == used + lost
            assert pool["most_in_use"] <= lost + 2
            assert pool["hold_seconds"] is not None
            assert pool["memory"]["per_connection_bytes"]["p50"] > (40_000 if name == "searches" else 1000), name
            assert pool["pattern"] != "unknown"
            assert pool["recommendations_need_checkouts"] == 100


def test_settings_are_those_of_the_application(services: tuple[str, Recording, Recording]) -> None:
    server, _, clean = services
    _, document = pools(clean)
    limits = {pool["library"]: (pool["min_size"], pool["max_size"]) for pool in document["pools"]}
    assert limits["SQLAlchemy"] == (3, 10)
    assert limits["psycopg_pool"] == (2, 8)
    assert limits["redis"] == (None, 9)
    if server == "fastapi":
        assert limits["httpcore"] == (4, 10)


def test_a_thread_of_django_that_keeps_its_connection_is_found(postgres: str, record: Record) -> None:
    status, document = pools(record("django_sync", postgres), "--fail-on", "leak")
    assert status == 1
    [leak] = [leak for pool in document["pools"] for leak in pool["leaks"]]
    assert (leak["kind"], leak["route"]) == ("never_returned", "keeps")
    assert any(place["function"].endswith("keep_one") for place in leak["stack"])
    assert pools(record("django_sync", postgres, "clean"), "--fail-on", "leak")[0] == 0


@pytest.mark.parametrize(("version", "orphans"), [("3.2.7", 3), ("3.2.8", 0)])
def test_the_leak_of_psycopg_pool_is_found_and_its_fix_is_silent(
    version: str, orphans: int, postgres: str, record: Record
) -> None:
    """Requests that are cancelled while their connection is checked lose it in 3.2.7."""
    recorded = record("psycopg_cancelled", postgres, PYTHONPATH=str(installed("psycopg-pool", version)))
    status, document = pools(recorded, "--fail-on", "leak")
    assert [leak["kind"] for pool in document["pools"] for leak in pool["leaks"]] == ["orphan"] * orphans
    assert status == (1 if orphans else 0)
