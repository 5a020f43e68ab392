"""A C++ program of somebody else's finds heapledger with find_package and reads a recording with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(heapledger 0.1 REQUIRED)
add_executable(consumer consumer.cc)
target_link_libraries(consumer PRIVATE heapledger::analysis)
"""
PROGRAM = """
#include <heapledger/analysis.h>

#include <iostream>
#include <stdexcept>

int main(int, char** argv) {
  try {
    std::cout << heapledger::analysis::RequestIsolator(argv[1]).analyze().to_json();
  } catch (const std::runtime_error& error) {
    std::cout << "refused: " << error.what();
  }
}
"""


def run(*command: object, cwd: Path | None = None) -> str:
    finished = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_a_foreign_program_links_the_installed_analyses(tmp_path: Path) -> None:
    prefix, source, build = tmp_path / "prefix", tmp_path / "source", tmp_path / "build"
    run("/usr/bin/cmake", "--install", ROOT / "build" / "unit", "--prefix", prefix, "--component", "sdk")
    assert not (prefix / "include" / "recording").exists(), "only the public headers are installed"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(PROJECT)
    (source / "consumer.cc").write_text(PROGRAM)
    run("/usr/bin/cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("/usr/bin/cmake", "--build", build)
    foreign = tmp_path / "foreign.db"
    foreign.write_text("not a recording")
    assert run(build / "consumer", foreign).startswith("refused: ")
