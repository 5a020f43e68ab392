"""Programs under `heapledger run` with native memory, and what was recorded of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import serving
from serving import Recording

# The allocators' shared libraries, from packages of Debian (tools/build-tests installs them).
BEHIND = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4"}


def library(name: str) -> str:
    found = [
        path
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
        for path in Path(folder).glob(BEHIND[name])
    ]
    if not found:
        pytest.skip(f"{BEHIND[name]} is not installed here")
    return str(found[0])


def run(
    folder: Path, command: list[str], *options: str, status: int = 0, **variables: str
) -> tuple[subprocess.CompletedProcess[str], Recording]:
    """A command under `heapledger run`, and its recording."""
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    output = folder / "recording.db"
    ran = subprocess.run(
        [serving.heapledger(), "run", "--force", "-o", str(output), "--run-dir", str(folder / "run"), *options, "--",
         *command],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(serving.TESTS), "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ran.returncode == status, ran.stderr[-3000:]
    return ran, Recording(output)


def program(text: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text)]


def by_route(recording: Recording) -> dict[str, list[serving.Row]]:
    rows: dict[str, list[serving.Row]] = {}
    for row in recording.requests():
        rows.setdefault(row["route"], []).append(row)
    return rows


def native(rows: list[serving.Row]) -> list[int]:
    return [row["native_allocated_bytes"] for row in rows]


SERVED = """
    import ctypes, heapledger, threading, zlib, lzma, gc
    kept = []
    def job(n):
        with heapledger.request("job"):
            data = bytes(range(256)) * 400
            kept.append(zlib.compress(data + bytes([n % 256]), 1)); lzma.compress(data[:20000], preset=0)
            kept.append([{k: bytes(k)} for k in range(300)])
            del kept[:-40]
    threads = [threading.Thread(target=lambda: [job(n) for n in range(40)]) for _ in range(4)]
    [t.start() for t in threads]; [t.join() for t in threads]
    del kept[:]; gc.collect()
"""
