"""What `heapledger run` leaves on disk, and what it says of programs that took no part."""

from __future__ import annotations

import os
import re
import resource
import signal
import sqlite3
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command_line import DEADLINE_SECONDS, LISTENER, errors_of, heapledger, line_of, python, run, wait_until

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


def test_a_forced_output_that_is_being_written_is_refused_as_such(here: Path, runs: Path, started: Any) -> None:
    first = started("run", "--quiet", "-o", "r.db", "--run-dir", runs, "--", *python(LISTENER))
    line_of(first)
    second = run(runs, "-o", "r.db", "--force", command=["touch", "started"])
    assert second.returncode == 2
    assert errors_of(second)[0] == "error: r.db is being written by another run"
    assert not (here / "started").exists()
    first.send_signal(signal.SIGTERM)
    assert first.wait(DEADLINE_SECONDS) == 5
    assert heapledger("requests", "r.db").stdout == "nothing recorded\n"


def meta_of(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT key, value FROM meta"))


def test_a_service_in_the_foreground_is_started_beside_one_that_is_being_recorded(
    here: Path, runs: Path, started: Any
) -> None:
    first = started("run", "--exec", "--quiet", "-o", "r.db", "--run-dir", runs, "--", *python(LISTENER))
    line_of(first)
    for flags in (["--quiet"], []):
        second = run(runs, "--exec", *flags, "-o", "r.db", "--force", command=["echo", "served"])
        assert (second.returncode, second.stdout) == (0, "served\n")
        said = re.findall("recording to (.*)", second.stderr)
        assert said == ([] if flags else ["r-2.db"])
        wait_until(lambda: meta_of(here / "r-2.db")["complete"], "the second one's collector ends")
    first.send_signal(signal.SIGTERM)
    assert first.wait(DEADLINE_SECONDS) == 5
    wait_until(lambda: meta_of(here / "r.db")["complete"], "the first one's collector ends")
    assert sorted(path.name for path in here.iterdir()) == ["r-2.db", "r.db"]


def test_a_service_that_restarts_at_once_is_recorded_each_time(here: Path, runs: Path) -> None:
    for _ in range(6):
        done = run(runs, "--exec", "--quiet", "-o", "r.db", "--force", command=["echo", "served"])
        assert (done.returncode, done.stdout, done.stderr) == (0, "served\n", "")
    wait_until(lambda: not list(runs.iterdir()), "the last collector ends")
    assert [path.name for path in here.iterdir()] == ["r.db"]
    assert meta_of(here / "r.db")["complete"] == 1


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
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

    done = run(runs, command=["sh", "-c", "exit 7"], preexec_fn=limit)
    assert (done.returncode, [path.name for path in here.iterdir()]) == (7, ["heapledger.db"])


@pytest.mark.parametrize("flags", [[], ["--exec"]])
def test_a_file_size_limit_below_an_empty_recording_is_one_error(flags: list[str], here: Path, runs: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    done = run(runs, *flags, command=["touch", "started"], preexec_fn=limit)
    assert done.returncode == 2
    error, hint = errors_of(done)
    assert error.startswith("error: cannot use heapledger.db: ")
    assert "ulimit -f" in hint
    assert list(here.iterdir()) == list(runs.iterdir()) == []


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
