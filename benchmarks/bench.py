"""`make bench`: what heapledger costs, beside bare, tracemalloc and memray, measured in one run.

Figures go to build/bench.json and, as tables, to stdout; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import http_cpu, instructions, memory  # noqa: E402
from benchmarks.variants import BARE, HEAPLEDGER, MEMRAY, MEMRAY_PYMALLOC, PYTHON_ONLY, TRACEMALLOC  # noqa: E402

EXACT = (BARE, PYTHON_ONLY, HEAPLEDGER)
EVERYTHING = (BARE, PYTHON_ONLY, HEAPLEDGER, TRACEMALLOC, MEMRAY, MEMRAY_PYMALLOC)
SECTIONS = ("instructions", "memory", "cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="measure this alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one round of CPU instead of three")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json")
    options = parser.parse_args()
    wanted = options.only or SECTIONS
    figures: dict[str, Any] = {"schema": "heapledger.bench/1", "machine": machine()}
    if "instructions" in wanted:
        figures["instructions_per_request"] = instructions.measure(EXACT, say)
    if "memory" in wanted:
        figures["rss_bytes"] = memory.measure(EXACT, say)
    if "cpu" in wanted:
        figures["cpu_seconds_per_request"] = http_cpu.measure(EVERYTHING, say, 1 if options.quick else http_cpu.ROUNDS)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(figures, indent=1) + "\n")
    print(tables(figures))


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr)


def machine() -> dict[str, str | int]:
    packages = ("heapledger", "Flask", "fastapi", "gunicorn", "uvicorn", "memray")
    return {
        "python": platform.python_version(),
        "executable": sys.base_exec_prefix + "/bin/python" + ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        **{name: importlib.metadata.version(name) for name in packages},
    }


def tables(figures: Mapping[str, Any]) -> str:
    lines = [f"Python {figures['machine']['python']} ({figures['machine']['executable']})"]
    if "instructions_per_request" in figures:
        lines += ["", "Instructions per request"]
        lines += two_level_table(figures["instructions_per_request"], lambda count: f"{count:,.0f}")
    if "rss_bytes" in figures:
        lines += ["", "Resident memory"]
        lines += two_level_table(figures["rss_bytes"], lambda size: f"{size / 2**20:.1f} MiB")
    if "cpu_seconds_per_request" in figures:
        lines += ["", "CPU per request over HTTP (median, lowest and highest round)"]
        rows = []
        for framework, by_variant in figures["cpu_seconds_per_request"].items():
            bare = by_variant["bare"]["median"]
            for name, seconds in by_variant.items():
                spread = f"{seconds['low'] * 1e6:,.0f} to {seconds['high'] * 1e6:,.0f}"
                rows.append(
                    (framework, name, f"{seconds['median'] * 1e6:,.0f} us", spread, f"{seconds['median'] / bare:.3f}x")
                )
        lines += aligned(rows)
    return "\n".join(lines)


def two_level_table(figures: Mapping[str, Any], show: Any) -> list[str]:
    """One line for each framework and endpoint or moment: bare, then each other variant with its ratio."""
    names = list(next(iter(next(iter(figures.values())).values())))
    rows = [("", "", names[0], *(cell for name in names[1:] for cell in (name, "ratio")))]
    for framework, lines in figures.items():
        for label, by_variant in lines.items():
            bare = by_variant[names[0]]
            cells = [cell for n in names[1:] for cell in (show(by_variant[n]), f"{by_variant[n] / bare:.3f}x")]
            rows.append((framework, label, show(bare), *cells))
    return aligned(rows)


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


if __name__ == "__main__":
    main()
