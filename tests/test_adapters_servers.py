"""Real servers under `heapledger run`: every request one row under its template, and the same bytes as without us."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import serving
from server_programs import server_program

FLASK = [
    ("GET", "/items/7", ("GET", "/items/<int:item_id>", 200)),
    ("GET", "/items/none", ("GET", "<unmatched>", 404)),
    ("HEAD", "/items/7", ("HEAD", "/items/<int:item_id>", 200)),
    ("DELETE", "/items/7", ("DELETE", "/items/<int:item_id>", 405)),
    ("GET", "/api/v3/deep/x", ("GET", "/api/v3/deep/<name>", 200)),
    ("GET", "/mounted/inner/1", ("GET", "/mounted/inner/<n>", 200)),
    ("GET", "/streamed", ("GET", "/streamed", 200)),
    ("GET", "/fails", ("GET", "/fails", 500)),
]
FASTAPI = [
    ("GET", "/items/7", ("GET", "/items/{item_id}", 200)),
    ("GET", "/none", ("GET", "<unmatched>", 404)),
    ("DELETE", "/items/7", ("DELETE", "/items/{item_id}", 405)),
    ("GET", "/api/v2/inner/x", ("GET", "/api/v2/inner/{name}", 200)),
    ("GET", "/sub/acme/inside/1", ("GET", "/sub/{tenant}/inside/{n}", 200)),
    ("GET", "/wsgi/items/7", ("GET", "/wsgi/items/<int:item_id>", 200)),
    ("GET", "/streamed", ("GET", "/streamed", 200)),
    ("GET", "/fails", ("GET", "/fails", 500)),
]
DJANGO = [
    ("GET", "/items/7/", ("GET", "/items/<int:item_id>/", 200)),
    ("GET", "/none/", ("GET", "<unmatched>", 404)),
    ("POST", "/only-get/", ("POST", "/only-get/", 405)),
    ("GET", "/api/v2/orders/3/", ("GET", "/api/v2/orders/<slug:order>/", 200)),
    ("GET", "/async/", ("GET", "/async/", 200)),
    ("GET", "/streamed/", ("GET", "/streamed/", 200)),
    ("GET", "/fails/", ("GET", "/fails/", 500)),
]
BARE = [("GET", "/any/path", ("GET", "<app>", 200)), ("POST", "/other", ("POST", "<app>", 200))]


def gunicorn(application: str, worker: str, *options: str) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", "fd://{fd}", "--worker-class", worker,
        "--log-level", "critical", "--no-control-socket", *options,
    ]  # fmt: skip


def hypercorn(application: str) -> list[str]:
    return [sys.executable, "-m", "hypercorn", application, "--bind", "fd://{fd}", "--log-level", "CRITICAL"]


WERKZEUG = server_program("werkzeug", "served_flask")
WAITRESS = server_program("waitress", "served_flask")
WSGIREF = server_program("wsgiref", "served_django")

SERVERS = {
    "uvicorn-fastapi": (serving.uvicorn("applications.served_fastapi:app"), FASTAPI, "uvicorn"),
    "uvicorn-h11-fastapi": (
        serving.uvicorn("applications.served_fastapi:app", "--http", "h11", "--loop", "asyncio"), FASTAPI, "uvicorn",
    ),
    "uvicorn-django": (serving.uvicorn("applications.served_django:asgi"), DJANGO, "uvicorn"),
    "uvicorn-wsgi-flask": (serving.uvicorn("applications.served_flask:app", "--interface", "wsgi"), FLASK, "uvicorn"),
    "uvicorn-bare": (serving.uvicorn("applications.bare:asgi"), BARE, "uvicorn"),
    "gunicorn-sync-flask": (gunicorn("applications.served_flask:app", "sync"), FLASK, "gunicorn"),
    "gunicorn-gthread-flask": (gunicorn("applications.served_flask:app", "gthread"), FLASK, "gunicorn"),
    "gunicorn-preload-flask": (gunicorn("applications.served_flask:app", "gthread", "--preload"), FLASK, "gunicorn"),
    "gunicorn-gthread-django": (gunicorn("applications.served_django:app", "gthread"), DJANGO, "gunicorn"),
    "gunicorn-bare": (gunicorn("applications.bare:wsgi", "gthread"), BARE, "gunicorn"),
    "gunicorn-uvicorn-fastapi": (
        gunicorn("applications.served_fastapi:app", "uvicorn_worker.UvicornWorker"), FASTAPI, "gunicorn",
    ),
    "gunicorn-asgi-fastapi": (gunicorn("applications.served_fastapi:app", "asgi"), FASTAPI, "gunicorn"),
    "hypercorn-fastapi": (hypercorn("applications.served_fastapi:app"), FASTAPI, "hypercorn"),
    "hypercorn-flask": (hypercorn("applications.served_flask:app"), FLASK[:2], "hypercorn"),
    "werkzeug-flask": ([sys.executable, "-c", WERKZEUG, "{fd}"], FLASK, "werkzeug"),
    "waitress-flask": ([sys.executable, "-c", WAITRESS, "{fd}"], FLASK, "waitress"),
    "wsgiref-django": ([sys.executable, "-c", WSGIREF, "{fd}"], DJANGO, "wsgiref"),
}  # fmt: skip
NEEDED = {
    "waitress-flask": "waitress",
    "gunicorn-uvicorn-fastapi": "uvicorn_worker",
    "gunicorn-asgi-fastapi": "gunicorn.workers.gasgi",
}


def rows_of(recording: serving.Recording) -> list[tuple[str, str, int]]:
    rows = recording.query(
        "SELECT e.method, e.route, r.status FROM request r JOIN endpoint e ON e.id = r.endpoint ORDER BY r.started_us"
    )
    return [(row["method"], row["route"], row["status"]) for row in rows]


def answers(service: serving.Service, plan: list[Any]) -> list[serving.Reply]:
    return [service.get(url, method) for method, url, _ in plan]


@pytest.mark.parametrize("name", SERVERS)
def test_every_request_is_a_row_under_its_template(name: str, tmp_path: Path) -> None:
    command, plan, server = SERVERS[name]
    if (needed := NEEDED.get(name)) and importlib.util.find_spec(needed) is None:
        pytest.skip(f"no {needed} here")
    with serving.Service(tmp_path, command) as service:
        statuses = [reply.status for reply in answers(service, plan)]
        recording = service.stop()
    expected = [row for _, _, row in plan]
    assert statuses == [row[2] for row in expected]
    assert rows_of(recording) == expected, service.stderr.read_text()
    assert server in {worker["server"] for worker in recording.query("SELECT server FROM worker")}
    recording.assert_balanced()


VARYING = {"date", "server"}


@pytest.mark.parametrize(
    "name", ["uvicorn-fastapi", "gunicorn-gthread-flask", "gunicorn-gthread-django", "uvicorn-django"]
)
def test_responses_and_output_are_what_they_are_without_us(name: str, tmp_path: Path) -> None:
    command, plan, _ = SERVERS[name]
    seen: list[Any] = []
    ways: list[tuple[bool, list[str]]] = [(False, []), (True, []), (True, ["--no-native"])]
    for recorded, options in ways:
        folder = tmp_path / f"{recorded} {options}"
        folder.mkdir()
        environment = {"PYTHONHASHSEED": "0"}  # the order of methods in an Allow header
        with serving.Service(
            folder, command, recorded=recorded, environment=environment, run_options=["--quiet", *options]
        ) as service:
            replies = answers(service, plan)
            service.stop()
            seen.append(
                [
                    (reply.status, [h for h in reply.headers if h[0].lower() not in VARYING], reply.body)
                    for reply in replies
                ]
            )
            seen.append(service.stdout.read_bytes())
    assert seen[4:] == seen[2:4] == seen[:2]
    assert any(body for _, _, body in seen[0])


def test_two_workers_share_one_recording(tmp_path: Path) -> None:
    command = gunicorn("applications.served_flask:app", "gthread", "--workers", "2")
    with serving.Service(tmp_path, command) as service:
        service.get_all(["/items/7"] * 60, at_once=20)
        recording = service.stop()
    assert len(recording.requests("/items/<int:item_id>")) == 60
    assert [w["server"] for w in recording.query("SELECT server FROM worker")].count("gunicorn") == 2


def test_workers_that_are_replaced_lose_nothing(tmp_path: Path) -> None:
    command = gunicorn("applications.served_flask:app", "gthread", "--max-requests", "20")
    with serving.Service(tmp_path, command) as service:
        for _ in range(50):
            assert service.get("/items/7").status == 200
        recording = service.stop()
    assert len(recording.requests("/items/<int:item_id>")) == 50
    assert len(recording.query("SELECT DISTINCT worker FROM request")) >= 3


def test_uvicorns_own_workers_take_part(tmp_path: Path) -> None:
    command = serving.uvicorn("applications.served_fastapi:app", "--workers", "2")
    with serving.Service(tmp_path, command) as service:
        service.get_all(["/items/7"] * 40, at_once=10)
        recording = service.stop()
    assert len(recording.requests("/items/{item_id}")) == 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


RUNSERVER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "applications.django_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "runserver", *sys.argv[1:]])
"""


