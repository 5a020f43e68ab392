"""`heapledger run` over its command: signals, a killed supervisor, and the command as the parent (--exec)."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

from command_line import CLI, DEADLINE_SECONDS, LISTENER, errors_of, heapledger, line_of, python, run, wait_until

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
    os.kill(pid, signal.SIGSTOP)  # so that a second one, passed on, would come after the first was heard
    os.write(terminal, b"\x03")
    read_until(b"heard SIGINT")
    os.kill(pid, signal.SIGCONT)
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
    for restored in [True, False]:  # Python ignores SIGPIPE: with its default, and as Python has it
        bare = subprocess.run(command, capture_output=True, text=True, check=True, restore_signals=restored).stdout
        assert run(runs, command=command, restore_signals=restored).stdout == bare
    ignoring = f"trap '' HUP INT; '{CLI}' run --quiet --run-dir '{runs}' -- grep -E '^SigIgn' /proc/self/status"
    done = subprocess.run(["sh", "-c", ignoring], capture_output=True, text=True, check=True)
    ignored = int(done.stdout.split()[1], 16)
    assert ignored & (1 << (signal.SIGHUP - 1))
    assert ignored & (1 << (signal.SIGINT - 1))


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


def test_the_status_is_known_even_where_children_are_ignored(here: Path, runs: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    assert run(runs, command=["sh", "-c", "exit 7"], preexec_fn=ignore).returncode == 7
    assert run(runs, "--exec", command=["sh", "-c", "exit 7"], preexec_fn=ignore).returncode == 7
