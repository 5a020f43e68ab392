"""What `import heapledger` offers, and how little it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import heapledger
import pytest

pytestmark = pytest.mark.every_python
SURFACE = [
    "HeapledgerError",
    "PayloadAnalyzer",
    "PoolMonitor",
    "RateLimiter",
    "RequestIsolator",
    "VersionComparator",
    "__version__",
    "api_version",
    "compat",
    "current",
    "pools",
    "request",
    "start",
]


def python(code: str, *arguments: str, cwd: Path | None = None) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=60, cwd=cwd
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_surface_is_this() -> None:
    assert sorted(heapledger.__all__) == sorted(SURFACE)
    code = "import heapledger; print(*(name for name in dir(heapledger) if not name.startswith('_')))"
    assert set(python(code).split()) - set(SURFACE) <= {"TYPE_CHECKING", "annotations"}


@pytest.mark.parametrize("name", SURFACE)
def test_every_name_is_there(name: str) -> None:
    assert getattr(heapledger, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        heapledger.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_the_builds(repository: Path) -> None:
    assert f"project(heapledger VERSION {heapledger.__version__} " in (repository / "CMakeLists.txt").read_text()


def test_importing_it_imports_next_to_nothing() -> None:
    code = """
import sys
before = set(sys.modules)
import heapledger._autoload_main
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = json.loads(python("import sys, json; " + code.replace("\nimport json\n", "\n")))
    foreign = {name for name in loaded if not name.startswith("heapledger")}
    assert foreign <= {"atexit", "__future__"}
    assert not [name for name in loaded if "adapters" in name or name.endswith("propagation")]


def test_where_nothing_is_recorded_nothing_happens() -> None:
    code = """
import heapledger
assert heapledger.current() is None
with heapledger.request("job") as request:
    assert request is None and heapledger.current() is None
print("fine")
"""
    assert python(code) == "fine\n"


def test_work_is_a_request_of_its_own_within_another(tmp_path: Path) -> None:
    code = """
import sys
import heapledger
heapledger.start(sys.argv[1], run_dir=sys.argv[2])
heapledger.start()
with heapledger.request("outer") as outer:
    held = bytearray(3_000_000)
    with heapledger.request("inner", method="STEP") as inner:
        assert heapledger.current() is inner
        bytearray(1_000_000)
    assert heapledger.current() is outer
    assert outer.live_bytes > 3_000_000 > inner.peak_bytes
    try:
        with heapledger.request("fails"):
            raise KeyError("mine")
    except KeyError as error:
        assert error.args == ("mine",)
endpoints = {(e.method, e.route): e for e in heapledger.RequestIsolator().analyze().endpoints}
print(endpoints["STEP", "inner"].requests, endpoints["CALL", "fails"].errors)
"""
    recording = tmp_path / "recording.db"
    assert python(code, str(recording), str(tmp_path / "run")) == "1 1\n"
    result = heapledger.RequestIsolator(recording).analyze()
    found = {(endpoint.method, endpoint.route): endpoint for endpoint in result.endpoints}
    assert set(found) == {("CALL", "outer"), ("STEP", "inner"), ("CALL", "fails")}
    assert 3_000_000 <= found["CALL", "outer"].peak_bytes.max <= 3_100_000
    assert 1_000_000 <= found["STEP", "inner"].peak_bytes.max <= 1_100_000
    assert list((tmp_path / "run").iterdir()) == []


def test_a_default_recording_is_rotated(tmp_path: Path) -> None:
    for _ in range(3):
        python("import heapledger; heapledger.start()", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heapledger.1.db", "heapledger.2.db", "heapledger.db"]


def test_start_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("years of work")
    code = """
import logging, sys, heapledger
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
heapledger.start(sys.argv[1])
"""
    started = "heapledger WARNING this process is not recorded: "
    there = tmp_path / "there.db"
    assert python(code, str(there)).startswith(f"{started}{there} exists and is not a heapledger recording: ")
    printed = python(code, str(tmp_path / "nowhere" / "a.db"))
    assert printed.startswith(f"{started}cannot create {tmp_path}/nowhere/a.db: ")
    assert printed.count("\n") == 1


def test_forked_workers_are_in_the_same_recording(tmp_path: Path) -> None:
    code = """
import os, sys
import heapledger
heapledger.start(sys.argv[1])
for number in range(3):
    if os.fork() == 0:
        with heapledger.request(f"child {number}"):
            pass
        sys.exit()
for _ in range(3):
    assert os.wait()[1] == 0
with heapledger.request("parent"):
    pass
"""
    python(code, str(tmp_path / "recording.db"))
    result = heapledger.RequestIsolator(tmp_path / "recording.db").analyze()
    assert sorted(e.route for e in result.endpoints) == ["child 0", "child 1", "child 2", "parent"]


def test_doctor_says_what_it_found(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "heapledger._doctor", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    facts = json.loads(finished.stdout)
    assert facts["supported"] is True
    assert facts["reason"] == ""
    assert facts["python"] == sys.version.split()[0]
    assert facts["heapledger_version"] == heapledger.__version__
    assert facts["engine"]["active"] is True
    assert facts["rule"]
    assert facts["allocator"] == "glibc"
