"""Fifty endpoints that do not leak, 5,000 requests each, on real servers: `make test-long`, minutes a framework."""

from __future__ import annotations

import asyncio
import collections
from pathlib import Path

import pytest
import serving
from applications import fifty
from serving import Service
from test_request_isolator_leaks import SERVERS, leaks

REQUESTS = 5000  # of each endpoint
CLIENTS = 16
ALLOWED = {"finite-keys": {"growing", "warmup"}, "top": {"growing", "warmup", "cache"}}


async def ask(port: int, clients: int) -> collections.Counter[int]:
    """Every endpoint in turn, from clients that keep their connections open as long as the server does."""
    urls = iter([f"/{kind}" for _ in range(REQUESTS) for kind in fifty.KINDS])
    seen: collections.Counter[int] = collections.Counter()

    async def client() -> None:
        reader = writer = None
        for url in urls:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert reader is not None
            writer.write(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            reply = await asyncio.wait_for(serving.read_reply(reader), serving.DEADLINE_SECONDS)
            seen[reply.status] += 1
            if (reply.header("connection") or "").lower() == "close":
                writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return seen


@pytest.mark.parametrize("framework", SERVERS)
def test_fifty_clean_endpoints_have_no_leak(tmp_path: Path, framework: str) -> None:
    with Service(tmp_path, SERVERS[framework], environment={"KEEPING": "applications.fifty"}) as service:
        assert asyncio.run(ask(service.port, CLIENTS)) == {200: REQUESTS * len(fifty.KINDS)}
        recording = service.stop()
    findings = leaks(recording)[1]["findings"]
    assert {row["route"].lstrip("/") for row in findings} == set(fifty.KINDS)
    assert {row["requests"] for row in findings} == {REQUESTS}
    for row in sorted(findings, key=lambda row: str(row["verdict"])):
        print(row["verdict"], row["route"], row["retained_bytes"], row["bytes_per_request"], row["smallest_leak_bytes"])
    assert [row["route"] for row in findings if row["verdict"] == "leak"] == []
    for row in findings:
        family = row["route"].lstrip("/").rsplit("-", 2)[0]
        assert row["verdict"] in ALLOWED.get(family, {"cache", "growing", "warmup", "none"}), row["route"]
