"""What is compared: the same command bare, under heapledger and under the others. A new column is a new entry here."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to run a service.

    Attributes:
        name: the column's heading.
        environment: variables set on top of a clean environment.
        runs: words put before a command, ending where the service's own words begin; `{scratch}` is a private folder.
        module: whether the words before expect `-m module` instead of a program.
        engine: whether an in-process run needs the autoload that `heapledger run` would set.
        native: whether it needs the preload library too.
    """

    name: str
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    runs: tuple[str, ...] = ()
    module: bool = False
    engine: bool = False
    native: bool = False

    def command(self, module: str, arguments: list[str], scratch: Path) -> list[str]:
        """The service's command line: Python's module `module` with `arguments`."""
        before = [word.format(scratch=scratch) for word in self.runs]
        if self.module:
            return [*before, "-m", module, *arguments]
        return [*before, sys.executable, "-m", module, *arguments]

    def variables(self, scratch: Path) -> dict[str, str]:
        """The environment for a process that runs the service in itself, with no supervisor before it."""
        variables = {**clean_environment(), **self.environment}
        if self.engine:
            variables["HEAPLEDGER_RUN_DIR"] = str(run_folder(scratch))
            variables["PYTHONPATH"] = os.pathsep.join([str(autoload_folder()), variables["PYTHONPATH"]])
        if self.native:
            library = str(autoload_folder().parent / "libheapledger_preload.so")
            variables["LD_PRELOAD"] = variables["HEAPLEDGER_PRELOAD"] = library
        return variables


def clean_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    # A fixed hash seed: dictionaries, and so instruction counts, are the same in every run.
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


def run_folder(scratch: Path) -> Path:
    folder = scratch / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def autoload_folder() -> Path:
    import heapledger

    return Path(heapledger.__file__).parent / "_autoload"


BARE = Variant("bare")
RUN = (str(BIN / "heapledger"), "run", "--quiet", "-o", "{scratch}/heapledger.db")
PYTHON_ONLY = Variant("--no-native", runs=(*RUN, "--no-native", "--"), engine=True)
HEAPLEDGER = Variant("heapledger", runs=(*RUN, "--"), engine=True, native=True)
TRACEMALLOC = Variant("tracemalloc", environment={"PYTHONTRACEMALLOC": "1"})
MEMRAY_WORDS = (sys.executable, "-m", "memray", "run", "--quiet", "--follow-fork", "-o", "{scratch}/memray.bin")
MEMRAY = Variant("memray", runs=MEMRAY_WORDS, module=True)
MEMRAY_PYMALLOC = Variant("memray pymalloc", runs=(*MEMRAY_WORDS, "--trace-python-allocators"), module=True)
