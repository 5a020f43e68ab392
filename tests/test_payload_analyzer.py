"""`heapledger payloads` on real services whose memory follows from their bodies, sixteen clients at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import serving
from applications import bodies
from server_programs import server_program
from serving import Row, Service

AT_ONCE = 16
# Servers that read little more than the application asks for: what gunicorn 27 reads ahead costs up to 4 MiB a body,
# whether it is held or passed on.
SERVERS = {
    "flask": [sys.executable, "-c", server_program("werkzeug", "bodies_flask"), "{fd}"],
    "fastapi": serving.uvicorn("applications.bodies_fastapi:app"),
    "django": [sys.executable, "-c", server_program("werkzeug", "bodies_django"), "{fd}"],
}
# From empty to three megabytes, more small ones than large; one of 64 megabytes is sent beside them.
SIZES = [0, 0, *(3_000_000 * n * n // 24**2 for n in range(1, 25))]
LARGEST = 64 * bodies.MEGABYTE
PIECE_BYTES = 65_536
BOUNDARY = b"--limit"


@dataclass
class Sent:
    """A request: `head` before and `tail` after `size` bytes of body."""

    url: str
    method: str = "GET"
    size: int = 0
    chunked: bool = False
    type: str = ""
    head: bytes = b""
    tail: bytes = b""


def parts_of(size: int) -> Iterator[bytes]:
    while size > 0:
        yield bytes(min(size, PIECE_BYTES))
        size -= PIECE_BYTES


async def _write_body(writer: asyncio.StreamWriter, sent: Sent) -> None:
    for part in (sent.head, *parts_of(sent.size), sent.tail):
        if part:
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) if sent.chunked else part)
            await writer.drain()
    writer.write(b"0\r\n\r\n" if sent.chunked else b"")


async def _send(port: int, sent: Sent) -> int:
    """The status; the body is read to its end and dropped."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    length = len(sent.head) + sent.size + len(sent.tail)
    framing = "Transfer-Encoding: chunked" if sent.chunked else f"Content-Length: {length}"
    lines = [f"{sent.method} {sent.url} HTTP/1.1", "Host: localhost", "Connection: close", framing]
    lines += [f"Content-Type: {sent.type}"] if sent.type else []
    writer.write("\r\n".join([*lines, "\r\n"]).encode())
    await _write_body(writer, sent)
    status = int((await reader.readline()).split()[1])
    while await reader.read(PIECE_BYTES):
        pass
    writer.close()
    return status


async def _send_all(port: int, requests: Iterable[Sent]) -> list[int]:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(sent: Sent) -> int:
        async with free:
            return await asyncio.wait_for(_send(port, sent), serving.DEADLINE_SECONDS)

    return list(await asyncio.gather(*map(one, requests)))


