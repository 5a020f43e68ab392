"""Many at once, many different, many in all: what is bounded stays bounded, and every figure stays right."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
import serving
from applications import costs
from serving import Recording, Row, Service

STREAMS = 2000
STRAY_BYTES = 512 * 1024  # less than the smallest block


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * STREAMS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"at most {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def open_streams(port: int, gate: str) -> list[asyncio.Task[serving.Reply]]:
    """So many requests, all of them inside; they end when the gate is opened."""
    assert (await serving.fetch(port, f"/gates/{gate}/{STREAMS}")).status == 200
    tasks = []
    for _ in range(0, STREAMS, 250):
        tasks += [asyncio.create_task(serving.fetch(port, f"/stream/{gate}")) for _ in range(250)]
        await asyncio.sleep(0)
    assert (await serving.fetch(port, f"/gates/{gate}/inside")).status == 200
    return tasks


def check_streams(rows: list[Row], figure: str, stray_bytes: int) -> None:
    """Each has its own block and no other's: blocks differ by a step, what comes on top by less."""
    left = [row[figure] - costs.size_by_number(row["sequence"]) for row in rows]
    usual = median(left)
    assert min(left) > 0
    assert max(left) < stray_bytes
    assert sum(abs(residual - usual) < costs.STEP_BYTES / 2 for residual in left) >= 0.95 * len(left), figure


def test_two_thousand_open_streams_are_two_thousand_open_owners(many_files: None, tmp_path: Path) -> None:
    async def finish(port: int) -> None:
        streams = await open_streams(port, "first")
        assert (await serving.fetch(port, "/gates/first")).status == 200
        assert [reply.body for reply in await asyncio.gather(*streams)] == [b"okok"] * STREAMS

    async def kill(port: int) -> None:
        streams = await open_streams(port, "second")
        os.kill(int((await serving.fetch(port, "/pid")).body), signal.SIGKILL)
        assert [reply.status for reply in await asyncio.gather(*streams)] == [0] * STREAMS

    command = serving.uvicorn("applications.costly_fastapi:app", "--backlog", "4096")
    with Service(tmp_path, command, run_options=["--no-native"]) as service:
        asyncio.run(finish(service.port))
        asyncio.run(kill(service.port))
        assert service.wait() == 128 + signal.SIGKILL
        recording = Recording(service.output)
    finished = recording.requests("/stream/{gate}")
    assert len(finished) == STREAMS
    for row in finished:
        assert row["in_flight_peak"] >= STREAMS
        assert row["escaped_bytes"] < STRAY_BYTES
    open_ones = recording.query(
        "SELECT f.* FROM in_flight f JOIN endpoint e ON e.id = f.endpoint WHERE e.route = '/stream/{gate}'"
    )
    assert len({row["sequence"] for row in open_ones}) == STREAMS == len(open_ones)
    for rows, figures in ((finished, ("peak_bytes", "allocated_bytes")), (open_ones, ("live_bytes", "peak_bytes"))):
        for figure in figures:
            check_streams(rows, figure, STRAY_BYTES)


def run_directly(folder: Path, program: str) -> Recording:
    """A program that calls its application itself: servers would make this a test of sockets."""
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    output = folder / "recording.db"
    source = f"import sys\nsys.path.insert(0, {str(serving.TESTS)!r})\nfrom applications import drive\n"
    subprocess.run(
        [serving.heapledger(), "run", "--quiet", "-o", str(output), "--run-dir", str(folder / "run"), "--",
         sys.executable, "-c", source + textwrap.dedent(program)],
        check=True, timeout=4 * serving.DEADLINE_SECONDS,
    )  # fmt: skip
    return Recording(output)


def count_of(recording: Recording) -> int:
    """How many requests are rows or counted as dropped."""
    [rows] = recording.query("SELECT count(*) AS n FROM request")
    dropped: int = recording.analysis()["accounting"]["dropped_requests"]
    return int(rows["n"]) + dropped


UNMATCHED = {
    "starlette": (100_000, """
        import asyncio
        from starlette.applications import Starlette
        app = Starlette()
        async def main():
            for n in range({count}):
                await drive.asgi_call(app, drive.scope_for("GET", f"/no/such/{{n}}/path"))
                await asyncio.sleep(0)  # as every server does, sooner or later
        asyncio.run(main())
    """),
    "flask": (5_000, """
        from flask import Flask
        app = Flask("none")
        for n in range({count}):
            drive.wsgi(app, "GET", f"/no/such/{{n}}/path")
    """),
    "django": (5_000, """
        import logging
        from applications import costly_django
        logging.getLogger("django").setLevel(logging.CRITICAL)
        for n in range({count}):
            drive.wsgi(costly_django.app, "GET", f"/no/such/{{n}}/path")
    """),
}  # fmt: skip


