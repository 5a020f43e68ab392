"""The command line as its users meet it: exit statuses, signals, streams, files, and what hostile input gets."""

from __future__ import annotations

import json
import os
import pty
import resource
import select
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLI = os.environ.get("TESTED_HEAPLEDGER", str(ROOT / ".venv" / "bin" / "heapledger"))
DEADLINE_SECONDS = 60.0
ABSENT = ["leaks", "segments", "pools", "payloads", "limits", "versions", "report", "postmortem", "export", "top",
          "snapshot"]  # fmt: skip

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a place of its own for run folders."""
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The base of run folders to give to --run-dir."""
    return tmp_path / "runs"


def heapledger(*arguments: str | Path, **options: Any) -> Done:
    """Run the command line to its end."""
    options.setdefault("timeout", DEADLINE_SECONDS)
    return subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def run(runs: Path, *flags: str | Path, command: list[str], **options: Any) -> Done:
    """`heapledger run` with a run folder of the test's own."""
    return heapledger("run", "--run-dir", runs, *flags, "--", *command, **options)


def python(code: str) -> list[str]:
    """A command: this Python, without site packages, on some code."""
    return [sys.executable, "-S", "-c", textwrap.dedent(code)]


def errors_of(done: Done) -> list[str]:
    """The `error:` and `hint:` lines; there must be nothing else, and no control character."""
    lines = done.stderr.splitlines()
    assert lines, done
    assert lines[0].startswith("error: "), done.stderr
    assert all(line.startswith("hint: ") for line in lines[1:]), done.stderr
    assert all(character >= " " for line in lines for character in line), repr(done.stderr)
    return lines


def wait_until(what: Callable[[], Any], reason: str) -> Any:
    """Poll a condition that another process brings about, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if value := what():
            return value
        select.select([], [], [], 0.01)
    raise AssertionError(f"never happened: {reason}")


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts commands in process groups of their own; what is left of them ends with the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [CLI, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate(timeout=DEADLINE_SECONDS)


# The line that a started Python prints once its handlers are in place, then every signal that reaches it.
LISTENER = """
    import os, signal, sys
    def heard(number, frame):
        print("heard", signal.Signals(number).name, flush=True)
        if number == signal.SIGTERM:
            sys.exit(5)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, heard)
    print("ready", os.getpid(), flush=True)
    while True:
        signal.pause()
