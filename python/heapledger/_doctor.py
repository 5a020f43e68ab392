"""What `heapledger doctor` asks of the service's Python: `python -m heapledger._doctor` prints one JSON object."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from heapledger import __version__

OLDEST, NEWEST = (3, 10), (3, 15)
_ALLOCATORS = ("jemalloc", "tcmalloc", "mimalloc")


def unsupported() -> str:
    """Why this Python cannot be recorded, or ""."""
    if sys.implementation.name != "cpython":
        return "only CPython is supported"
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return f"Python {sys.version_info[0]}.{sys.version_info[1]} is not supported: heapledger needs 3.10 to 3.15"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "free-threaded builds of Python are not supported yet"
    return ""


def examine(run_dir: str | None = None) -> dict[str, Any]:
    """The facts. With a run folder the engine is started there, once, to see which rule it finds."""
    reason = unsupported()
    facts: dict[str, Any] = {
        "heapledger_version": __version__,
        "executable": sys.executable,
        "python": sys.version.split()[0],
        "supported": not reason,
        "reason": reason,
        "gil": not sysconfig.get_config_var("Py_GIL_DISABLED"),
        "debug_build": hasattr(sys, "gettotalrefcount"),
        "pythonmalloc": os.environ.get("PYTHONMALLOC", ""),
        "development_mode": sys.flags.dev_mode,
        "tracemalloc": _tracing(),
        "allocator": loaded_allocator(),
        "rule": "",
        "engine": {},
    }
    if not reason:
        _ask_engine(facts, run_dir)
    return facts


def _ask_engine(facts: dict[str, Any], run_dir: str | None) -> None:
    try:
        from heapledger import _engine

        if run_dir and not _engine.start(run_dir):
            facts["supported"] = False
        facts["engine"] = _engine.status()
    except Exception as error:
        facts["supported"] = False
        facts["reason"] = f"the engine cannot be loaded: {error}"
        return
    facts["rule"] = str(facts["engine"].get("rule", ""))
    if not facts["supported"]:
        facts["reason"] = str(facts["engine"].get("reason") or "the engine did not start")


def _tracing() -> bool:
    import tracemalloc

    return tracemalloc.is_tracing()


def loaded_allocator() -> str:
    """The malloc that this process runs on, by what is mapped: glibc unless another library is in front."""
    try:
        maps = Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        return "unknown"
    names = {Path(line.split(maxsplit=5)[5]).name for line in maps.splitlines() if line.count("/")}
    for allocator in _ALLOCATORS:
        if any(name.startswith(f"lib{allocator}") for name in names):
            return allocator
    if any(name.startswith("ld-musl") for name in names):
        return "musl"
    return "glibc" if any(name.startswith(("libc.so", "libc-")) for name in names) else "unknown"


def main(arguments: list[str]) -> int:
    """Print the facts; the status is 0 where recording is possible."""
    facts = examine(arguments[0] if arguments else None)
    print(json.dumps(facts, default=str))
    return 0 if facts["supported"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
