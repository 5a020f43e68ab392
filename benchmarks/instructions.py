"""Instructions per request, from callgrind: exact, whatever else the machine is doing.

Each endpoint is served FEW and then MANY times in one process, with a count taken after each; the slope between the two
counts leaves out start-up and the cost of counting. That is done ROUNDS times and the median is the figure: what comes
by the clock and not by the request (the engine looks at the process about once a second) comes some 50 times as often
under callgrind, and hits one round of one endpoint.
"""

from __future__ import annotations

import ctypes
import gc
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import driver
from benchmarks.variants import Variant
from benchmarks.workload import REQUESTS, SERVICES, Request, Service

WARM_UP, FEW, MANY, ROUNDS = 40, 10, 50, 5
SECONDS = 1200


def measure(variants: Iterable[Variant], say: Callable[[str], None]) -> dict[str, dict[str, dict[str, float]]]:
    """Instructions per request by framework, endpoint and variant."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="heapledger-bench-") as scratch:
        marks = build_marks(Path(scratch))
        for service in SERVICES:
            for variant in variants:
                say(f"instructions: {service.framework}, {variant.name}")
                for endpoint, count in run_counted(service, variant, marks, Path(scratch)).items():
                    figures.setdefault(service.framework, {}).setdefault(endpoint, {})[variant.name] = count
    return figures


def build_marks(scratch: Path) -> Path:
    library = scratch / "callgrind_marks.so"
    source = Path(__file__).parent / "callgrind_marks.c"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    return library


def run_counted(service: Service, variant: Variant, marks: Path, scratch: Path) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    command = [
        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/counts", "--quiet"),
        *(sys.executable, "-m", "benchmarks.instructions", service.framework, str(marks)),
    ]
    finished = subprocess.run(
        command, env=variant.variables(folder), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if finished.returncode != 0:
        raise SystemExit(f"error: {' '.join(command)}\n{finished.stderr[-3000:]}")
    counts = dict(read_counts(folder))

    def slope(name: str, turn: int) -> float:
        return (counts[f"{name} many {turn}"] - counts[f"{name} few {turn}"]) / (MANY - FEW)

    return {
        request.name: statistics.median(slope(request.name, turn) for turn in range(ROUNDS)) for request in REQUESTS
    }


def read_counts(folder: Path) -> Iterable[tuple[str, int]]:
    for path in folder.glob("counts*"):
        text = path.read_text(errors="replace")
        trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
        if trigger and total:
            yield trigger[1], int(total[1])


def serve_counted(service: Service, mark: Callable[[str], None]) -> None:
    """What runs under callgrind."""

    def phase(serve: Callable[[Request], None]) -> None:
        for request in REQUESTS:
            for _ in range(WARM_UP):
                serve(request)
            for turn in range(ROUNDS):
                for name, times in (("few", FEW), ("many", MANY)):
                    gc.collect()
                    mark("between")
                    for _ in range(times):
                        serve(request)
                    mark(f"{request.name} {name} {turn}")

    driver.drive(service, phase)


if __name__ == "__main__":
    library = ctypes.CDLL(sys.argv[2])
    serve_counted(
        next(service for service in SERVICES if service.framework == sys.argv[1]),
        lambda name: library.mark(name.encode()),
    )