"""


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line of its standard output."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_SECONDS)
    assert ready, "no line came"
    return process.stdout.readline().strip()


# Exit statuses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 2, 3, 77, 126, 127, 128, 255])
def test_run_ends_with_the_commands_status(here: Path, runs: Path, status: int) -> None:
    assert run(runs, command=["sh", "-c", f"exit {status}"]).returncode == status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGPIPE])
def test_a_command_killed_by_a_signal_gives_128_plus_its_number(here: Path, runs: Path, number: int) -> None:
    assert run(runs, command=["sh", "-c", f"ulimit -c 0; kill -{int(number)} $$"]).returncode == 128 + number


def test_a_missing_command_is_127_and_touches_nothing(here: Path, runs: Path) -> None:
    (here / "heapledger.db").write_text("an older recording")
    for name in ["no-such-command", "./no/such", "", "no\x1b[31m\nsuch"]:
        done = run(runs, command=[name])
        assert done.returncode == 127
        assert errors_of(done)[0].startswith("error: command not found: ")
    assert [path.name for path in here.iterdir()] == ["heapledger.db"]
    assert not runs.exists()


def test_a_command_that_cannot_be_executed_is_126(here: Path, runs: Path) -> None:
    (here / "notes.txt").write_text("hello")
    assert run(runs, command=["./notes.txt"]).returncode == 126
    assert run(runs, command=["./"]).returncode == 126
    assert not list(here.glob("*.db"))


def test_a_script_with_a_missing_interpreter_leaves_no_recording(here: Path, runs: Path) -> None:
    script = here / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = run(runs, command=["./script"])
    assert done.returncode == 127
    errors_of(done)
    assert not list(here.glob("*.db*"))
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("verb", ABSENT)
def test_verbs_that_are_not_built_yet_say_so_whatever_their_flags(here: Path, verb: str) -> None:
    for flags in [[], ["--fail-on", "x"], ["--help"], ["a", "b"]]:
        done = heapledger(verb, *flags)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {verb} is not in this version\n")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["requsts"], "requests"),
        (["rnu", "--", "ls"], "run"),
        (["run", "--quite", "--", "ls"], "--quiet"),
        (["run", "--max-sise=3", "--", "ls"], "--max-size"),
        (["requests", "--fromat", "json"], "--format"),
        (["doctor", "--pyhton", "x"], "--python"),
        (["run", "ls"], "heapledger run [flags] -- ls"),
        (["run"], "-- COMMAND"),
        (["run", "--"], "-- COMMAND"),
        ([], "--help"),
        (["zzzzzzzz"], "--help"),
    ],
)
def test_wrong_usage_is_one_error_and_a_hint_that_names_the_near_miss(
    here: Path, arguments: list[str], hint: str
) -> None:
    done = heapledger(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = errors_of(done)
    assert len(lines) == 2
    assert hint in lines[1]


@pytest.mark.parametrize(
    "flags",
    [
        ["--mode", "sampled"],
        ["--mode", "fast"],
        ["--max-size", "many"],
        ["--max-size", "-1"],
        ["--max-size", "1"],
        ["--max-size", "nan"],
        ["--max-size", "1e99GiB"],
        ["-o", "no/such/folder/r.db"],
        ["-o", "/proc/r.db"],
        ["--run-dir", "/proc/runs"],
        ["-o"],
    ],
)
def test_unusable_flags_are_refused_before_the_command_starts(here: Path, tmp_path: Path, flags: list[str]) -> None:
    done = heapledger("run", *flags, "--", "touch", "started")
    assert done.returncode == 2
    errors_of(done)
    assert not (here / "started").exists()


def test_version_and_help_go_to_standard_output(here: Path) -> None:
    done = heapledger("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("heapledger ")
    for arguments in [["--help"], ["run", "--help"], ["requests", "--help"], ["doctor", "--help"]]:
        done = heapledger(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage: heapledger" in done.stdout


def test_flags_behind_the_dashes_belong_to_the_command(here: Path, runs: Path) -> None:
    done = run(runs, command=["echo", "--help", "--version", "--", "leaks", "-o"])
    assert done.stdout == "--help --version -- leaks -o\n"


# Streams and environment --------------------------------------------------------------------------------------------


def test_the_commands_output_is_its_own_byte_for_byte(here: Path, runs: Path) -> None:
    command = python("import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000); sys.stderr.write('theirs')")
    bare = subprocess.run(command, capture_output=True, check=True)
    done = subprocess.run([CLI, "run", "--quiet", "--run-dir", runs, "--", *command], capture_output=True, check=True)
    assert done.stdout == bare.stdout
    assert done.stderr == bare.stderr


def test_quiet_says_nothing_of_ours_except_that_the_command_could_not_be_started(here: Path, runs: Path) -> None:
    assert run(runs, "--quiet", command=["true"]).stderr == ""
    assert run(runs, "--quiet", command=["no-such-command"]).stderr.startswith("error: ")


def test_standard_input_reaches_the_command(here: Path, runs: Path) -> None:
    assert run(runs, command=["cat"], input="to the service").stdout == "to the service"


def test_the_environment_says_where_to_record_and_nothing_else_changes(here: Path, runs: Path) -> None:
    command = python("import json, os; print(json.dumps(dict(os.environ)))")
    environment = {**os.environ, "PYTHONPATH": "/theirs", "HEAPLEDGER_AUTOLOAD": "/ours"}
    done = run(runs, "--ignore", "/health", "--ignore", '/a"b', command=command, env=environment)
    seen = json.loads(done.stdout)
    assert seen.pop("PYTHONPATH") == "/ours:/theirs"
    assert seen.pop("HEAPLEDGER_RUN_DIR").startswith(str(runs))
    assert json.loads(seen.pop("HEAPLEDGER_IGNORE")) == ["/health", '/a"b']
    expected = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    assert seen == {**expected, **{name: seen[name] for name in seen.keys() - expected.keys() if name == "LC_CTYPE"}}


@pytest.mark.parametrize("flags", [[], ["--exec"]])
@pytest.mark.parametrize("closed", ["", "0<&-", "1>&-", "2>&-", "0<&- 2>&-"])
def test_the_command_has_the_descriptors_that_it_has_without_us(
    here: Path, runs: Path, flags: list[str], closed: str
) -> None:
    listing = here / "listing.py"
    listing.write_text(
        "import os, sys\n"
        "def is_open(number):\n"
        "    try:\n"
        "        return bool(os.fstat(number))\n"
        "    except OSError:\n"
        "        return False\n"
        "numbers = [number for number in range(256) if is_open(number)]\n"
        "open(sys.argv[1], 'w').write(repr(numbers))\n"
    )
    listed = f"'{sys.executable}' -S '{listing}'"
    ours = f"'{CLI}' run --quiet --run-dir '{runs}' {' '.join(flags)} -- {listed} with {closed}"
    for shell in [f"{listed} without {closed}", ours]:
        subprocess.run(["sh", "-c", shell], check=True, timeout=DEADLINE_SECONDS, capture_output=True)
    assert (here / "with").read_text() == (here / "without").read_text()
    assert (here / "without").read_text().startswith("[")


def test_a_closed_pipe_is_success_for_data_and_harmless_for_messages(here: Path, runs: Path) -> None:
    shell = f"'{CLI}' --help | true; exit ${{PIPESTATUS[0]}}"
    assert subprocess.run(["bash", "-c", shell], check=False, timeout=DEADLINE_SECONDS).returncode == 0
    shell = f"'{CLI}' run --run-dir '{runs}' -- sh -c 'exit 9' 2>&- >&-"
    assert subprocess.run(["bash", "-c", shell], check=False, timeout=DEADLINE_SECONDS).returncode == 9


def test_a_full_standard_output_is_an_error(here: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([CLI, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write the output: ")


@pytest.mark.parametrize("flags", [[], ["--exec"]])
def test_disabled_runs_the_command_bare(here: Path, runs: Path, flags: list[str]) -> None:
    environment = {**os.environ, "HEAPLEDGER_DISABLE": "1"}
    done = run(runs, *flags, command=["sh", "-c", "echo $HEAPLEDGER_RUN_DIR; exit 4"], env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (4, "\n", "")
    assert list(here.iterdir()) == []


def test_a_nested_run_passes_through(here: Path, runs: Path) -> None:
    inner = [CLI, "run", "-o", "inner.db", "--", "sh", "-c", "echo $HEAPLEDGER_RUN_DIR; exit 6"]
    done = run(runs, "-o", "outer.db", command=inner)
    assert done.returncode == 6
    assert done.stdout.startswith(str(runs))
    assert [path.name for path in here.iterdir()] == ["outer.db"]


# Signals ------------------------------------------------------------------------------------------------------------


def test_signals_that_a_process_sends_are_passed_on(here: Path, runs: Path, started: Any) -> None:
    process = started("run", "--quiet", "--run-dir", runs, "--", *python(LISTENER))
    assert line_of(process).startswith("ready")
    for name in ["SIGUSR1", "SIGHUP", "SIGINT", "SIGUSR2", "SIGTERM"]:
        process.send_signal(getattr(signal, name))
        assert line_of(process) == f"heard {name}"
    assert process.wait(DEADLINE_SECONDS) == 5


def test_a_terminals_interrupt_reaches_the_command_once(here: Path, runs: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        command = python(LISTENER)
        os.execv(CLI, [CLI, "run", "--quiet", "--run-dir", str(runs), "--", *command])
    seen = b""

    def read_until(part: bytes) -> None:
        nonlocal seen
        while part not in seen:
            ready, _, _ = select.select([terminal], [], [], DEADLINE_SECONDS)
            assert ready, seen
            seen += os.read(terminal, 4096)

    read_until(b"ready ")
    read_until(b"\n")
    service = int(seen.split(b"ready ")[1])
    os.write(terminal, b"\x03")
    read_until(b"heard SIGINT")
    os.kill(pid, signal.SIGUSR1)  # the supervisor has read the interrupt before it reads this
    read_until(b"heard SIGUSR1")
    os.kill(service, signal.SIGTERM)
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
    except OSError:  # how Linux says that the terminal's other side closed
        pass
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 5
    assert seen.count(b"heard SIGINT") == 1


def test_the_command_starts_with_the_signal_dispositions_that_run_was_started_with(here: Path, runs: Path) -> None:
    command = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    bare = subprocess.run(command, capture_output=True, text=True, check=True, restore_signals=False).stdout
    assert run(runs, command=command, restore_signals=False).stdout == bare
    ignoring = f"trap '' HUP INT; '{CLI}' run --quiet --run-dir '{runs}' -- grep -E '^SigIgn' /proc/self/status"
    done = subprocess.run(["sh", "-c", ignoring], capture_output=True, text=True, check=True)
    ignored = int(done.stdout.split()[1], 16)
    assert ignored & (1 << (signal.SIGHUP - 1))
    assert ignored & (1 << (signal.SIGINT - 1))


# Output files -------------------------------------------------------------------------------------------------------


def test_recordings_rotate_and_nine_are_kept(here: Path, runs: Path) -> None:
    for number in range(11):
        assert run(runs, "--quiet", command=["sh", "-c", f"exit {number}"]).returncode == number
    names = sorted(path.name for path in here.iterdir())
    assert names == sorted(["heapledger.db", *(f"heapledger.{number}.db" for number in range(1, 10))])
    assert (here / "heapledger.db").stat().st_mtime_ns > (here / "heapledger.1.db").stat().st_mtime_ns
    assert (here / "heapledger.8.db").stat().st_mtime_ns > (here / "heapledger.9.db").stat().st_mtime_ns


def test_an_existing_output_is_refused_without_force(here: Path, runs: Path) -> None:
    assert run(runs, "-o", "r.db", command=["true"]).returncode == 0
    before = (here / "r.db").read_bytes()
    done = run(runs, "-o", "r.db", command=["touch", "started"])
    assert done.returncode == 2
    assert "--force" in errors_of(done)[1]
    assert (here / "r.db").read_bytes() == before
    assert not (here / "started").exists()
    assert run(runs, "--force", "-o", "r.db", command=["true"]).returncode == 0
    assert (here / "r.db").read_bytes() != before


def test_force_does_not_replace_what_is_not_a_recording(here: Path, runs: Path) -> None:
    (here / "thesis.txt").write_text("years of work")
    done = run(runs, "--force", "-o", "thesis.txt", command=["true"])
    assert done.returncode == 2
    errors_of(done)
    assert (here / "thesis.txt").read_text() == "years of work"


def test_odd_names_of_recordings_are_just_names(here: Path, runs: Path) -> None:
    for name in ["file:x?mode=memory", "a b.db", "ü.db", ":memory:", "-r.db", "x%00y#z.db"]:
        assert run(runs, f"--output={name}", command=["true"]).returncode == 0
        assert (here / name).stat().st_size > 0, name
        done = heapledger("requests", f"./{name}")
        assert (done.returncode, done.stdout) == (0, "nothing recorded\n"), name


def test_a_second_run_in_the_same_folder_does_not_take_the_first_ones_recording(
    here: Path, runs: Path, started: Any
) -> None:
    first = started("run", "--quiet", "--run-dir", runs, "--", *python(LISTENER))
    line_of(first)
    second = run(runs, command=["touch", "started"])
    assert second.returncode == 2
    assert "-o FILE" in errors_of(second)[1]
    assert not (here / "started").exists()
    assert run(runs, "-o", "other.db", command=["true"]).returncode == 0
    first.send_signal(signal.SIGTERM)
    assert first.wait(DEADLINE_SECONDS) == 5
    assert heapledger("requests").stdout == "nothing recorded\n"


def test_a_read_only_folder_is_one_error(here: Path, runs: Path) -> None:
    if os.geteuid() != 0:
        here.chmod(0o555)
        done = run(runs, command=["true"])
        here.chmod(0o755)
    else:
        done = run(runs, "-o", "/proc/self/heapledger.db", command=["true"])
    assert done.returncode == 2
    assert errors_of(done)[0].startswith("error: cannot create ")


def test_the_recording_is_one_plain_file_and_the_run_folder_is_gone(here: Path, runs: Path) -> None:
    run(runs, command=["true"])
    assert [path.name for path in here.iterdir()] == ["heapledger.db"]
    assert list(runs.iterdir()) == []
    with closing(sqlite3.connect(here / "heapledger.db")) as database:
        meta = dict(database.execute("SELECT key, value FROM meta"))
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert meta["command"] == "true"
    assert (meta["mode"], meta["native"], meta["complete"], meta["dropped_requests"]) == ("exact", 0, 1, 0)
    assert meta["ended_unix_ns"] > meta["started_unix_ns"]


def test_only_the_commands_name_is_stored_of_its_arguments(here: Path, runs: Path) -> None:
    run(runs, command=["true", "--password", "hunter2-hunter2"])
    assert b"hunter2" not in (here / "heapledger.db").read_bytes()


def test_a_file_size_limit_ends_the_recording_not_the_command(here: Path, runs: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    done = run(runs, command=["sh", "-c", "exit 7"], preexec_fn=limit)
    assert done.returncode in (2, 7)  # 2: not even an empty recording fits
    assert "Traceback" not in done.stderr


# What took no part --------------------------------------------------------------------------------------------------


def autoload_that(folder: Path, body: str) -> dict[str, str]:
    """An environment in which every Python below `run` first executes this."""
    autoload = folder / "autoload"
    autoload.mkdir()
    (autoload / "sitecustomize.py").write_text(textwrap.dedent(body))
    return {**os.environ, "HEAPLEDGER_AUTOLOAD": str(autoload)}


def test_without_any_python_the_last_line_says_so(here: Path, runs: Path, tmp_path: Path) -> None:
    done = run(runs, command=["true"], env=autoload_that(tmp_path, ""))
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("nothing recorded: ")
    assert "install heapledger" in line


def test_a_python_without_heapledger_is_told_where_to_install_it(here: Path, runs: Path, tmp_path: Path) -> None:
    environment = autoload_that(
        tmp_path,
        """
        import json, os, sys
        note = {"executable": sys.executable, "python": "3.11.2",
                "reason": "cannot import heapledger: No module named 'heapledger'"}
        with open(os.path.join(os.environ["HEAPLEDGER_RUN_DIR"], "%d.refused" % os.getpid()), "w") as file:
            json.dump(note, file)
        """,
    )
    done = run(runs, command=[sys.executable, "-c", "raise SystemExit(3)"], env=environment)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert f"{sys.executable} -m pip install heapledger" in line
    with closing(sqlite3.connect(here / "heapledger.db")) as database:
        (note,) = database.execute("SELECT executable, python, reason FROM process_note").fetchall()
    assert note == (sys.executable, "3.11.2", "cannot import heapledger: No module named 'heapledger'")


def test_notes_with_terminal_escapes_are_shown_harmless(here: Path, runs: Path, tmp_path: Path) -> None:
    environment = autoload_that(
        tmp_path,
        r"""
        import os
        with open(os.path.join(os.environ["HEAPLEDGER_RUN_DIR"], "1.refused"), "w") as file:
            file.write('{"executable": "/bin/\\u001b[31mpython", "python": "3.9", "reason": "a\\nb\\u009bc"}')
        """,
    )
    done = run(runs, command=[sys.executable, "-c", "pass"], env=environment)
    assert len(done.stderr.splitlines()) == 1
    assert all(character >= " " and character != "\x9b" for character in done.stderr.rstrip("\n"))


def test_rubbish_in_the_run_folder_harms_nobody(here: Path, runs: Path, tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        cd "$HEAPLEDGER_RUN_DIR"
        head -c 5000000 /dev/urandom > 1.ledger; : > 2.ledger; mkdir 3.ledger; mkfifo 4.ledger
        ln -s /etc/passwd 5.ledger; head -c 3883008 /dev/zero > 6.ledger; mkfifo 1.refused; echo '[[[' > 2.refused
        ln -s /etc/passwd 3.refused
        exit 3
        """
    )
    done = run(runs, command=["sh", "-c", script])
    assert done.returncode == 3
    assert heapledger("requests").returncode == 0


