"""Autoload: every Python below `heapledger run` finds our sitecustomize; what it then sees, starts and hands on.

The package that is started is a stub which leaves a file: whether the engine works is not asked here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.every_python
AUTOLOAD = Path(__file__).resolve().parent.parent / "python" / "heapledger" / "_autoload"
STUB = """
import json, os, time
def start_from_environment(variables):
    name = "%d-%d.started" % (os.getpid(), time.monotonic_ns())
    with open(os.path.join(variables["HEAPLEDGER_RUN_DIR"], name), "w") as file:
        json.dump(variables, file)
    return variables.get("HEAPLEDGER_STUB_REFUSES", "")
"""


@dataclass
class Run:
    """A run folder, an environment as `heapledger run` makes it, and what Pythons left behind."""

    folder: Path
    user_path: list[str]
    extra: dict[str, str] = field(default_factory=dict)
    executable: str = sys.executable

    def environment(self, autoload: bool = True) -> dict[str, str]:
        env = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LANG": "C.UTF-8"}
        path = ([str(AUTOLOAD)] if autoload else []) + self.user_path
        if path:
            env["PYTHONPATH"] = os.pathsep.join(path)
        if autoload:
            env["HEAPLEDGER_RUN_DIR"] = str(self.folder)
            env.update(self.extra)
        return env

    def python(self, code: str, *options: str, autoload: bool = True) -> subprocess.CompletedProcess[str]:
        command = [self.executable, *options, "-c", textwrap.dedent(code)]
        return subprocess.run(
            command, env=self.environment(autoload), capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def started(self) -> int:
        return len(list(self.folder.glob("*.started")))

    @property
    def refusals(self) -> list[dict[str, str]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.refused"))]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    stub = tmp_path / "stub" / "heapledger"
    stub.mkdir(parents=True)
    (stub / "__init__.py").touch()
    (stub / "_autoload_main.py").write_text(STUB)
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run", [str(stub.parent)])


@pytest.fixture
def uninstalled(tmp_path: Path, run: Run) -> Run:
    """The same in an interpreter that has no heapledger: nothing of the environment's site-packages either."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=120)
    return Run(run.folder, [], executable=str(bare / "bin" / "python"))


SHOW = """
    import json, os, sys
    print(json.dumps([sys.path[1:], os.environ.get("PYTHONPATH"), sorted(os.environ), "sitecustomize" in sys.modules]))
"""


def test_a_service_sees_the_environment_and_path_that_it_would_have_without_us(run: Run) -> None:
    with_us, bare = run.python(SHOW), run.python(SHOW, autoload=False)
    assert with_us.stdout == bare.stdout
    assert (with_us.stderr, with_us.returncode) == ("", 0)
    assert run.started == 1


def test_a_path_that_was_not_set_is_not_set(uninstalled: Run) -> None:
    assert json.loads(uninstalled.python(SHOW).stdout)[1] is None


def test_the_variables_reach_the_start(run: Run) -> None:
    run.extra = {"HEAPLEDGER_IGNORE": '["/health"]'}
    run.python("")
    (left,) = run.folder.glob("*.started")
    assert json.loads(left.read_text()) == {"HEAPLEDGER_RUN_DIR": str(run.folder), "HEAPLEDGER_IGNORE": '["/health"]'}


