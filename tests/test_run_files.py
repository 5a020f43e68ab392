"""What `heapledger run` leaves on disk, and what it says of programs that took no part."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

from command_line import DEADLINE_SECONDS, LISTENER, errors_of, heapledger, line_of, python, run

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