@pytest.mark.parametrize("framework", ["flask", "flask-reload", "django", "django-reload", "uvicorn-reload"])
def test_development_servers_and_their_reloaders(framework: str, tmp_path: Path) -> None:
    port = free_port()
    flask = [sys.executable, "-m", "flask", "--app", "applications.served_flask", "run", "--port", str(port)]
    (tmp_path / "manage.py").write_text(RUNSERVER)
    django = [sys.executable, str(tmp_path / "manage.py"), str(port)]
    uvicorn = [sys.executable, "-m", "uvicorn", "applications.served_fastapi:app", "--port", str(port)]
    command, url, row = {
        "flask": (flask, "/items/7", ("GET", "/items/<int:item_id>", 200)),
        "flask-reload": ([*flask, "--reload"], "/items/7", ("GET", "/items/<int:item_id>", 200)),
        "django": ([*django, "--noreload"], "/items/7/", ("GET", "/items/<int:item_id>/", 200)),
        "django-reload": (django, "/items/7/", ("GET", "/items/<int:item_id>/", 200)),
        "uvicorn-reload": ([*uvicorn, "--reload"], "/items/7", ("GET", "/items/{item_id}", 200)),
    }[framework]
    with serving.Service(tmp_path, command) as service:
        service.port = port
        serving.eventually("the server is up", lambda: accepts(port))
        assert [service.get(url).status for _ in range(3)] == [200] * 3
        recording = service.stop()
    rows = rows_of(recording)  # the last of them may be on its way when a server without any shutdown is killed
    assert len(rows) in (2, 3), service.stderr.read_text()
    assert set(rows) == {row}


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_ignored_routes_leave_no_row(tmp_path: Path) -> None:
    options = ["--ignore", "/items/*"]
    with serving.Service(tmp_path, SERVERS["gunicorn-gthread-flask"][0], run_options=options) as service:
        answers(service, FLASK)
        recording = service.stop()
    assert rows_of(recording) == [row for _, _, row in FLASK if not row[1].startswith("/items/")]


