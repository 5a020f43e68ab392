"""Emitted limits before the example service, in a memory cgroup, under ten times the recorded clients."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serving
from memory_cgroup import MemoryCgroup
from serving import MIB, Reply, Service

APPLICATION = "heapledger._example.flask_app:app"
CLIENTS = 4
OVERLOAD = 10
ROOM_BYTES = 48 * MIB  # that the limit leaves above the idle service
RUNS = 3
BODY = b"id,customer,total_cents\n" + b"".join(b"%d,c-%d,%d\n" % (n, n % 90, 100 + n) for n in range(40_000))
CSV = {"Content-Type": "text/csv"}


async def drive(port: int, clients: int, requests: int) -> list[Reply]:
    """Each client asks as soon as it was answered: every fourth time for an import."""
    numbers = iter(range(requests))

    async def client() -> list[Reply]:
        replies = []
        for number in numbers:
            if number % 4 == 0:
                replies.append(await serving.fetch(port, "/v2/orders/import", "POST", BODY, CSV))
            else:
                replies.append(await serving.fetch(port, f"/v2/orders/{number % 400}"))
            if replies[-1].status == 503:
                await asyncio.sleep(0.02)  # a client that was refused comes again, not at once
        return replies

    gathered = await asyncio.gather(*[client() for _ in range(clients)])
    return [reply for replies in gathered for reply in replies]


def server(threads: int) -> list[str]:
    return serving.gunicorn(APPLICATION, threads=threads)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """The memory limit of the runs, and the nginx file for it."""
    folder = tmp_path_factory.mktemp("recorded")
    with Service(folder, server(threads=CLIENTS * OVERLOAD)) as service:
        replies = asyncio.run(drive(service.port, CLIENTS, 320))
        assert {reply.status for reply in replies} == {200}
        recording = service.stop()
    from heapledger import RateLimiter

    baseline = RateLimiter(recording.path).analyze().budget.baseline_bytes
    assert baseline is not None
    limit_bytes = baseline + ROOM_BYTES
    result = RateLimiter(recording.path).analyze(memory_limit=limit_bytes)
    print(result.to_text())
    return limit_bytes, result.emit("nginx")


@pytest.fixture(params=range(RUNS))
def confined(
    request: pytest.FixtureRequest, limited: tuple[int, str], tmp_path: Path
) -> Iterator[tuple[MemoryCgroup, Service]]:
    """The service in a cgroup, not recorded."""
    try:
        cgroup = MemoryCgroup(limited[0]).__enter__()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        with Service(tmp_path, cgroup.command(server(threads=CLIENTS * OVERLOAD)), recorded=False) as service:
            yield cgroup, service
    finally:
        cgroup.__exit__(None, None, None)


def test_without_limits_the_kernel_kills(confined: tuple[MemoryCgroup, Service]) -> None:
    cgroup, service = confined
    asyncio.run(drive(service.port, CLIENTS * OVERLOAD, 400))
    assert cgroup.kills() > 0


def test_with_the_emitted_limits_it_does_not(
    confined: tuple[MemoryCgroup, Service], limited: tuple[int, str], tmp_path: Path
) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: `make unit` does")
    cgroup, service = confined
    assert service.get("/health").status == 200
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    rules = limited[1].replace("127.0.0.1:8000", f"127.0.0.1:{service.port}")
    rules = rules.replace("listen 8080", f"listen 127.0.0.1:{port}")
    (tmp_path / "limits.conf").write_text(rules)
    folders = " ".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} "
        f"http {{ access_log off; {folders} include {tmp_path}/limits.conf; }}"
    )
    front = subprocess.Popen([nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf"])
    try:
        serving.eventually("nginx listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        replies = asyncio.run(drive(port, CLIENTS * OVERLOAD, 1600))
    finally:
        front.terminate()
        front.wait(serving.DEADLINE_SECONDS)
    statuses = [reply.status for reply in replies]
    print(sys.version_info[:2], {status: statuses.count(status) for status in set(statuses)}, cgroup.peak_bytes() / MIB)
    assert cgroup.kills() == 0
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 20
    assert statuses.count(503) > 0
