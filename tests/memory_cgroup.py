"""A memory cgroup of our own, version 1 or 2: a command in it, what it used, and whether the kernel killed there."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from pathlib import Path

import serving

ROOT = Path("/sys/fs/cgroup")


def _own_paths() -> dict[str, str]:
    paths = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        paths[controllers] = path
    return paths


class MemoryCgroup:
    """Made on entry, removed on exit with all that runs in it. `OSError` where this machine does not let us."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        paths = _own_paths()
        name = f"heapledger-{uuid.uuid4().hex[:8]}"
        memory = next((path for key, path in paths.items() if "memory" in key.split(",")), None)
        self.version = 1 if memory is not None else 2
        parent = ROOT / "memory" / memory.lstrip("/") if memory is not None else ROOT / paths.get("", "/").lstrip("/")
        self.folder = parent / name

    def __enter__(self) -> MemoryCgroup:
        self.folder.mkdir()
        try:
            if self.version == 1:
                (self.folder / "memory.limit_in_bytes").write_text(str(self.limit_bytes))
                with contextlib.suppress(OSError):
                    (self.folder / "memory.memsw.limit_in_bytes").write_text(str(self.limit_bytes))
            else:
                (self.folder / "memory.max").write_text(str(self.limit_bytes))
                with contextlib.suppress(OSError):
                    (self.folder / "memory.swap.max").write_text("0")
            self.kills()
        except (OSError, StopIteration):
            self.folder.rmdir()
            raise
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        serving.eventually("the cgroup is empty and gone", self._removed)

    def _removed(self) -> bool:
        for pid in (self.folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            self.folder.rmdir()
        except OSError:  # what was killed is charged here until it is gone
            return False
        return True

    def command(self, command: list[str]) -> list[str]:
        """The same command, in here from its first instruction on."""
        return ["/bin/sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh", *command]

    def kills(self) -> int:
        """How often the OOM killer struck in here."""
        text = (self.folder / ("memory.oom_control" if self.version == 1 else "memory.events")).read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.split()[0] == "oom_kill")

    def peak_bytes(self) -> int:
        """The most that was charged at one moment; 0 where the kernel does not say."""
        path = self.folder / ("memory.max_usage_in_bytes" if self.version == 1 else "memory.peak")
        return int(path.read_text()) if path.exists() else 0