def test_the_services_own_sitecustomize_runs_as_ever(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text(
        "VALUE = 42\nimport sys\nsys.stdout.write(__name__ + ' ' + __file__ + '\\n')\n"
    )
    run.user_path.append(str(own))
    code = "import sitecustomize, sys; print(sitecustomize.VALUE, sys.modules['sitecustomize'] is sitecustomize)"
    with_us, bare = run.python(code), run.python(code, autoload=False)
    assert with_us.stdout == bare.stdout
    assert "42 True" in with_us.stdout
    assert run.started == 1


def test_the_services_own_sitecustomize_fails_as_ever(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("raise RuntimeError('mine')\n")
    run.user_path.append(str(own))
    with_us, bare = run.python("print('lives')"), run.python("print('lives')", autoload=False)
    assert (with_us.stdout, with_us.stderr) == (bare.stdout, bare.stderr)
    assert "mine" in bare.stderr
    assert run.started == 1


def test_without_one_importing_it_fails_as_ever(run: Run) -> None:
    code = """
        try:
            import sitecustomize
        except ImportError as error:
            print(error.name, error)
    """
    assert run.python(code).stdout == run.python(code, autoload=False).stdout


def test_a_refusal_says_why_and_the_service_runs(run: Run) -> None:
    run.extra = {"HEAPLEDGER_STUB_REFUSES": "no\nroom"}
    finished = run.python("print('lives')")
    assert (finished.stdout, finished.stderr) == ("lives\n", "")
    (refusal,) = run.refusals
    assert refusal["reason"] == "no room"
    assert refusal["executable"] == sys.executable
    assert refusal["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_python_without_heapledger_refuses(uninstalled: Run) -> None:
    finished = uninstalled.python("print('lives')")
    assert (finished.stdout, finished.stderr) == ("lives\n", "")
    assert [r["reason"] for r in uninstalled.refusals] == ["cannot import heapledger: No module named 'heapledger'"]


def test_an_error_at_the_start_is_a_refusal(run: Run) -> None:
    (Path(run.user_path[0]) / "heapledger" / "_autoload_main.py").write_text(
        "raise MemoryError('\"quoted\" \\u2603')\n"
    )
    finished = run.python("print('lives')")
    assert (finished.stdout, finished.stderr) == ("lives\n", "")
    assert [r["reason"] for r in run.refusals] == ['MemoryError: "quoted" \u2603']


def test_a_run_folder_that_is_gone_harms_nobody(run: Run) -> None:
    run.folder = run.folder / "gone"
    finished = run.python("print('lives')")
    assert (finished.stdout, finished.stderr, finished.returncode) == ("lives\n", "", 0)


@pytest.mark.parametrize("name", ["python2.7", "python3.6", "python3.8", "python3.9"])
def test_unsupported_pythons_run_untouched_and_say_so(run: Run, name: str) -> None:
    found = shutil.which(name)
    if found is None or subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no {name} here")
    run.executable = found
    code = "import os, sys; print(os.environ.get('PYTHONPATH')); print(sorted(k for k in os.environ if 'HEAP' in k))"
    with_us, bare = run.python(code), run.python(code, autoload=False)
    assert (with_us.stdout, with_us.stderr) == (bare.stdout, bare.stderr)
    assert [r["reason"].endswith("heapledger needs 3.10 to 3.15") for r in run.refusals] == [True]


def test_disabled_means_untouched(run: Run) -> None:
    run.extra = {"HEAPLEDGER_DISABLE": "1"}
    run.python("")
    assert (run.started, run.refusals) == (0, [])


# Children. `tool` is no Python; `script` is one by its first line.

CHILD = "[sys.executable, '-c', 'pass']"
TOOL = "['/bin/sh', '-c', 'env >&2; exit 0']"


@pytest.mark.parametrize(
    ("what", "started"),
    [
        (f"subprocess.run({CHILD})", 2),
        (f"subprocess.run({CHILD}, env=dict(os.environ))", 2),
        (f"subprocess.run({CHILD}, env={{**os.environb}})", 2),
        (f"subprocess.run({CHILD}, close_fds=False)", 2),
        (f"subprocess.run({CHILD}, cwd='/')", 2),
        (f"subprocess.run({CHILD}, preexec_fn=os.getpid)", 2),
        (f"subprocess.run({CHILD}, preexec_fn=os.getpid, env=dict(os.environ))", 2),
        ("subprocess.run([os.path.basename(sys.executable), '-c', ''], env=path_of_python)", 2),
        (f"os.posix_spawn(sys.executable, {CHILD}, os.environ); os.wait()", 2),
        (f"os.spawnv(os.P_WAIT, sys.executable, {CHILD})", 2),
        (f"os.spawnve(os.P_WAIT, sys.executable, {CHILD}, os.environ)", 2),
        (f"os.execv(sys.executable, {CHILD})", 2),
        (f"os.execve(sys.executable, {CHILD}, os.environ)", 2),
        (f"os.execvpe(sys.executable, {CHILD}, os.environ)", 2),
        ("os.execl(sys.executable, sys.executable, '-c', 'pass')", 2),
        ("multiprocessing.get_context('spawn').Process(target=len, args=('',)).start()", 2),
        ("multiprocessing.get_context('forkserver').Process(target=len, args=('',)).start()", 2),
        ("multiprocessing.get_context('spawn').Pool(1).map(len, [''])", 2),
        ("asyncio.run(spawned())", 2),
        (f"subprocess.run({TOOL})", 1),
        (f"subprocess.run({TOOL}, env=dict(os.environ))", 1),
        (f"os.posix_spawn('/bin/sh', {TOOL}, os.environ); os.wait()", 1),
        (f"os.spawnv(os.P_WAIT, '/bin/sh', {TOOL})", 1),
        (f"os.execv('/bin/sh', {TOOL})", 1),
        ("os.system('env >&2')", 1),
    ],
)
def test_children_that_are_python_take_part_and_others_see_nothing(run: Run, what: str, started: int) -> None:
    before = f"""
import asyncio, multiprocessing, os, subprocess, sys
path_of_python = {{**os.environ, "PATH": os.path.dirname(sys.executable)}}
async def spawned():
    child = await asyncio.create_subprocess_exec(*{CHILD})
    await child.wait()
if __name__ == "__main__":
    {what}
"""
    program = run.folder / "program.py"
    program.write_text(before)
    finished = subprocess.run(
        [sys.executable, program], env=run.environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    assert "HEAPLEDGER" not in finished.stderr
    assert str(AUTOLOAD) not in finished.stderr
    assert run.started == started


def test_scripts_are_told_by_their_first_line(run: Run) -> None:
    python, shell, env = run.folder / "python", run.folder / "shell", run.folder / "env"
    python.write_text(f"#!{sys.executable}\n")
    env.write_text(f"#!/usr/bin/env {Path(sys.executable).name}\n")
    shell.write_text("#!/bin/sh\nenv\n")
    for script in (python, shell, env):
        script.chmod(0o755)
    code = f"""
        import os, subprocess
        os.environ["PATH"] = {str(Path(sys.executable).parent)!r} + ":" + os.environ["PATH"]
        subprocess.run([{str(python)!r}]); subprocess.run([{str(shell)!r}]); subprocess.run([{str(env)!r}])
    """
    finished = run.python(code)
    assert "HEAPLEDGER" not in finished.stdout
    assert run.started == 3


def test_grandchildren_take_part_too(run: Run) -> None:
    grandchild = f"import subprocess, sys; subprocess.run({CHILD})"
    run.python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])")
    assert run.started == 3


def test_the_childs_own_path_stays_behind_ours(run: Run) -> None:
    code = """
        import os, subprocess, sys
        child = [sys.executable, "-c", "import os; print(os.environ['PYTHONPATH'])"]
        subprocess.run(child, env={**os.environ, "PYTHONPATH": "/one:" + os.environ["PYTHONPATH"]})
    """
    assert run.python(code).stdout == f"/one:{run.user_path[0]}\n"
    assert run.started == 2


def test_a_preexec_function_may_change_and_fail_what_it_can_without_us(run: Run) -> None:
    code = """
        import os, subprocess, sys
        child = [sys.executable, "-c", "import os; print(os.getenv('FRUIT'), os.getenv('PYTHONPATH'))"]
        subprocess.run(child, preexec_fn=lambda: os.putenv("FRUIT", "apple"))
        subprocess.run(child, preexec_fn=lambda: os.putenv("FRUIT", "apple"), env={**os.environ, "FRUIT": "pear"})
        try:
            subprocess.run(child, preexec_fn=lambda: 1 / 0)
        except Exception as error:
            print(type(error).__name__, error)
    """
    with_us = run.python(code)
    assert with_us.stdout == run.python(code, autoload=False).stdout
    assert with_us.stdout.splitlines()[0].startswith("apple ")
    assert run.started == 3


def test_a_child_that_cannot_be_started_fails_as_ever(run: Run) -> None:
    code = """
        import os, subprocess
        for attempt in (lambda: subprocess.run(["./nothing"]), lambda: os.execv("./nothing", ["x"]),
                        lambda: os.execve("./nothing", ["x"], {}), lambda: os.posix_spawn("./nothing", ["x"], {}),
                        lambda: os.execve("/bin/true", ["x"], 3)):
            try:
                attempt()
            except Exception as error:
                print(type(error).__name__, error)
    """
    assert run.python(code).stdout == run.python(code, autoload=False).stdout