@pytest.mark.parametrize("framework", UNMATCHED)
def test_paths_that_no_route_matches_are_one_endpoint(framework: str, tmp_path: Path) -> None:
    count, program = UNMATCHED[framework]
    recording = run_directly(tmp_path, program.format(count=count))
    assert [(row["method"], row["route"]) for row in recording.query("SELECT * FROM endpoint")] == [
        ("GET", "<unmatched>")
    ]
    assert count_of(recording) == count
    [endpoint] = recording.analysis()["endpoints"]
    assert endpoint["route"] == "<unmatched>"
    recording.assert_balanced()


def test_a_request_costs_at_most_three_hundred_bytes_on_disk(tmp_path: Path) -> None:
    recording = run_directly(
        tmp_path,
        """
        import asyncio
        from starlette.applications import Starlette
        from starlette.responses import Response
        from starlette.routing import Route
        kept = []
        async def endpoint(request):
            number = request.path_params["number"]
            kept.append(bytes(number * 7919 % 100_000 + 600)); del kept[:-3]
            held = bytes(number * 104_729 % (1_000_000_000 if number % 50 == 0 else 100_000) + 600)
            return Response(b"x" * (number % 5000), media_type=f"application/x-{number % 50}")
        routes = [
            Route(f"/a/fairly/long/route/number/{n}/{{number:int}}", endpoint, methods=["POST"]) for n in range(20)
        ]
        app = Starlette(routes=routes)
        async def main():
            for n in range(20_000):
                scope = drive.scope_for("POST", f"/a/fairly/long/route/number/{n % 20}/{n}", {"content-type": "text/x"})
                await drive.asgi_call(app, scope, b"y" * (n * 31 % 9000))
                await asyncio.sleep(0)
        asyncio.run(main())
        """,
    )
    assert count_of(recording) == 20_000
    [rows] = recording.query("SELECT count(*) AS n, max(peak_bytes) AS peak FROM request WHERE status = 200")
    assert rows["peak"] > 500_000_000
    assert recording.path.stat().st_size <= 300 * rows["n"]
    assert not list(tmp_path.glob("recording.db-*"))


HOSTILE = [
    "/red\x1b[31m\x1b]0;title\x07", "/comma,'quote'\"both\"", "/line\nand\r\nline", "/=cmd()|' /C calc'!A0",
    "/=1+1", "/+1", "/-1", "/@SUM(1)", "/tab\tand\x00null\x7f", "/\u202eright to left", "/<script>alert(1)</script>",
    "/snow\u2603\U0001f600", "/\x9b31m", "/;DROP TABLE request;--", "/" + "long" * 500,
]  # fmt: skip


def test_hostile_routes_stay_text_in_every_format(tmp_path: Path) -> None:
    recording = run_directly(
        tmp_path,
        f"""
        from flask import Flask
        app = Flask("hostile")
        routes = {HOSTILE!r}
        for n, route in enumerate(routes):
            app.add_url_rule(route.replace("<", "\u2039"), f"e{{n}}", lambda: "ok")
        for route in routes:
            path = route.replace("<", "\u2039").encode().decode("latin-1")
            reply = drive.wsgi(app, "GET", path)
            assert reply.status == 200, (route, reply)
        """,
    )
    assert len(recording.requests()) == len(HOSTILE)
    endpoints = recording.analysis()["endpoints"]
    assert len({endpoint["route"] for endpoint in endpoints}) == len(HOSTILE)
    outputs = {
        kind: subprocess.run(
            [serving.heapledger(), "requests", str(recording.path), "--format", kind, "--limit", "0"],
            capture_output=True, check=True, timeout=60,
        ).stdout.decode()
        for kind in ("text", "csv", "json")
    }  # fmt: skip
    for kind, output in outputs.items():
        plain = "\n\r\t" if kind == "csv" else "\n"
        controls = [c for c in output if (ord(c) < 32 and c not in plain) or 127 <= ord(c) < 160 or c == "\u202e"]
        assert not controls, (kind, controls)
    header, *lines = list(csv.reader(io.StringIO(outputs["csv"])))
    assert len(lines) == len(HOSTILE)
    assert {len(line) for line in lines} == {len(header)}
    for line in lines:
        assert not any(cell[:1] in ("=", "+", "@") for cell in line)