async def _chunked(port: int, path: str, sizes: list[int]) -> serving.Reply:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for size in [*sizes, 0]:
        writer.write(b"%x\r\n%s\r\n" % (size, b"b" * size))
    reply = await serving.read_reply(reader, "POST")
    writer.close()
    return reply


CHUNKED = {
    "gunicorn-gthread": gunicorn("applications.uploads:app", "gthread"),
    "gunicorn-sync": gunicorn("applications.uploads:app", "sync"),
    "werkzeug": [sys.executable, "-c", server_program("werkzeug", "uploads"), "{fd}"],
    "waitress": [sys.executable, "-c", server_program("waitress", "uploads"), "{fd}"],
}


@pytest.mark.parametrize("server", CHUNKED)
@pytest.mark.parametrize("way", ["data", "read", "lines", "iterated", "nothing"])
def test_a_chunked_upload_has_the_bytes_that_the_application_read(server: str, way: str, tmp_path: Path) -> None:
    sizes = [1000, 70_000, 5]
    bodies = []
    for recorded in (False, True):
        folder = tmp_path / str(recorded)
        folder.mkdir()
        with serving.Service(folder, CHUNKED[server], recorded=recorded) as service:
            reply = asyncio.run(asyncio.wait_for(_chunked(service.port, f"/{way}", sizes), serving.DEADLINE_SECONDS))
            bodies.append((reply.status, reply.body))
            assert service.get(f"/{way}", "POST", b"x" * 333).status == 200
            if recorded:
                live = serving.Recording(service.output)
                serving.eventually("both are rows", lambda: len(live.requests()) == 2)  # noqa: B023
            recording = service.stop()
    assert bodies[0] == bodies[1]
    chunked, announced = recording.requests()
    read = sum(sizes)
    if way == "nothing":
        assert chunked["received_bytes"] in (0, read)  # waitress reads it all before it calls the application
    else:
        assert bodies[1] == (200, b"%d" % read)
        assert chunked["received_bytes"] == read
    assert announced["received_bytes"] == 333
