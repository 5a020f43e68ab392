"""Native memory: every block of malloc is its request's, whichever library took it, and nothing else changes."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from statistics import median

import pytest
from native_runs import BEHIND, SERVED, by_route, library, native, program, run
from serving import MIB

PAGE = 4096
KINDS = "malloc,calloc,realloc,memalign,strdup,thread,zlib,unzip,bz2,lzma,ssl,numpy,orjson,pydantic,lxml,plain"


@pytest.mark.parametrize("how", ["asyncio", "threads"])
def test_sixteen_kinds_of_native_work_are_charged_to_their_request_while_interleaved(how: str, tmp_path: Path) -> None:
    rounds = 5
    command = [sys.executable, "-m", "applications.native_work", how, KINDS, str(rounds)]
    ran, recording = run(tmp_path, command, "--quiet")
    known = json.loads(ran.stdout)
    rows = by_route(recording)
    wrong = []
    for kind in KINDS.split(","):
        alone, together = native(rows[f"alone {kind}"]), native(rows[f"together {kind}"])
        assert len(alone) == len(together) == rounds
        floor = median(native(rows["alone plain"]))
        for label, seen in (("alone", alone), ("together", together)):
            if kind in known[label]:
                # The blocks are at hand: to the byte of what the allocator says, beside what an empty one takes.
                beside = [booked - block for booked, block in zip(seen, known[label][kind], strict=True)]
                if min(beside) < 0 or median(beside) > floor + PAGE:
                    wrong.append((kind, label, known[label][kind], seen))
            elif abs(median(together) - median(alone)) > max(PAGE * 4, median(alone) // 100):
                wrong.append((kind, alone, together))
    assert not wrong
    for kind, at_least in (
        ("bz2", 900_000),
        ("lzma", 1_000_000),
        ("zlib", 200_000),
        ("lxml", 300_000),
        ("numpy", 400_000),
    ):
        assert median(native(rows[f"together {kind}"])) > at_least, kind
    assert median(native(rows["together plain"])) < PAGE
    recording.assert_balanced()


def test_a_known_block_is_booked_to_the_byte_and_so_are_its_peak_and_what_stays(tmp_path: Path) -> None:
    ran, recording = run(
        tmp_path,
        program("""
            import ctypes, json, heapledger
            libc = ctypes.CDLL(None)
            libc.malloc.restype = ctypes.c_void_p
            libc.malloc_usable_size.argtypes = libc.free.argtypes = [ctypes.c_void_p]
            libc.malloc_usable_size.restype = ctypes.c_size_t
            libc.malloc.argtypes = [ctypes.c_size_t]
            slots = [0] * 3
            def take(count):
                with heapledger.request(f"take {count}"):
                    for n in range(count):
                        slots[n] = libc.malloc(70_001)
                    if count > 1:
                        libc.free(slots[count - 1])
            for _ in range(3):
                for count in (0, 1, 3):
                    take(count)
                    for block in slots[: max(count - 1, count == 1)]:
                        size = libc.malloc_usable_size(block)
                        libc.free(block)
            print(size)
        """),
        "--quiet",
    )
    size = int(ran.stdout)
    rows = by_route(recording)
    none, one, three = (rows[f"take {count}"][-1] for count in (0, 1, 3))
    for figure in ("native_allocated_bytes", "native_peak_bytes"):
        assert one[figure] - none[figure] == size, figure
        assert three[figure] - one[figure] == 2 * size, figure
    boxes = 1024  # the addresses as Python's integers
    for figure, blocks in (("allocated_bytes", 3), ("peak_bytes", 3), ("escaped_bytes", 2)):
        assert size <= one[figure] - none[figure] < size + boxes, figure
        assert blocks * size <= three[figure] - none[figure] < blocks * size + boxes, figure
    recording.assert_balanced()


def test_what_python_itself_asks_of_malloc_is_not_native(tmp_path: Path) -> None:
    _, recording = run(
        tmp_path,
        program("""
            import heapledger
            with heapledger.request("python"):
                table = {n: n for n in range(5000)}
                held = [bytearray(1_000_000), bytes(70_000), list(range(50_000)), "x" * 5000, table]
            del held
        """),
        "--quiet",
    )
    [row] = recording.requests("python")
    assert row["allocated_bytes"] > 1_500_000
    assert row["native_allocated_bytes"] < PAGE
    assert row["native_peak_bytes"] < PAGE
    recording.assert_balanced()


def test_two_hundred_lxml_jobs_in_a_pool_are_charged_two_hundred_times(tmp_path: Path) -> None:
    pytest.importorskip("lxml")
    _, recording = run(
        tmp_path,
        program("""
            import concurrent.futures, heapledger
            from lxml import etree
            XML = b"<a>" + b"<b x='1'>text</b>" * 3000 + b"</a>"
            kept = []
            def job():
                kept.append(etree.fromstring(XML))
            def serve(n):
                with heapledger.request("parse"):
                    pool.submit(job).result()
            with concurrent.futures.ThreadPoolExecutor(4) as pool, concurrent.futures.ThreadPoolExecutor(8) as front:
                list(front.map(serve, range(200)))
        """),
        "--quiet",
    )
    rows = recording.requests("parse")
    assert len(rows) == 200
    charged = [row for row in rows if row["native_allocated_bytes"] > 300_000]
    assert len(charged) == 200
    recording.assert_balanced()


@pytest.mark.parametrize("name", BEHIND)
def test_the_books_balance_with_another_allocator_behind(name: str, tmp_path: Path) -> None:
    ran, recording = run(tmp_path, program(SERVED), "--quiet", LD_PRELOAD=library(name))
    assert ran.stderr == ""
    assert recording.analysis()["recording"]["native"] is True
    assert min(native(recording.requests("job"))) > 256_000
    [worker] = recording.query("SELECT allocator FROM worker")
    assert worker["allocator"] == f"{BEHIND[name]}, 8-byte granules"
    recording.assert_balanced()


@pytest.mark.parametrize("name", ["jemalloc", "mimalloc"])
def test_operators_of_such_an_allocator_are_seen_too(name: str, tmp_path: Path) -> None:
    _, recording = run(
        tmp_path,
        program("""
            import ctypes, heapledger
            cxx = ctypes.PyDLL(None)  # keeps the GIL: who frees is known then
            new, delete = cxx._Znwm, cxx._ZdlPv
            new.restype, new.argtypes, delete.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
            with heapledger.request("new"):
                block = new(100_000)
            with heapledger.request("delete"):
                delete(block)
        """),
        "--quiet",
        LD_PRELOAD=library(name),
    )
    assert native(recording.requests("new"))[0] >= 100_000
    assert recording.requests("new")[0]["escaped_bytes"] >= 100_000
    assert recording.requests("delete")[0]["adopted_bytes"] >= 100_000
    recording.assert_balanced()


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_books_balance_with_tracemalloc(when: str, tmp_path: Path) -> None:
    text = SERVED if when == "before" else "import tracemalloc; tracemalloc.start()\n" + textwrap.dedent(SERVED)
    _, recording = run(tmp_path, program(text), "--quiet", **({"PYTHONTRACEMALLOC": "1"} if when == "before" else {}))
    assert len(recording.requests("job")) == 160
    recording.assert_balanced()


def test_the_books_balance_when_no_arena_can_be_mapped(tmp_path: Path) -> None:
    """Pymalloc then takes small blocks from malloc: the interposer's, and counted once."""
    ran, recording = run(
        tmp_path,
        program("""
            import ctypes, heapledger
            libc = ctypes.CDLL(None)
            libc.malloc.restype = ctypes.c_void_p
            libc.malloc.argtypes = [ctypes.c_size_t]; libc.free.argtypes = [ctypes.c_void_p]
            class Arenas(ctypes.Structure):
                _fields_ = [("ctx", ctypes.c_void_p), ("alloc", ctypes.c_void_p), ("free", ctypes.c_void_p)]
            arenas = Arenas()
            ctypes.pythonapi.PyObject_GetArenaAllocator(ctypes.byref(arenas))
            # calloc(ctx, bytes) with a count that overflows: no arena from here on.
            none = Arenas(1 << 63, ctypes.cast(libc.calloc, ctypes.c_void_p).value, arenas.free)
            ctypes.pythonapi.PyObject_SetArenaAllocator(ctypes.byref(none))
            with heapledger.request("no arenas"):
                held = [{n: str(n)} for n in range(60_000)]
            ctypes.pythonapi.PyObject_SetArenaAllocator(ctypes.byref(arenas))
            print(len(held))
            del held
        """),
        "--quiet",
    )
    assert ran.stdout == "60000\n"
    [row] = recording.requests("no arenas")
    assert row["allocated_bytes"] > 60_000 * 200
    assert row["native_allocated_bytes"] < MIB
    recording.assert_balanced()
