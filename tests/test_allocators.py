"""Whatever allocators a service runs on, it lives, and the recording is right or says that it is not."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from statistics import median

import pytest
import serving
from applications import costs
from serving import MIB, Recording

pytestmark = pytest.mark.every_python

BLOCK = MIB + 13
STRAY_BYTES = 512 * 1024
POOLS, GRANULES = "pymalloc pools", "16-byte granules"
APPLICATION = "applications.costly_flask:app"

# Environment -> the rules by which blocks may be found there.
ALLOCATORS: dict[str, tuple[dict[str, str], set[str]]] = {
    "default": ({}, {POOLS}),
    "pymalloc": ({"PYTHONMALLOC": "pymalloc"}, {POOLS}),
    "malloc": ({"PYTHONMALLOC": "malloc"}, {GRANULES}),
    "debug": ({"PYTHONMALLOC": "debug"}, {GRANULES}),
    "pymalloc_debug": ({"PYTHONMALLOC": "pymalloc_debug"}, {GRANULES}),
    "malloc_debug": ({"PYTHONMALLOC": "malloc_debug"}, {GRANULES}),
    "developer mode": ({"PYTHONDEVMODE": "1"}, {GRANULES}),
    "tracemalloc": ({"PYTHONTRACEMALLOC": "1"}, {POOLS}),
    "tracemalloc and debug": ({"PYTHONTRACEMALLOC": "1", "PYTHONMALLOC": "debug"}, {GRANULES}),
}
if sys.version_info >= (3, 13):
    ALLOCATORS["mimalloc"] = ({"PYTHONMALLOC": "mimalloc"}, {"8-byte granules", GRANULES})
    ALLOCATORS["mimalloc_debug"] = ({"PYTHONMALLOC": "mimalloc_debug"}, {"8-byte granules", GRANULES})


def check_figures(recording: Recording, count: int) -> None:
    rows = recording.requests("/alone/<int:booked>")
    assert len(rows) == count
    for row in rows:
        for figure in ("allocated_bytes", "peak_bytes", "isolated_bytes"):
            assert BLOCK < row[figure] < BLOCK + STRAY_BYTES, figure
    for rounds in (1, 2):
        compressing = recording.requests("/compress/<int:rounds>", version=f"rounds-{rounds}")
        assert len(compressing) == 4
    one, two = (
        median(row["allocated_bytes"] for row in recording.requests("/compress/<int:rounds>", version=f"rounds-{n}"))
        for n in (1, 2)
    )
    assert one > 4 * MIB
    assert abs(two - 2 * one) < STRAY_BYTES


def send(service: serving.Service) -> None:
    replies = service.get_all([f"/alone/{BLOCK}"] * 16, at_once=8)
    assert [reply.status for reply in replies] == [200] * 16
    assert len({reply.body for reply in replies}) == 1
    for rounds in (1, 2, 1, 2, 1, 2, 1, 2):
        reply = service.get(f"/compress/{rounds}", headers={"Accept-Version": f"rounds-{rounds}"})
        assert reply.status == 200


@pytest.mark.parametrize("name", ALLOCATORS)
def test_the_figures_are_right_under(name: str, tmp_path: Path) -> None:
    environment, rules = ALLOCATORS[name]
    command = serving.gunicorn(APPLICATION)
    with serving.Service(tmp_path, command, environment=environment, run_options=["--quiet"]) as service:
        send(service)
        recording = service.stop()
        assert service.process.returncode == 0
        noise = service.stdout.read_text() + service.stderr.read_text()
    assert "Traceback" not in noise
    assert "Fatal" not in noise
    check_figures(recording, 16)
    recording.assert_balanced()
    assert {worker["rule"] for worker in recording.query("SELECT rule FROM worker")} <= rules


def test_tracemalloc_that_comes_and_goes_after_us_changes_nothing(tmp_path: Path) -> None:
    with serving.Service(tmp_path, serving.gunicorn(APPLICATION)) as service:
        for state in ("start", "stop"):
            assert service.get(f"/tracemalloc/{state}").status == 200
            send(service)
        recording = service.stop()
    rows = recording.requests("/alone/<int:booked>")
    assert len(rows) == 32
    for row in rows:
        assert BLOCK < row["allocated_bytes"] < BLOCK + STRAY_BYTES
    recording.assert_balanced()


def test_a_tracemalloc_from_before_us_that_stops_displaces_us_and_the_recording_says_so(tmp_path: Path) -> None:
    command = serving.gunicorn(APPLICATION)
    with serving.Service(tmp_path, command, environment={"PYTHONTRACEMALLOC": "1"}) as service:
        send(service)
        assert service.get("/tracemalloc/stop").status == 200
        send(service)
        recording = service.stop()
        assert service.process.returncode == 0
    [worker] = recording.query("SELECT * FROM worker WHERE ending = 'displaced'")
    assert worker["displaced_us"] is not None
    analysis = recording.analysis()
    assert analysis["accounting"]["balanced"] is None
    assert [w["ending"] for w in analysis["workers"] if w["worker"] == worker["id"]] == ["displaced"]
    printed = subprocess.run(
        [serving.heapledger(), "requests", str(recording.path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "displaced" in printed.stdout or "removed" in printed.stdout


EXACT = """
import heapledger
kept = [None] * 8
def measure(name, allocate, count):
    with heapledger.request(name):
        for n in range(count):
            kept[n] = allocate()
    kept[:] = [None] * 8
