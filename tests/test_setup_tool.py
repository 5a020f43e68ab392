"""tools/setup: what it takes for a change of the project."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("tools", "src", "include", "python", "examples", "CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE")


def fingerprint(folder: Path) -> str:
    command = [str(folder / "tools" / "setup"), "fingerprint"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, tmp_path / part, symlinks=True, ignore=ignored)
        else:
            shutil.copy2(ROOT / part, tmp_path / part)
    return tmp_path


def test_a_change_of_anything_installed_is_noticed(checkout: Path) -> None:
    seen = {fingerprint(checkout)}
    for changed in ["src/cli/main.cc", "python/heapledger/_demo.py", "examples/orders/shop.py", "CMakeLists.txt"]:
        with (checkout / changed).open("a") as file:
            file.write("\n")
        seen.add(fingerprint(checkout))
    (checkout / "examples" / "orders" / "flask_app.py").unlink()
    seen.add(fingerprint(checkout))
    assert len(seen) == 6


def test_what_is_not_installed_changes_nothing(checkout: Path) -> None:
    before = fingerprint(checkout)
    cache = checkout / "examples" / "orders" / "__pycache__"
    cache.mkdir()
    (cache / "shop.cpython-311.pyc").write_bytes(b"compiled")
    (checkout / "examples" / "README.md").write_text("other words")
    assert fingerprint(checkout) == before
