"""Native memory where it must not hurt: children, wrappers, limits, other libraries in front, forks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import serving
from native_runs import SERVED, library, program, run

ENVIRONMENT_OF_CHILD = """
    import json, os, subprocess, sys
    import multiprocessing
    def seen():
        return sorted(name for name in os.environ if name.startswith("HEAPLEDGER") or name == "LD_PRELOAD")
    def preloaded():
        return "libheapledger_preload" in open("/proc/self/maps").read()
    if __name__ == "__main__":
        script = (
            "import os; print('LD_PRELOAD' in os.environ, 'libheapledger_preload' in open('/proc/self/maps').read())"
        )
        answers = {
            "here": [seen(), preloaded()],
            "env": subprocess.run(["env"], capture_output=True, text=True).stdout.count("heapledger_preload"),
            "shell": subprocess.run("cat /proc/self/maps", shell=True, capture_output=True, text=True).stdout.count(
                "heapledger_preload"),
            "isolated": [
                subprocess.run([sys.executable, *flags, "-c", script], capture_output=True, text=True).stdout.split()
                for flags in (["-I"], ["-bES"], ["-X", "dev", "-W", "error", "-S"])
            ],
            "python": subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.split(),
        }
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            answers["spawn"] = pool.apply(preloaded)
        print(json.dumps(answers))
