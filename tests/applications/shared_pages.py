"""A Flask service that holds pages from before its workers were forked, and a request that writes to all of them."""

from __future__ import annotations

import os

from flask import Flask

HELD_BYTES = 64 * 1024 * 1024
PAGE_BYTES = 4096

app = Flask("shared")
held = bytearray(b"\x01") * HELD_BYTES


@app.get("/pid")
def pid() -> str:
    return str(os.getpid())


@app.get("/write")
def write() -> str:
    for at in range(0, HELD_BYTES, PAGE_BYTES):
        held[at] = 2
    return str(os.getpid())


@app.get("/objects")
def objects() -> str:
    """Fill arenas, for as long as the process lives."""
    app.extensions.setdefault("objects", []).extend({"number": number} for number in range(100_000))
    return str(os.getpid())