# A killed supervisor ------------------------------------------------------------------------------------------------


def test_the_command_survives_its_supervisor_and_the_next_run_recovers_the_recording(
    here: Path, runs: Path, started: Any
) -> None:
    process = started("run", "--run-dir", runs, "--", *python(LISTENER))
    service = int(line_of(process).split()[1])
    os.kill(process.pid, signal.SIGKILL)
    process.wait(DEADLINE_SECONDS)
    os.kill(service, signal.SIGUSR1)
    assert line_of(process) == "heard SIGUSR1"
    os.kill(service, signal.SIGTERM)
    assert len(list(runs.iterdir())) == 1
    assert (here / "heapledger.db-wal").exists()

    done = run(runs, command=["true"])
    assert done.returncode == 0
    assert f"recovered {here / 'heapledger.db'} (0 more requests" in done.stderr
    assert list(runs.iterdir()) == []
    assert sorted(path.name for path in here.iterdir()) == ["heapledger.1.db", "heapledger.db"]
    recovered = heapledger("requests", "heapledger.1.db", "--format", "json")
    assert recovered.returncode == 0
    assert json.loads(recovered.stdout)["recording"]["complete"] is False


# --exec -------------------------------------------------------------------------------------------------------------


def test_exec_keeps_the_pid_and_the_status(here: Path, runs: Path, started: Any) -> None:
    process = started("run", "--exec", "--run-dir", runs, "--", "sh", "-c", "echo $$; exit 12")
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert int(output) == process.pid
    assert process.returncode == 12
    assert errors.startswith("nothing recorded: ")  # the side process's words: its end closed the pipe
    assert [path.name for path in here.iterdir()] == ["heapledger.db"]
    assert list(runs.iterdir()) == []


