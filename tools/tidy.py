"""Runs clang-tidy over the compile commands in build/tidy; tools/lint calls it.

What was found clean is not read again until the file, a header of ours that it includes, or .clang-tidy changes: a
stamp in build/tidy/clean says so. Arguments are folders or files to keep to.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

BUILD = Path("build/tidy")
CHECKED = ("src/", "tests/unit/", "fuzz/")
INCLUDE_FOLDERS = (Path("src"), Path("include"), BUILD / "src")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@cache
def included(file: Path) -> frozenset[Path]:
    """The headers of ours that a file names itself."""
    names = INCLUDE.findall(file.read_text())
    tried = (folder / name for name in names for folder in (file.parent, *INCLUDE_FOLDERS))
    return frozenset(path for path in tried if path.is_file())


def stamp_of(file: Path) -> Path:
    """Where it is noted that this file, with all it includes, was found clean."""
    seen: set[Path] = set()
    waiting = {file, Path(".clang-tidy")}
    while waiting:
        one = waiting.pop()
        seen.add(one)
        waiting |= included(one) - seen
    digest = hashlib.sha256()
    for one in sorted(seen):
        digest.update(f"{one}\0{hashlib.sha256(one.read_bytes()).hexdigest()}\n".encode())
    return BUILD / "clean" / digest.hexdigest()[:32]


def tidy(file: Path) -> bool:
    """Whether clang-tidy is content with the file; what it says is printed."""
    stamp = stamp_of(file)
    command: list[str | Path] = ["clang-tidy", "--quiet", "-p", BUILD, "--warnings-as-errors=*", file]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout or done.stderr, flush=True)
        return False
    stamp.touch()
    return True


def main() -> int:
    """Tidy what has no stamp; the status says whether all of it is clean."""
    root = Path.cwd()
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    files = {Path(os.path.relpath(command["file"], root)) for command in commands}
    wanted = [str(Path(word)) for word in sys.argv[1:]] or [folder.rstrip("/") for folder in CHECKED]
    chosen = sorted(
        file
        for file in files
        if str(file).startswith(CHECKED) and any(file == Path(word) or Path(word) in file.parents for word in wanted)
    )
    if not chosen:
        print(f"error: no compile command for anything in {' '.join(wanted)}", file=sys.stderr)
        return 1
    (BUILD / "clean").mkdir(parents=True, exist_ok=True)
    waiting = [file for file in chosen if not stamp_of(file).exists()]
    with ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 1)) as pool:
        unclean = sum(not clean for clean in pool.map(tidy, waiting))
    print(f"clang-tidy: {len(chosen)} files, {len(waiting)} of them read, {unclean} with findings", flush=True)
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())
