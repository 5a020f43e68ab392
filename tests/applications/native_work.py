"""Work that allocates outside of Python's allocators, each kind of a cost that can be told. Run as a program.

    python -m applications.native_work asyncio|threads KINDS ROUNDS TOGETHER

Each kind is a request of its own (`heapledger.request`). First every kind runs alone, ROUNDS times, then all kinds run
at once with their steps interleaved. What the allocator says of the blocks at hand is printed as JSON.
"""

from __future__ import annotations

import asyncio
import bz2
import ctypes
import json
import lzma
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import heapledger

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.calloc.restype = libc.realloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.malloc_usable_size.argtypes = [ctypes.c_void_p]
libc.malloc_usable_size.restype = ctypes.c_size_t
libc.posix_memalign.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_size_t]

TEXT = b"".join(b'{"id": %d, "name": "customer number %d", "tags": ["a", "b"]}\n' % (n, n) for n in range(2000))
DOCUMENT = b"[" + b",".join(TEXT.splitlines()) + b"]"
XML = b"<orders>" + b"".join(b'<order id="%d"><name>n%d</name></order>' % (n, n) for n in range(2000)) + b"</orders>"

# kind -> what the allocator says of its blocks, where they are at hand; one for each time.
usable: dict[str, list[int]] = {}
freed_elsewhere: list[int] = []  # blocks that the main thread frees, outside of every request

Steps = Iterator[None]


def _sizes(blocks: list[int]) -> int:
    return sum(libc.malloc_usable_size(block) for block in blocks)


def malloc_kind() -> Steps:
    blocks = []
    for size in (1, 24, 25, 100, 4096, 100_000):
        blocks.append(libc.malloc(size))
        yield
    usable.setdefault("malloc", []).append(_sizes(blocks))
    for block in blocks:
        libc.free(block)


def calloc_kind() -> Steps:
    blocks = []
    for size in (3, 300, 30_000):
        blocks.append(libc.calloc(7, size))
        yield
    usable.setdefault("calloc", []).append(_sizes(blocks))
    freed_elsewhere.extend(blocks)


def realloc_kind() -> Steps:
    """Grows in place or not, and moves: what counts is the sum of what each call obtained."""
    block = libc.malloc(1000)
    total = libc.malloc_usable_size(block)
    for size in (3000, 50_000, 10):
        yield
        block = libc.realloc(block, size)
        total += libc.malloc_usable_size(block)
    usable.setdefault("realloc", []).append(total)
    libc.free(block)


def memalign_kind() -> Steps:
    blocks = []
    for alignment, size in ((64, 1000), (4096, 5000), (16, 24)):
        place = ctypes.c_void_p()
        assert libc.posix_memalign(ctypes.byref(place), alignment, size) == 0
        blocks.append(place.value or 0)
        yield
    usable.setdefault("memalign", []).append(_sizes(blocks))
    for block in blocks:
        libc.free(block)


def zlib_kind() -> Steps:
    compressor = zlib.compressobj()
    for start in range(0, len(TEXT), 20_000):
        compressor.compress(TEXT[start : start + 20_000])
        yield
    compressor.flush()


def unzip_kind() -> Steps:
    packed = zlib.compress(TEXT)
    expander = zlib.decompressobj()
    for start in range(0, len(packed), 2000):
        expander.decompress(packed[start : start + 2000])
        yield


def bz2_kind() -> Steps:
    compressor = bz2.BZ2Compressor(1)
    for start in range(0, 60_000, 20_000):
        compressor.compress(TEXT[start : start + 20_000])
        yield
    compressor.flush()


def lzma_kind() -> Steps:
    compressor = lzma.LZMACompressor(preset=0)
    for start in range(0, 60_000, 20_000):
        compressor.compress(TEXT[start : start + 20_000])
        yield
    compressor.flush()


def ssl_kind() -> Steps:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    yield
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    yield
    try:
        engine.do_handshake()
    except ssl.SSLWantReadError:
        outgoing.read()
    yield


def numpy_kind() -> Steps:
    import numpy

    arrays = []
    for count in (1000, 50_000):
        arrays.append(numpy.ones(count))
        yield
    usable.setdefault("numpy", []).append(_sizes([array.ctypes.data for array in arrays]))
    del arrays


def orjson_kind() -> Steps:
    import orjson

    kept = orjson.loads(DOCUMENT)
    yield
    orjson.dumps(kept)
    yield


def pydantic_kind() -> Steps:
    from pydantic import TypeAdapter

    adapter: Any = _adapter(TypeAdapter)
    kept = adapter.validate_json(DOCUMENT)
    yield
    adapter.dump_json(kept)
    yield


def lxml_kind() -> Steps:
    from lxml import etree

    root = etree.fromstring(XML)
    yield
    assert len(root) == 2000
    etree.tostring(root)
    yield


def strdup_kind() -> Steps:
    """The C library's own callers of malloc."""
    libc.strdup.restype = ctypes.c_void_p
    libc.strdup.argtypes = [ctypes.c_char_p]
    blocks = [libc.strdup(b"x" * length) for length in (10, 1000)]
    yield
    usable.setdefault("strdup", []).append(_sizes(blocks))
    for block in blocks:
        libc.free(block)


def thread_kind() -> Steps:
    """Freed by a thread that belongs to nobody."""
    blocks = [libc.malloc(size) for size in (5000, 64)]
    yield
    usable.setdefault("thread", []).append(_sizes(blocks))
    done = threading.Thread(target=lambda: [libc.free(block) for block in blocks])
    done.start()
    done.join()


def plain_kind() -> Steps:
    for _ in range(3):
        yield


_adapters: dict[str, Any] = {}


def _adapter(make: Any) -> Any:
    if "dicts" not in _adapters:
        _adapters["dicts"] = make(list[dict[str, Any]])
    return _adapters["dicts"]


KINDS: dict[str, Callable[[], Steps]] = {
    name.removesuffix("_kind"): function for name, function in list(globals().items()) if name.endswith("_kind")
}


async def in_tasks(kinds: list[str], label: str) -> None:
    everybody = asyncio.Barrier(len(kinds)) if sys.version_info >= (3, 11) else None

    async def one(kind: str) -> None:
        if everybody is not None:
            await everybody.wait()
        with heapledger.request(f"{label} {kind}"):
            for _ in KINDS[kind]():
                await asyncio.sleep(0)

    await asyncio.gather(*map(one, kinds))


def in_threads(kinds: list[str], label: str) -> None:
    everybody = threading.Barrier(len(kinds))

    def one(kind: str) -> None:
        everybody.wait()
        with heapledger.request(f"{label} {kind}"):
            for _ in KINDS[kind]():
                pass

    threads = [threading.Thread(target=one, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(how: str, kinds: list[str], label: str) -> None:
    if how == "asyncio":
        asyncio.run(in_tasks(kinds, label))
    else:
        in_threads(kinds, label)
    while freed_elsewhere:
        libc.free(freed_elsewhere.pop())


def main() -> None:
    how, kinds, rounds = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
    for kind in kinds:
        run(how, [kind], "warm")
    usable.clear()
    for _ in range(rounds):
        for kind in kinds:
            run(how, [kind], "alone")
    alone = dict(usable)
    usable.clear()
    for _ in range(rounds):
        run(how, kinds, "together")
    json.dump({"alone": alone, "together": usable}, sys.stdout)


if __name__ == "__main__":
    main()
