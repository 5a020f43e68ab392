"""The tests' frame: GoogleTest cases as items, and an environment in which nothing of the caller's run leaks in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import gtest_collection
import pytest
from command_line import here, runs, started

__all__ = ["here", "runs", "started"]

# What `heapledger run` sets for a service must not reach the tests when they are themselves run under it.
FOREIGN_VARIABLES = ("LD_PRELOAD", "PYTHONMALLOC", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "PYTHONPATH")


def pytest_configure(config: pytest.Config) -> None:
    for name in list(os.environ):
        if name.startswith("HEAPLEDGER_") or name in FOREIGN_VARIABLES:
            del os.environ[name]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name == "CMakeLists.txt" and file_path.parent == Path(__file__).parent / "unit":
        return gtest_collection.GTestBuilds.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def repository() -> Iterator[Path]:
    """The checkout's root."""
    yield gtest_collection.ROOT
