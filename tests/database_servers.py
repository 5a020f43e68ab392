"""PostgreSQL and Redis from Debian, each on a free port of the loopback with a data folder of its own."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_START_SECONDS = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_postgres() -> dict[str, int]:
    """Options of subprocess: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server's connection string, as psycopg takes it."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    # Not below pytest's own folders: those are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="heapledger-postgres-"))
    run_as = _as_postgres()
    if run_as:
        os.chown(folder, run_as["user"], run_as["group"])
    data = folder / "data"
    port = _free_port()
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "--no-instructions"],
        cwd=folder, capture_output=True, check=True, timeout=_START_SECONDS, **run_as,
    )  # fmt: skip
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off",
                "shared_buffers": "16MB", "max_connections": 60}  # fmt: skip
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *flags], cwd=folder, stdout=log, stderr=log, **run_as
        )
    try:
        _await_port(port, server, folder / "log")
        yield f"host=127.0.0.1 port={port} user=tester dbname=postgres"
    finally:
        server.send_signal(signal.SIGINT)  # fast: connections are cut
        server.wait(timeout=_START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _await_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """PostgreSQL answers on its port only once it takes connections (until then in words)."""
    deadline = time.monotonic() + _START_SECONDS
    ready = [max(Path("/usr/lib/postgresql").glob("*/bin")) / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        if subprocess.run(ready, check=False, timeout=_START_SECONDS).returncode == 0:
            return
        select.select([], [], [], 0.05)
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """A Redis server's port."""
    folder = Path(tempfile.mkdtemp(prefix="heapledger-redis-"))
    port = _free_port()
    server = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                break
        else:
            raise AssertionError(f"Redis did not start: {''.join(said)}")
        yield port
    finally:
        server.terminate()
        server.communicate(timeout=_START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