def test_exec_gives_the_command_no_child_it_does_not_know(here: Path, runs: Path) -> None:
    command = python(
        """
        import os
        try:
            print("child", os.waitpid(-1, os.WNOHANG))
        except ChildProcessError:
            print("none")
        """
    )
    assert run(runs, "--exec", "--quiet", command=command).stdout == "none\n"


def test_exec_releases_the_commands_output_as_soon_as_the_command_ends(here: Path, runs: Path, started: Any) -> None:
    process = started("run", "--exec", "--quiet", "--run-dir", runs, "--", *python(LISTENER))
    line_of(process)
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert output == "heard SIGTERM\n"
    assert process.returncode == 5
    wait_until(lambda: not (here / "heapledger.db-wal").exists() and not list(runs.iterdir()), "the collector ends")
    assert heapledger("requests").stdout == "nothing recorded\n"


def test_exec_refuses_before_the_command_starts(here: Path, runs: Path) -> None:
    (here / "r.db").write_text("there")
    done = run(runs, "--exec", "-o", "r.db", command=["touch", "started"])
    assert done.returncode == 2
    assert "--force" in errors_of(done)[1]
    assert not (here / "started").exists()


def test_exec_of_a_broken_script_leaves_nothing(here: Path, runs: Path) -> None:
    script = here / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = run(runs, "--exec", command=["./script"])
    assert done.returncode == 127
    errors_of(done)
    wait_until(lambda: not list(here.glob("*.db*")) and not list(runs.iterdir()), "the collector cleans up")


