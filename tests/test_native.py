"""Native memory: every block of malloc is its request's, whichever library took it, and nothing else changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import serving
from serving import MIB, Recording

PAGE = 4096
KINDS = "malloc,calloc,realloc,memalign,strdup,thread,zlib,unzip,bz2,lzma,ssl,numpy,orjson,pydantic,lxml,plain"
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


ENVIRONMENT_OF_CHILD = """
    import json, os, subprocess, sys
    import multiprocessing
    def seen():
        return sorted(name for name in os.environ if name.startswith("HEAPLEDGER") or name == "LD_PRELOAD")
    def preloaded():
        return "libheapledger_preload" in open("/proc/self/maps").read()
    if __name__ == "__main__":
        script = (
            "import os; print('LD_PRELOAD' in os.environ, 'libheapledger_preload' in open('/proc/self/maps').read())"
        )
        answers = {
            "here": [seen(), preloaded()],
            "env": subprocess.run(["env"], capture_output=True, text=True).stdout.count("heapledger_preload"),
            "shell": subprocess.run("cat /proc/self/maps", shell=True, capture_output=True, text=True).stdout.count(
                "heapledger_preload"),
            "python": subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.split(),
        }
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            answers["spawn"] = pool.apply(preloaded)
        print(json.dumps(answers))
"""


def test_only_children_that_are_a_supported_python_keep_the_library(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(ENVIRONMENT_OF_CHILD))
    ran, _ = run(tmp_path, [sys.executable, str(script)], "--quiet")
    answers: dict[str, Any] = json.loads(ran.stdout)
    assert answers["here"] == [[], True]
    assert answers["env"] == answers["shell"] == 0
    assert answers["python"] == ["False", "True"]
    assert answers["spawn"] is True


@pytest.mark.parametrize(
    "wrapper",
    [["sh", "-c", 'exec "$0" "$@"'], ["sh", "-c", '"$0" "$@"; exit $?'], ["env", "A=1"], ["nice", "-n", "1"]],
    ids=["sh exec", "sh", "env", "nice"],
)
def test_a_wrapper_around_python_changes_nothing(wrapper: list[str], tmp_path: Path) -> None:
    ran, recording = run(tmp_path, [*wrapper, *program(SERVED)], "--quiet")
    assert ran.stderr == ""
    assert recording.analysis()["recording"]["native"] is True
    assert len(recording.requests("job")) == 160
    recording.assert_balanced()


def test_a_library_that_the_user_preloads_is_still_loaded(tmp_path: Path) -> None:
    ran, _ = run(
        tmp_path,
        program("import os; print(os.environ['LD_PRELOAD']); print('jemalloc' in open('/proc/self/maps').read())"),
        "--quiet",
        LD_PRELOAD=library("jemalloc"),
    )
    assert ran.stdout.split() == [library("jemalloc"), "True"]


def test_a_sanitizer_that_the_user_preloads_stays_first(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or pytest.skip("no compiler here")
    asked = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    runtime = Path(asked.stdout.strip())
    if not runtime.is_absolute():
        pytest.skip("no AddressSanitizer here")
    ran, recording = run(
        tmp_path, program("print(1)"), "--quiet", LD_PRELOAD=str(runtime), ASAN_OPTIONS="detect_leaks=0"
    )
    assert (ran.stdout, ran.stderr) == ("1\n", "")
    assert recording.analysis()["recording"]["native"] is False


def test_without_native_nothing_is_preloaded_and_the_report_says_so(tmp_path: Path) -> None:
    maps = "print('heapledger_preload' in open('/proc/self/maps').read())"
    ran, recording = run(tmp_path, program(textwrap.dedent(SERVED) + maps), "--no-native")
    assert ran.stdout == "False\n"
    document = recording.analysis()
    assert document["recording"]["native"] is False
    assert document["endpoints"][0]["native_allocated_bytes"] is None
    assert "Python's memory only" in ran.stderr
    recording.assert_balanced()


def test_a_static_program_is_left_alone(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or pytest.skip("no compiler here")
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n')
    subprocess.run([compiler, "-static", str(source), "-o", str(tmp_path / "static")], check=True, timeout=60)
    ran, _ = run(tmp_path, [str(tmp_path / "static")], "--quiet")
    assert (ran.stdout, ran.stderr) == ("hello\n", "")


@pytest.mark.parametrize("limit_mib", [500])
def test_it_lives_under_a_small_address_space(limit_mib: int, tmp_path: Path) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit_mib} << 20,) * 2)\n"
    ran, recording = run(
        tmp_path, ["sh", "-c", f'ulimit -v {limit_mib * 1024}; exec "$0" "$@"', *program(SERVED)], "--quiet"
    )
    assert ran.stderr == ""
    assert len(recording.requests("job")) == 160
    recording.assert_balanced()
    ran, recording = run(tmp_path, program(limited + textwrap.dedent(SERVED)), "--quiet")
    assert len(recording.requests("job")) == 160


def test_freed_memory_is_perturbed_as_without_us(tmp_path: Path) -> None:
    ran, recording = run(tmp_path, program(SERVED), "--quiet", MALLOC_PERTURB_="165")
    assert ran.stderr == ""
    recording.assert_balanced()


def test_a_sub_interpreters_native_blocks_keep_the_books_balanced(tmp_path: Path) -> None:
    ran, recording = run(
        tmp_path,
        program("""
            import heapledger
            try:
                import _interpreters as interpreters
            except ImportError:
                import _xxsubinterpreters as interpreters
            with heapledger.request("around"):
                other = interpreters.create()
                interpreters.run_string(other, "import zlib; kept = [zlib.compressobj() for _ in range(5)]")
                interpreters.destroy(other)
        """),
        "--quiet",
    )
    assert ran.stderr == ""
    recording.assert_balanced()


@pytest.mark.parametrize("application", ["applications.served_flask:app", "applications.served_django:app"])
@pytest.mark.parametrize("options", [["--workers", "2"], ["--workers", "2", "--preload"]], ids=["prefork", "preload"])
def test_forked_workers_keep_balanced_books(application: str, options: list[str], tmp_path: Path) -> None:
    with serving.Service(tmp_path, serving.gunicorn(application, *options, workers=2)) as service:
        replies = service.get_all(["/"] * 60, at_once=8)
        assert {reply.status for reply in replies} <= {200, 404}
        recording = service.stop()
    assert recording.analysis()["recording"]["native"] is True
    assert len(recording.requests()) == 60
    recording.assert_balanced()
