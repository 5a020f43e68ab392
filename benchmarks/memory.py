"""Resident memory against bare: at rest after real requests, with 180 MB of small blocks, and after freeing them.

The blocks are dicts (Python's allocator) and then the nodes of an lxml tree (malloc's).
"""

from __future__ import annotations

import ctypes
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from lxml import etree

from benchmarks import driver
from benchmarks.variants import Variant
from benchmarks.workload import REQUESTS, SERVICES, Request, Service

HELD_BYTES = 180_000_000
REQUESTS_SERVED = 200
ROUNDS = 3
MOMENTS = (
    "at rest",
    "with 180 MB of small dicts",
    "after freeing them",
    "with an lxml tree of 180 MB",
    "after freeing it",
)
TREE_ELEMENT_BYTES = 272  # two nodes of 120 bytes and the text's 16, as malloc gives them out
SECONDS_AFTER = 4.0  # of requests: what is given back a little at a time has come by then


def measure(variants: Iterable[Variant], say: Callable[[str], None]) -> dict[str, dict[str, dict[str, int]]]:
    """Resident bytes by framework, moment and variant: the median of ROUNDS interleaved rounds."""
    samples: dict[tuple[str, str, str], list[int]] = {}
    for turn in range(ROUNDS):
        for service in SERVICES:
            for variant in variants:
                say(f"memory: {service.framework}, {variant.name}, round {turn + 1} of {ROUNDS}")
                for moment, resident in run_once(service, variant).items():
                    samples.setdefault((service.framework, moment, variant.name), []).append(resident)
    figures: dict[str, dict[str, dict[str, int]]] = {}
    for (framework, moment, name), resident in samples.items():
        figures.setdefault(framework, {}).setdefault(moment, {})[name] = int(statistics.median(resident))
    return figures


def run_once(service: Service, variant: Variant) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="heapledger-bench-") as scratch:
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", service.framework],
            env=variant.variables(Path(scratch)),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    if finished.returncode != 0:
        raise SystemExit(f"error: {service.framework} under {variant.name}\n{finished.stderr[-3000:]}")
    return dict(json.loads(finished.stdout.splitlines()[-1]))


def resident_bytes() -> int:
    """Rss of this process, the pages of a shared ledger included."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def serve_and_hold(service: Service) -> dict[str, int]:
    """What runs in the measured process."""

    def phase(serve: Callable[[Request], None]) -> None:
        for _ in range(REQUESTS_SERVED):
            for request in REQUESTS:
                serve(request)

    driver.drive(service, phase)
    gc.collect()
    resident = [resident_bytes()]
    one = sys.getsizeof({"id": 0})
    held = [{"id": number} for number in range(HELD_BYTES // one)]
    resident.append(resident_bytes())
    del held
    gc.collect()
    resident.append(resident_bytes())
    tree = etree.Element("orders")
    for _ in range(HELD_BYTES // TREE_ELEMENT_BYTES):
        etree.SubElement(tree, "order").text = "a text"
    resident.append(resident_bytes())
    del tree
    gc.collect()
    # Whether glibc returns the heap by itself hangs on what happens to lie at its top: have it do so in every variant.
    ctypes.CDLL(None).malloc_trim(0)
    until = time.monotonic() + SECONDS_AFTER

    def go_on(serve: Callable[[Request], None]) -> None:
        while time.monotonic() < until:
            for request in REQUESTS:
                serve(request)

    driver.drive(service, go_on)
    resident.append(resident_bytes())
    return dict(zip(MOMENTS, resident, strict=True))


if __name__ == "__main__":
    print(json.dumps(serve_and_hold(next(s for s in SERVICES if s.framework == sys.argv[1]))))