# Recordings as input ------------------------------------------------------------------------------------------------


def test_unreadable_recordings_are_one_error_and_status_2(here: Path, runs: Path) -> None:
    (here / "empty.db").touch()
    (here / "foreign.db").write_bytes(b"\x7fELF" * 1000)
    run(runs, "-o", "whole.db", command=["true"])
    whole = (here / "whole.db").read_bytes()
    (here / "cut.db").write_bytes(whole[:20_000])
    (here / "newer.db").write_bytes(whole)
    with closing(sqlite3.connect(here / "newer.db")) as database:
        database.execute("PRAGMA user_version = 99")
        database.commit()
    os.mkfifo(here / "pipe.db")
    for name, part in [
        ("absent.db", "no recording"),
        ("empty.db", "0 bytes"),
        ("foreign.db", "not a heapledger recording"),
        ("cut.db", "cut short"),
        ("newer.db", "newer"),
        ("pipe.db", "not a regular file"),
        (".", "folder"),
        ("a\x1b[31mb\nc.db", "no recording"),
    ]:
        done = heapledger("requests", name)
        assert (done.returncode, done.stdout) == (2, ""), name
        assert part in errors_of(done)[0], name


# doctor -------------------------------------------------------------------------------------------------------------


def test_doctor_says_no_for_what_is_not_a_python(here: Path) -> None:
    for python_path in ["/bin/true", "/no/such/python", "/etc"]:
        done = heapledger("doctor", "--python", python_path, "--format", "json")
        assert done.returncode == 1
        document = json.loads(done.stdout)
        assert document["schema"] == "heapledger.doctor/1"
        assert document["possible"] is False
        assert python_path in document["problem"]


def test_doctor_says_where_to_install_heapledger(here: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    done = heapledger("doctor", "--python", bare)
    assert done.returncode == 1
    assert "cannot import heapledger" in done.stdout
    assert "-m pip install heapledger" in done.stdout


def test_doctor_reports_the_run_folder_and_the_limits(here: Path, runs: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))

    arguments = ["doctor", "--python", "/bin/true", "--run-dir", str(runs), "--format", "json"]
    document = json.loads(heapledger(*arguments, preexec_fn=limit).stdout)
    assert document["run_folder"]["path"] == str(runs)
    assert document["run_folder"]["free_bytes"] > 0
    assert document["limits"]["address_space_bytes"] == 8 << 30
    done = heapledger("doctor", "--python", "/bin/true", "--run-dir", "/proc/no", "--format", "json")
    assert json.loads(done.stdout)["run_folder"]["problem"]
