"""How a process ended, as the recording and the report say it: asked to stop is not killed, and neither is in order."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import serving
from server_programs import server_program
from serving import Recording, Service

FLASK_RUN = [sys.executable, "-m", "flask", "--app", "applications.served_flask:app", "run", "--port", "{port}"]
RUNSERVER = [sys.executable, "-m", "django", "runserver", "--noreload", "--nothreading", "{port}"]
# Servers that a SIGTERM ends by its default action: no exit callback runs.
COMMANDS = {
    **{
        server: [sys.executable, "-c", server_program(server, "served_flask", ends_in_order=False), "{fd}"]
        for server in ("werkzeug", "waitress", "wsgiref")
    },
    "flask run": FLASK_RUN,
    "runserver": RUNSERVER,
}
# Linux tells how a process ended to others than its parent from 6.15 on.
STRANGERS_ARE_TOLD = tuple(map(int, platform.release().split(".")[:2])) >= (6, 15)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def serve(folder: Path, command: list[str]) -> Service:
    """A service that has a request behind it."""
    port = free_port()
    environment = {"DJANGO_SETTINGS_MODULE": "applications.django_settings"}
    service = Service(folder, [word.replace("{port}", str(port)) for word in command], environment=environment)
    if any("{port}" in word for word in command):
        service.port = port
    path = "/items/7/" if "django" in command else "/items/7"
    serving.eventually("it serves", lambda: _status_of(service, path) == 200)
    serving.eventually("a request is over", lambda: Recording(service.output).requests())
    return service


def _status_of(service: Service, path: str) -> int:
    assert service.process.poll() is None, service.stderr.read_text()
    try:
        return service.get(path).status
    except ConnectionRefusedError:
        return 0


def report_of(recording: Recording) -> str:
    command = [serving.heapledger(), "requests", str(recording.path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def books_line(text: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith("books ")]
    return line.removeprefix("books").strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_that_sigterm_ends_stands_as_it_was(name: str, tmp_path: Path) -> None:
    with serve(tmp_path, COMMANDS[name]) as service:
        recording = service.stop(signal.SIGTERM)
        assert service.process.returncode == 128 + signal.SIGTERM
        said = service.stderr.read_text()
    [worker] = recording.query("SELECT * FROM worker")
    assert (worker["ending"], worker["end_signal"]) == ("stopped", signal.SIGTERM)
    assert books_line(report_of(recording)).startswith("as they stood when worker 1 was ended by SIGTERM; ")
    assert books_line(said) == books_line(report_of(recording))
    analysis = recording.analysis()
    assert analysis["accounting"]["balanced"] is None  # nobody walked the blocks, and nobody says so
    assert analysis["recording"]["complete"] is True
    assert (analysis["workers"][0]["ending"], analysis["workers"][0]["end_signal"]) == ("stopped", signal.SIGTERM)
    [endpoint] = analysis["endpoints"]
    assert endpoint["requests"] >= 1


def test_one_that_is_killed_is_said_to_be(tmp_path: Path) -> None:
    with serve(tmp_path, COMMANDS["werkzeug"]) as service:
        recording = Recording(service.output)
        [pid] = serving.eventually("its row is there", lambda: recording.query("SELECT pid FROM worker"))
        os.kill(pid["pid"], signal.SIGKILL)
        assert service.wait() == 128 + signal.SIGKILL
    [worker] = recording.query("SELECT * FROM worker")
    assert (worker["ending"], worker["end_signal"]) == ("died", signal.SIGKILL)
    assert books_line(report_of(recording)).startswith("not audited: worker 1 was killed by SIGKILL; ")


@pytest.mark.parametrize(("number", "ending"), [(signal.SIGTERM, "stopped"), (signal.SIGKILL, "died")])
def test_a_process_that_is_not_our_child(number: int, ending: str, tmp_path: Path) -> None:
    shell = '"$@" & wait $!; exit 3'
    with serve(tmp_path, ["sh", "-c", shell, "sh", *COMMANDS["werkzeug"]]) as service:
        document = Recording(service.output)
        [pid] = serving.eventually("its row is there", lambda: document.query("SELECT pid FROM worker"))
        os.kill(pid["pid"], number)
        assert service.wait() == 3
    [worker] = document.query("SELECT * FROM worker")
    text = books_line(report_of(document))
    if STRANGERS_ARE_TOLD:
        assert (worker["ending"], worker["end_signal"]) == (ending, number)
    else:
        assert worker["end_signal"] in (None, number)
        assert "worker 1 " in text


def test_one_that_leaves_without_its_exit_callbacks_was_not_killed(tmp_path: Path) -> None:
    program = "import heapledger, os\nwith heapledger.request('job'): pass\nos._exit(4)"
    output = tmp_path / "recording.db"
    run = [serving.heapledger(), "run", "-o", str(output), "--run-dir", str(tmp_path / "run"), "--"]
    done = subprocess.run(
        [*run, sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 4
    assert books_line(done.stderr).startswith("as they stood when worker 1 left without closing the books; ")
