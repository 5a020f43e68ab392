"""The command line as its users meet it: exit statuses, streams, and what hostile input gets."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from command_line import CLI, DEADLINE_SECONDS, errors_of, heapledger, python, run

ABSENT = ["postmortem", "export", "top", "snapshot"]


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


@pytest.mark.parametrize(
    ("verb", "usage"),
    [
        ([], "heapledger VERB [flags]"),
        (["run"], "heapledger run [flags] -- COMMAND..."),
        (["requests"], "heapledger requests [flags] [RECORDING]"),
        (["leaks"], "heapledger leaks [flags] [RECORDING]"),
        (["doctor"], "heapledger doctor [flags]"),
    ],
)
def test_help_has_one_usage_line_that_can_be_typed(here: Path, verb: list[str], usage: str) -> None:
    done = heapledger(*verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if "usage:" in line.lower()] == [f"usage: {usage}"]


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
    preload = seen.pop("HEAPLEDGER_PRELOAD")
    assert seen.pop("LD_PRELOAD") == preload
    assert Path(preload).name == "libheapledger_preload.so"
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
    assert done.stderr.splitlines()[0] == "recorded by the run around this one: inner.db is not made"
    assert [path.name for path in here.iterdir()] == ["outer.db"]
    inner.insert(2, "--quiet")
    assert run(runs, "--quiet", "--force", "-o", "outer.db", command=inner).stderr == ""


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


def test_doctor_asks_the_interpreter_beside_it_and_paths_where_there_is_none(here: Path, tmp_path: Path) -> None:
    def stand_in(folder: str) -> Path:
        python_path = tmp_path / folder / "python3"
        python_path.parent.mkdir(parents=True, exist_ok=True)
        python_path.write_text(f"#!/bin/sh\necho /{folder}/python3; echo 3.11.2\n")
        python_path.chmod(0o755)
        return python_path

    program = tmp_path / "alone" / "bin" / "heapledger"
    program.parent.mkdir(parents=True)
    shutil.copy2(CLI, program)
    path = {"PATH": f"{stand_in('on-path').parent}:/usr/bin:/bin"}

    def asked(*flags: str | Path) -> str:
        command = [program, "doctor", "--format", "json", *flags]
        done = subprocess.run(command, capture_output=True, text=True, env=path, check=False, timeout=DEADLINE_SECONDS)
        executable: str = json.loads(done.stdout)["python"]["executable"]
        return executable

    assert asked() == "/on-path/python3"
    beside = stand_in("alone/bin")
    assert asked() == "/alone/bin/python3"
    assert asked("--python", "python3") == "/on-path/python3"
    beside.chmod(0o644)
    assert asked() == "/on-path/python3"


def test_doctor_needs_no_activated_environment(here: Path) -> None:
    document = json.loads(heapledger("doctor", "--format", "json", env={"PATH": "/usr/bin:/bin"}).stdout)
    assert document["python"]["executable"] == str(Path(CLI).parent / "python3")
    assert document["python"]["can_import_heapledger"] is True


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


def test_doctor_says_all_it_knows_where_no_run_folder_can_be_made(here: Path) -> None:
    flags = ["--python", sys.executable, "--run-dir", "/proc"]
    document = json.loads(heapledger("doctor", *flags, "--format", "json").stdout)
    assert document["possible"] is False
    assert document["problem"] == document["run_folder"]["problem"]
    assert document["python"]["can_import_heapledger"] is True
    text = heapledger("doctor", *flags)
    assert (text.returncode, text.stderr) == (1, "")
    assert "not possible: " in text.stdout