async def _leave_midway(port: int, url: str) -> None:
    """Announces a body, sends half of it and goes."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n".encode() + bytes(1_000_000)
    )
    await writer.drain()
    writer.close()


def upload(size: int) -> Sent:
    head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' % BOUNDARY
    tail = b"\r\n--%s--\r\n" % BOUNDARY
    return Sent("/files", "POST", size, type=f"multipart/form-data; boundary={BOUNDARY.decode()}", head=head, tail=tail)


def costs_of_bodies() -> list[Sent]:
    """Every size to every endpoint, interleaved."""
    sent = []
    for size in SIZES:
        for ratio, base in bodies.COSTS:
            sent.append(Sent(f"/in/{ratio}/{base}", "POST", size))
            sent.append(Sent(f"/out/{ratio}/{base}?size={size}"))
    sent += [Sent(f"/out/8/0?size={LARGEST}"), Sent("/in/8/0", "POST", LARGEST)]
    sent += [Sent("/in/2/0", "POST", size, chunked=True) for size in SIZES[::6]]
    sent += [upload(size) for size in SIZES]
    sent += [Sent("/nothing", "POST")] * 20
    return sent


def manners() -> list[Sent]:
    """At least a hundred requests of each endpoint, so that there is a 99th percentile."""
    sent = []
    for n, size in enumerate(SIZES * 4):
        other = SIZES[(n * 7 + 3) % len(SIZES)]
        sent += [Sent("/hold-in", "POST", size), Sent("/pass-in", "POST", size)]
        sent += [Sent(f"/hold-out?size={size}"), Sent(f"/pass-out?size={size}")]
        sent.append(Sent(f"/pass-both?size={other}", "POST", size))
        sent.append(Sent("/now-and-then" + ("?pass=1" if n % 2 else ""), "POST", size))
    return sent


def payloads(recording: Path, *options: str) -> Row:
    printed = subprocess.run(
        [serving.heapledger(), "payloads", str(recording), "--format", "json", *options],
        capture_output=True, check=True, timeout=serving.DEADLINE_SECONDS,
    )  # fmt: skip
    document: Row = json.loads(printed.stdout)
    return document


def by_route(document: Row) -> dict[str, Row]:
    return {row["route"]: row for row in document["endpoints"]}


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    work = costs_of_bodies() + manners()
    if request.param == "django":  # which reads no body of unannounced length
        work = [sent for sent in work if not sent.chunked]
    with Service(tmp_path_factory.mktemp(request.param), SERVERS[request.param]) as service:
        assert set(asyncio.run(_send_all(service.port, work))) == {200, 204}
        for _ in range(3):
            asyncio.run(_leave_midway(service.port, "/in/2/10000000"))
        assert asyncio.run(_send(service.port, Sent("/pass-in", "POST", 1000))) == 200
        return by_route(payloads(service.stop().path))


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize(("ratio", "base"), bodies.COSTS)
def test_what_a_byte_costs_is_recovered_to_three_percent(
    served: dict[str, Row], ratio: int, base: int, direction: str
) -> None:
    row = served[f"/{direction}/{ratio}/{base}"]
    side = row["request" if direction == "in" else "response"]
    model = side["model"]
    assert model["amplification_ratio"] == pytest.approx(ratio, rel=0.03), model
    low, high = model["amplification_ratio_interval"]
    assert low <= model["amplification_ratio"] <= high
    assert 0 <= model["base_bytes"] - base < 0.03 * bodies.BASES[-1], model
    assert side["mode"] == "buffered"
    assert row["requirement"]["basis"] == "model"


def test_straight_lines_are_called_straight(served: dict[str, Row]) -> None:
    bent = [
        (direction, ratio, base)
        for direction, side in (("in", "request"), ("out", "response"))
        for ratio, base in bodies.COSTS
        if served[f"/{direction}/{ratio}/{base}"][side]["model"]["linear"] is not True
    ]
    assert len(bent) <= 1, bent  # twelve looks at 99 %, at servers whose own buffers are of steps


def test_sizes_are_those_of_the_wire(served: dict[str, Row]) -> None:
    assert served["/in/8/0"]["request"]["size_bytes"]["max"] == LARGEST
    assert served["/out/8/0"]["response"]["size_bytes"]["max"] == LARGEST
    assert served["/in/1/0"]["request"]["with_body"] == len(SIZES) - 2
    sent = served["/in/2/0"]["request"]
    assert sent["size_bytes"]["max"] == SIZES[-1]
    assert sent["with_body"] in (
        len(SIZES) - 2,
        len(SIZES) - 2 + sum(size > 0 for size in SIZES[::6]),
    )  # in chunks, too
    nothing = served["/nothing"]
    assert (nothing["request"]["mode"], nothing["response"]["mode"]) == ("none", "none")
    assert nothing["streaming"]["verdict"] == "no bodies either way"
    [uploaded] = [row for row in served["/files"]["content_types"] if row["direction"] == "request"]
    assert uploaded["content_type"] == "multipart/form-data"
    assert uploaded["amplification_ratio"] > 0.5


def test_streaming_is_told_from_holding(served: dict[str, Row]) -> None:
    found = {name: (served[f"/{name}"]["request"]["mode"], served[f"/{name}"]["response"]["mode"])
             for name in bodies.MANNERS}  # fmt: skip
    assert {name: modes[0] for name, modes in found.items() if name.endswith("in")} == {
        "hold-in": "buffered", "pass-in": "streamed",
    }  # fmt: skip
    assert found["hold-out"] == ("none", "buffered")
    assert found["pass-out"] == ("none", "streamed")
    assert found["pass-both"] == ("streamed", "streamed")
    assert found["now-and-then"][0] == "mixed"


def test_the_verdict_says_what_streaming_saves(served: dict[str, Row]) -> None:
    size = served["/hold-in"]["request"]["size_bytes"]["p99"]
    held = served["/hold-in"]["streaming"]
    assert held["saves_bytes"] >= 0.9 * size
    assert "streaming would save up to" in held["verdict"]
    assert served["/hold-out"]["streaming"]["saves_bytes"] >= 0.9 * size
    for name, sizes in (("pass-in", 1), ("pass-out", 1), ("pass-both", 2)):
        passed = served[f"/{name}"]["streaming"]
        # All but what the server reads ahead: up to half a megabyte under uvicorn.
        assert 0.75 * sizes * size <= passed["saves_bytes"] <= sizes * size, name
        assert " saves " in passed["verdict"]
