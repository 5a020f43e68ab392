"""`heapledger demo`: the example service under a real server and real concurrent load, then what every
analysis says of it.

Everything stays on the loopback interface; the server is a child of ours and is stopped before we return.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CLIENTS = 12
REQUESTS = 2_400
READY_WITHIN_SECONDS = 30.0
STOPS_WITHIN_SECONDS = 30.0
NEEDED = {
    "fastapi": ("fastapi", "uvicorn"),
    "flask": ("flask", "gunicorn"),
    "django": ("django", "gunicorn"),
}

_IMPORT_LINES = [b"id,customer,total_cents\n", *(b"%d,c-%d,%d\n" % (n, n % 90, 100 + n) for n in range(20_000))]
_IMPORTS = [b"".join(_IMPORT_LINES[: 1 + tenth * 2_000]) for tenth in range(1, 11)]  # of ten sizes
_ORDER = json.dumps({"customer": "c-1", "items": [{"sku": f"s-{n}", "quantity": n + 1} for n in range(5)]}).encode()
# Method, URL, body, content type, and how many of a hundred requests.
MIX: tuple[tuple[str, str, bytes, str, int], ...] = (
    ("GET", "/v2/orders?limit={limit}", b"", "", 22),
    ("GET", "/v2/orders/{n}", b"", "", 20),
    ("POST", "/orders", _ORDER, "application/json", 15),
    ("GET", "/v2/customers/{n}/recommendations", b"", "", 20),
    ("GET", "/v1/orders", b"", "", 8),
    ("GET", "/v2/stock/s-{stock}", b"", "", 5),
    ("GET", "/v2/orders/export", b"", "", 4),
    ("GET", "/v2/reports/{year}", b"", "", 3),
    ("POST", "/v2/orders/import", _IMPORTS[-1], "text/csv", 2),
    ("GET", "/favicon.ico", b"", "", 1),
)


class DemoError(Exception):
    """One line for the user, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def server_command(framework: str, port: int) -> list[str]:
    """How the example is served."""
    application = f"heapledger._example.{framework}_app:app"
    if framework == "fastapi":
        options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", application, *options]
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "8"]
    return [sys.executable, "-m", "gunicorn", application, *options, "--log-level", "warning"]


def plan() -> Iterator[tuple[str, str, bytes, str]]:
    """The requests, evenly mixed, the same every time."""
    credit = [0] * len(MIX)
    for number in range(REQUESTS):
        credit = [have + kind[4] for have, kind in zip(credit, MIX, strict=True)]
        chosen = credit.index(max(credit))
        credit[chosen] -= 100
        method, url, body, content_type, _ = MIX[chosen]
        if body is _IMPORTS[-1]:
            body = _IMPORTS[number // 50 % len(_IMPORTS)]
        values = {"n": number % 400, "year": 2000 + number % 25, "limit": 10 + number % 390, "stock": number % 52}
        yield method, url.format(**values), body, content_type


def send_load(port: int) -> int:
    """Send the plan over CLIENTS connections at once; how many requests were answered."""
    waiting = plan()
    lock = threading.Lock()
    answered = 0

    def client() -> None:
        nonlocal answered
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with lock:
                request = next(waiting, None)
            if request is None:
                break
            method, url, body, content_type = request
            try:
                connection.request(method, url, body or None, {"Content-Type": content_type} if content_type else {})
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()
                continue
            with lock:
                answered += 1
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered


def wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    """Return once the port accepts connections."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise DemoError(f"the example service ended with status {server.returncode} before it was ready")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DemoError(f"the example service was not ready within {READY_WITHIN_SECONDS:.0f} s")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server, by its own pid."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        raise DemoError("the example service did not stop and was killed") from None


def executable() -> str:
    """The command line tool that belongs to this package."""
    beside = Path(sys.executable).with_name("heapledger")
    found = str(beside) if beside.exists() else shutil.which("heapledger")
    if not found:
        raise DemoError("the heapledger executable was not found", "install heapledger into this environment")
    return found


def run(framework: str) -> int:
    """Serve, load, stop, report; the report's exit status."""
    missing = [name for name in NEEDED[framework] if importlib.util.find_spec(name) is None]
    if missing:
        raise DemoError(
            f"the demo needs {' and '.join(missing)}", f"{sys.executable} -m pip install {' '.join(missing)}"
        )
    tool = executable()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    recording = Path(tempfile.mkdtemp(prefix="heapledger-demo-")) / "heapledger.db"
    command = server_command(framework, port)
    print(f"demo: {REQUESTS} requests from {CLIENTS} clients to {framework} on port {port}", file=sys.stderr)
    server = subprocess.Popen([tool, "run", "-o", str(recording), "--quiet", "--", *command])
    try:
        wait_until_ready(port, server)
        answered = send_load(port)
    finally:
        stop(server)
    if answered < REQUESTS:
        print(f"demo: {REQUESTS - answered} requests were not answered", file=sys.stderr)
    print(f"demo: heapledger report {recording}\n", file=sys.stderr)
    sys.stderr.flush()
    return subprocess.run([tool, "report", str(recording)], check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, and turn errors into one line."""
    parser = argparse.ArgumentParser(prog="heapledger demo", description="Record the example service under load.")
    parser.add_argument("--framework", choices=sorted(NEEDED), default="fastapi")
    options = parser.parse_args(arguments)
    try:
        return run(options.framework)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
