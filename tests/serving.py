"""Run real servers under the installed `heapledger run`, send them requests, and read what was recorded.

The test opens the listening socket and hands it to the server: nobody has to wait until the server is up, since early
connections queue in the kernel. Every wait has a deadline, after which the whole process group is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent
DEADLINE_SECONDS = 60.0
CLOSES_WITHIN_SECONDS = 2.0
MIB = 1024 * 1024

# What a reply took from the request's row: see `Recording.requests`.
Row = dict[str, Any]


def heapledger() -> str:
    """The installed command line."""
    return str(Path(sys.executable).with_name("heapledger"))


def uvicorn(application: str, *options: str) -> list[str]:
    """A uvicorn that serves on the socket it is handed."""
    return [
        sys.executable, "-m", "uvicorn", application, "--fd", "{fd}", "--log-level", "warning", "--no-access-log",
        *options,
    ]  # fmt: skip


def gunicorn(application: str, *options: str, threads: int = 8, workers: int = 1) -> list[str]:
    """A gunicorn with threads that serves on the socket it is handed."""
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", "fd://{fd}", "--worker-class", "gthread", "--threads",
        str(threads), "--workers", str(workers), "--log-level", "warning", "--no-control-socket", *options,
    ]  # fmt: skip


@dataclass
class Reply:
    """What a client read. `status` 0: the connection ended before a whole response."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Recording:
    """One recording, as `heapledger requests` reads it and as it lies in its tables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def query(self, sql: str, *arguments: Any) -> list[Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql, arguments)]

    def requests(self, route: str | None = None, **columns: Any) -> list[Row]:
        """Finished requests in the order of their numbers, with the names of their endpoint."""
        rows = self.query(
            "SELECT e.method, e.route, e.version, r.* FROM request r JOIN endpoint e ON e.id = r.endpoint "
            "ORDER BY r.worker, r.sequence"
        )
        wanted = columns if route is None else {"route": route, **columns}
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def analysis(self) -> Row:
        """The document that the command line prints."""
        printed = subprocess.run(
            [heapledger(), "requests", str(self.path), "--format", "json"],
            capture_output=True, check=True, timeout=DEADLINE_SECONDS,
        )  # fmt: skip
        document: Row = json.loads(printed.stdout)
        return document

    def assert_balanced(self) -> None:
        """Allocated less freed is live, the sum over owners is the total, and a walk over every block says the same."""
        accounting = self.analysis()["accounting"]
        assert accounting["balanced"] is True, (accounting, self.query("SELECT * FROM worker"))
        assert accounting["allocated_bytes"] - accounting["freed_bytes"] == accounting["live_bytes"]
        assert accounting["untracked_blocks"] == 0
        for worker in self.query("SELECT * FROM worker"):
            assert worker["ending"] == "frozen"
            assert worker["audited_live_bytes"] == worker["live_bytes"]
            assert worker["audited_owner_mismatches"] == 0
            [owners] = self.query(
                "SELECT sum(allocated_bytes) AS allocated_bytes, sum(freed_bytes) AS freed_bytes, "
                "sum(live_bytes) AS live_bytes FROM owner_total WHERE worker = ?",
                worker["id"],
            )
            assert owners == {name: worker[name] for name in owners}


class Service:
    """A command that serves on a socket of ours, under `heapledger run` unless told otherwise."""

    def __init__(
        self, folder: Path, command: list[str], *, recorded: bool = True, environment: Mapping[str, str] = {},
        run_options: Iterable[str] = (), cwd: Path | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.output = folder / "recording.db"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port: int = self._listener.getsockname()[1]
        number = self._listener.fileno()
        command = [word.replace("{fd}", str(number)) for word in command]
        if recorded:
            options = ["-o", str(self.output), "--run-dir", str(folder / "run"), *run_options]
            command = [heapledger(), "run", *options, "--", *command]
        (folder / "run").mkdir(mode=0o700, exist_ok=True)
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, pass_fds=[number], start_new_session=True,
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1", **environment},
            )  # fmt: skip
        self._listener.close()  # theirs now: when the last of them is gone, clients are refused

    def __enter__(self) -> Service:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End whatever is left of it, at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(DEADLINE_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> Recording:
        """Ask it to end as an operator would; the finished recording."""
        self.process.send_signal(number)
        self.wait()
        return Recording(self.output)

    def wait(self) -> int:
        """The exit status, once it ends by itself."""
        try:
            return self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running\n{self.stderr.read_text()[-4000:]}") from None

    def get(self, url: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """One request."""
        return asyncio.run(fetch(self.port, url, method, body, headers))

    def get_all(self, urls: Iterable[str], at_once: int = 64) -> list[Reply]:
        """Many requests, this many of them open at a time; the replies in their order."""
        return asyncio.run(fetch_all(self.port, list(urls), at_once))


async def fetch(
    port: int, url: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Reply:
    """One request on a connection of its own."""
    return await asyncio.wait_for(_fetch(port, url, method, body, headers or {}), DEADLINE_SECONDS)


async def fetch_all(port: int, urls: list[str], at_once: int) -> list[Reply]:
    """Each url once, on a connection of its own; at most `at_once` of them open."""
    free = asyncio.Semaphore(at_once)

    async def one(url: str) -> Reply:
        async with free:
            return await fetch(port, url)

    return list(await asyncio.gather(*map(one, urls)))


async def _fetch(port: int, url: str, method: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=16 * MIB)
    try:
        names = {"Host": "localhost", "Connection": "close", **headers}
        if body:
            names.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
        writer.write(f"{method} {url} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        reply = await read_reply(reader, method)
        if names["Connection"] == "close":
            await _server_is_done(reader)
        return reply
    except (ConnectionError, asyncio.IncompleteReadError):
        return Reply()
    finally:
        writer.close()


async def _server_is_done(reader: asyncio.StreamReader) -> None:
    """Until it closes its side: what it has to do with the request comes before that, if it does so at all."""
    with suppress(ConnectionError, asyncio.TimeoutError):
        await asyncio.wait_for(reader.read(), CLOSES_WITHIN_SECONDS)


async def read_reply(reader: asyncio.StreamReader, method: str = "GET") -> Reply:
    """Status, headers and the whole body; IncompleteReadError where it is cut short."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    reply = Reply(int(first.split()[1]), [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines)])
    if method == "HEAD" or reply.status in (204, 304):
        return reply
    length = reply.header("content-length")
    if length is not None:
        reply.body = await reader.readexactly(int(length))
    elif (reply.header("transfer-encoding") or "").lower() == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            reply.body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        reply.body = await reader.read()
    return reply


def eventually(what: str, condition: Callable[[], Any], within: float = DEADLINE_SECONDS) -> Any:
    """Ask until the answer is true: for what happens in another process and cannot be waited for otherwise."""
    give_up = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < give_up, f"did not happen in {within} s: {what}"
        time.sleep(0.02)
    return answer