sizes = {sizes!r}
for _ in range(5):
    for size in sizes:
        for count in (0, 1, 5):
            measure(f"bytes {{size}} {{count}}", lambda length=size - 33: bytes(length), count)
            measure(f"bytearray {{size}} {{count}}", lambda length=size - {overhead}: bytearray(length), count)
"""


@pytest.mark.parametrize("name", ALLOCATORS)
def test_every_block_is_booked_with_its_size_to_the_byte(name: str, tmp_path: Path) -> None:
    environment, rules = ALLOCATORS[name]
    (tmp_path / "run").mkdir(mode=0o700)
    output = tmp_path / "recording.db"
    run = [serving.heapledger(), "run", "--no-native", "--quiet", "-o", str(output)]
    run += ["--run-dir", str(tmp_path / "run"), "--"]
    sizes = [99, 400, 513, 600, 4097, 65_537, 131_073, BLOCK]
    program = [sys.executable, "-c", EXACT.format(sizes=sizes, overhead=costs.BYTEARRAY_OVERHEAD)]
    subprocess.run([*run, *program], env={"PATH": "/usr/bin:/bin", **environment}, check=True, timeout=60)
    rows: dict[str, list[serving.Row]] = {}
    for row in Recording(output).requests():
        rows.setdefault(row["route"], []).append(row)

    def booked(size: int) -> int:
        """By pymalloc in its size classes, by all else as requested."""
        return -(-size // 16) * 16 if rules == {POOLS} and size <= 512 else size

    header = booked(sys.getsizeof(bytearray()))
    for size in sizes:
        for kind, block in (("bytes", booked(size)), ("bytearray", booked(size) + header)):
            for figure in ("allocated_bytes", "peak_bytes", "escaped_bytes"):
                none, one, five = (median(row[figure] for row in rows[f"{kind} {size} {n}"]) for n in (0, 1, 5))
                assert five - one == 4 * block, (kind, size, figure)
                # Where there is no block the peak may be another moment, with a range's iterator in it.
                assert one - none == block or figure == "peak_bytes", (kind, size, figure)


ENDINGS = {
    "in order": "",
    "a daemon thread that allocates to the last": """
        import threading
        def work():
            while True:
                keep.append(bytearray(1000)); keep.append({}); del keep[:-100]
        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
    """,
    "exit callbacks that allocate": """
        import atexit
        atexit.register(lambda: print(len(bytes(10_000)), len([{} for _ in range(1000)])))
        class Late:
            def __del__(self):
                print("late", sum(len(str(n)) for n in range(1000)))
        late = Late()
    """,
    "an error": "raise RuntimeError('as intended')",
    "a status": "import sys; sys.exit(7)",
    "at once": "import os, sys; sys.stdout.flush(); os._exit(9)",
    "abort": "import os, sys; sys.stdout.flush(); os.abort()",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "inside a request": """
        import sys
        with heapledger.request("unfinished"):
            keep.append(bytearray(5000)); sys.exit(3)
    """,
    "a pool of processes": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(len, [bytes(n) for n in range(100, 110)]))
    """,
    "another interpreter": """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        for _ in range(3):
            other = interpreters.create()
            interpreters.run_string(other, "x = [{n: bytes(n)} for n in range(2000)]; import json")
            keep.append([bytes(600) for _ in range(100)])
            interpreters.destroy(other)
    """,
    "threads that outlive main": """
        import threading
        def work():
            for n in range(2000):
                keep.append(bytes(n)); del keep[:-10]
            print("done")
        threading.Thread(target=work).start()
    """,
}
# Where no exit callback runs, which would close and audit the books.
ENDED = {"at once": ("stopped", None), "abort": ("died", signal.SIGABRT), "a signal": ("stopped", signal.SIGTERM)}
PROGRAM = """
import heapledger
keep = []
for n in range(20):
    with heapledger.request("job"):
        keep.append(bytearray({block} - 1))
        del keep[:]
"""


@pytest.mark.parametrize("allocators", ["default", "debug"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_as_without_us(ending: str, allocators: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(block=BLOCK) + textwrap.dedent(ENDINGS[ending]))
    (tmp_path / "run").mkdir(mode=0o700)
    output = tmp_path / "recording.db"
    bare = [sys.executable, str(program)]
    run = [serving.heapledger(), "run", "--quiet", "-o", str(output), "--run-dir", str(tmp_path / "run"), "--"]
    environment = {"PATH": "/usr/bin:/bin", **ALLOCATORS[allocators][0]}
    without, under = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        for command in (bare, run + bare)
    )
    expected = without.returncode if without.returncode >= 0 else 128 - without.returncode
    assert (under.returncode, under.stdout, under.stderr) == (expected, without.stdout, without.stderr)

    recording = Recording(output)
    rows = recording.requests("job")
    assert len(rows) == 20
    for row in rows:
        assert BLOCK <= row["allocated_bytes"] < BLOCK + 2 * 4096  # a block that malloc maps has a page of its own more
    ended, in_order = ENDED.get(ending, ("frozen", None)), ending not in ENDED
    for worker in recording.query("SELECT * FROM worker ORDER BY id LIMIT 1"):
        assert (worker["ending"], worker["end_signal"]) == ended
        if in_order:
            assert worker["audited_live_bytes"] == worker["live_bytes"]
            assert worker["audited_owner_mismatches"] == 0
    # The children of a pool end at once, and a sum over books that nobody audited is not called balanced.
    in_order = in_order and ending != "a pool of processes"
    assert recording.analysis()["accounting"]["balanced"] is (True if in_order else None)
