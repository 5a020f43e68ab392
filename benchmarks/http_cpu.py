"""CPU per request over HTTP: a real server on loopback, its whole process tree, supervisors included.

Rounds are interleaved: each starts every variant once, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.variants import Variant, clean_environment
from benchmarks.workload import REQUESTS, SERVICES, Service

CLIENTS = 8
WARM_UP_REQUESTS = 240
MEASURED_REQUESTS = 2_400
ROUNDS = 3
START_SECONDS = 60
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def measure(
    variants: Iterable[Variant], say: Callable[[str], None], rounds: int = ROUNDS
) -> dict[str, dict[str, dict[str, float]]]:
    """CPU seconds per request by framework and variant: median, lowest and highest round."""
    samples: dict[tuple[str, str], list[float]] = {}
    for turn in range(rounds):
        for service in SERVICES:
            for variant in variants:
                say(f"cpu: {service.framework}, {variant.name}, round {turn + 1} of {rounds}")
                samples.setdefault((service.framework, variant.name), []).append(run_once(service, variant))
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for (framework, name), seconds in samples.items():
        figures.setdefault(framework, {})[name] = {
            "median": statistics.median(seconds),
            "low": min(seconds),
            "high": max(seconds),
        }
    return figures


def run_once(service: Service, variant: Variant) -> float:
    with tempfile.TemporaryDirectory(prefix="heapledger-bench-") as scratch:
        port = free_port()
        with running(service, variant, port, Path(scratch)) as process:
            send(port, WARM_UP_REQUESTS)
            before = tree_cpu_seconds(process.pid)
            send(port, MEASURED_REQUESTS)
            return (tree_cpu_seconds(process.pid) - before) / MEASURED_REQUESTS


@contextlib.contextmanager
def running(service: Service, variant: Variant, port: int, scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [argument.format(port=port) for argument in service.arguments]
    command = variant.command(service.server, [*arguments, service.application], scratch)
    with (scratch / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**clean_environment(), **variant.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_for(port, process, scratch / "output")
        yield process
    finally:
        stop(process)


def wait_for(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"error: {process.args} did not listen\n{output.read_text(errors='replace')[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it in order; the process group only if that takes too long."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(port: int, count: int) -> None:
    """`count` requests over CLIENTS kept-alive connections, all endpoints in turn."""
    errors: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for number in range(count // CLIENTS):
            request = REQUESTS[number % len(REQUESTS)]
            headers = {"Content-Type": request.content_type} if request.body else {}
            connection.request(request.method, request.path, body=request.body or None, headers=headers)
            response = connection.getresponse()
            response.read()
            if not 200 <= response.status < 300:
                errors.append(f"{request.name} answered {response.status}")
                break
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise SystemExit(f"error: {errors[0]}")


def tree_cpu_seconds(root: int) -> float:
    """User and system time of `root` and all that descend from it, ended children included."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
                ticks[int(entry.name)] = sum(int(field) for field in fields[11:15])
    total, left = 0, [root]
    while left:
        pid = left.pop()
        total += ticks.get(pid, 0)
        left += children.get(pid, [])
    return total * TICK_SECONDS