"""


def test_only_children_that_are_a_supported_python_keep_the_library(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(ENVIRONMENT_OF_CHILD))
    ran, _ = run(tmp_path, [sys.executable, str(script)], "--quiet")
    answers: dict[str, Any] = json.loads(ran.stdout)
    assert answers["here"] == [[], True]
    assert answers["env"] == answers["shell"] == 0
    assert answers["python"] == ["False", "True"]
    assert answers["isolated"] == [["False", "False"]] * 3
    assert answers["spawn"] is True


@pytest.mark.parametrize(
    "wrapper",
    [["sh", "-c", 'exec "$0" "$@"'], ["sh", "-c", '"$0" "$@"; exit $?'], ["env", "A=1"], ["nice", "-n", "1"]],
    ids=["sh exec", "sh", "env", "nice"],
)
def test_a_wrapper_around_python_changes_nothing(wrapper: list[str], tmp_path: Path) -> None:
    ran, recording = run(tmp_path, [*wrapper, *program(SERVED)], "--quiet")
    assert ran.stderr == ""
    assert recording.analysis()["recording"]["native"] is True
    assert len(recording.requests("job")) == 160
    recording.assert_balanced()


def test_a_library_that_the_user_preloads_is_still_loaded(tmp_path: Path) -> None:
    ran, _ = run(
        tmp_path,
        program("import os; print(os.environ['LD_PRELOAD']); print('jemalloc' in open('/proc/self/maps').read())"),
        "--quiet",
        LD_PRELOAD=library("jemalloc"),
    )
    assert ran.stdout.split() == [library("jemalloc"), "True"]


def test_a_sanitizer_that_the_user_preloads_stays_first(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or pytest.skip("no compiler here")
    asked = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    runtime = Path(asked.stdout.strip())
    if not runtime.is_absolute():
        pytest.skip("no AddressSanitizer here")
    ran, recording = run(
        tmp_path, program("print(1)"), "--quiet", LD_PRELOAD=str(runtime), ASAN_OPTIONS="detect_leaks=0"
    )
    assert (ran.stdout, ran.stderr) == ("1\n", "")
    assert recording.analysis()["recording"]["native"] is False


def test_without_native_nothing_is_preloaded_and_the_report_says_so(tmp_path: Path) -> None:
    maps = "print('heapledger_preload' in open('/proc/self/maps').read())"
    ran, recording = run(tmp_path, program(textwrap.dedent(SERVED) + maps), "--no-native")
    assert ran.stdout == "False\n"
    document = recording.analysis()
    assert document["recording"]["native"] is False
    assert document["endpoints"][0]["native_allocated_bytes"] is None
    assert "Python's memory only" in ran.stderr
    recording.assert_balanced()


def test_a_static_program_is_left_alone(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or pytest.skip("no compiler here")
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n')
    subprocess.run([compiler, "-static", str(source), "-o", str(tmp_path / "static")], check=True, timeout=60)
    ran, _ = run(tmp_path, [str(tmp_path / "static")], "--quiet")
    assert (ran.stdout, ran.stderr) == ("hello\n", "")


@pytest.mark.parametrize("limit_mib", [500])
def test_it_lives_under_a_small_address_space(limit_mib: int, tmp_path: Path) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit_mib} << 20,) * 2)\n"
    ran, recording = run(
        tmp_path, ["sh", "-c", f'ulimit -v {limit_mib * 1024}; exec "$0" "$@"', *program(SERVED)], "--quiet"
    )
    assert ran.stderr == ""
    assert len(recording.requests("job")) == 160
    recording.assert_balanced()
    ran, recording = run(tmp_path, program(limited + textwrap.dedent(SERVED)), "--quiet")
    assert len(recording.requests("job")) == 160


def test_freed_memory_is_perturbed_as_without_us(tmp_path: Path) -> None:
    ran, recording = run(tmp_path, program(SERVED), "--quiet", MALLOC_PERTURB_="165")
    assert ran.stderr == ""
    recording.assert_balanced()


def test_a_sub_interpreters_native_blocks_keep_the_books_balanced(tmp_path: Path) -> None:
    ran, recording = run(
        tmp_path,
        program("""
            import heapledger
            try:
                import _interpreters as interpreters
            except ImportError:
                import _xxsubinterpreters as interpreters
            with heapledger.request("around"):
                other = interpreters.create()
                interpreters.run_string(other, "import zlib; kept = [zlib.compressobj() for _ in range(5)]")
                interpreters.destroy(other)
        """),
        "--quiet",
    )
    assert ran.stderr == ""
    recording.assert_balanced()


@pytest.mark.parametrize("application", ["applications.served_flask:app", "applications.served_django:app"])
@pytest.mark.parametrize("options", [["--workers", "2"], ["--workers", "2", "--preload"]], ids=["prefork", "preload"])
def test_forked_workers_keep_balanced_books(application: str, options: list[str], tmp_path: Path) -> None:
    with serving.Service(tmp_path, serving.gunicorn(application, *options, workers=2)) as service:
        replies = service.get_all(["/"] * 60, at_once=8)
        assert {reply.status for reply in replies} <= {200, 404}
        recording = service.stop()
    assert recording.analysis()["recording"]["native"] is True
    assert len(recording.requests()) == 60
    recording.assert_balanced()


def test_packages_with_allocators_of_their_own_are_named(tmp_path: Path) -> None:
    """By the name that the service imports: what they map by themselves passes no malloc."""
    for name in ("polars", "pyarrow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("from . import inner\n")
        (tmp_path / name / "inner.py").write_text("")
    text = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pyarrow.inner, polars, heapledger\n"
    text += "with heapledger.request('x'):\n    pass\n"
    ran, recording = run(tmp_path, program(text))
    assert recording.analysis()["memory"]["unseen_packages"] == ["polars", "pyarrow"]
    assert "unseen   polars, pyarrow: allocators of their own" in ran.stderr


def test_doctor_names_the_allocator_behind_and_its_granule(tmp_path: Path) -> None:
    def asked(**variables: str) -> dict[str, Any]:
        done = subprocess.run(
            [serving.heapledger(), "doctor", "--run-dir", str(tmp_path), "--format", "json"],
            env={"PATH": os.environ["PATH"], **variables}, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    tmp_path.chmod(0o700)
    plain = asked()
    assert plain["native"] is True
    assert plain["native_memory"] == "seen: libc.so.6, 32-byte granules"
    assert plain["python"]["facts"]["rule"] == "pymalloc pools"
    behind = asked(LD_PRELOAD=library("jemalloc"))
    assert behind["native_memory"] == "seen: libjemalloc.so.2, 8-byte granules"
