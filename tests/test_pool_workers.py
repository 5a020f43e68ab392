"""Pools under gunicorn with two workers: each has its own, and what is recommended is times the workers that serve."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import serving
from serving import Recording, Row, Service

USES = 300  # so many that each worker has enough of them
SERVERS = {
    "gthread": serving.gunicorn("applications.pooled_workers:app", threads=2, workers=2),
    "preload": serving.gunicorn("applications.pooled_workers:app", "--preload", threads=2, workers=2),
    "sync": serving.gunicorn("applications.pooled_workers:app", "--worker-class", "sync", threads=1, workers=2),
}


def recorded(server: str, folder: Path) -> tuple[Recording, Counter[str]]:
    environment = {"TEST_POOL_FILE": str(folder / "pool.db")}
    if server == "preload":
        environment["TEST_POOL_EARLY"] = "1"
    with Service(folder, SERVERS[server], environment=environment) as service:
        replies = service.get_all(["/use"] * USES, at_once=4)
        while len({reply.body for reply in replies}) < 2 and len(replies) < 20 * USES:
            replies += service.get_all(["/use"] * USES, at_once=8)
        assert {reply.status for reply in replies} == {200}, service.stderr.read_text()[-3000:]
        return service.stop(), Counter(reply.body.decode() for reply in replies)


def pool_of(recording: Recording) -> Row:
    command = [serving.heapledger(), "pools", str(recording.path), "--format", "json", "--fail-on", "leak"]
    done = subprocess.run(command, capture_output=True, timeout=serving.DEADLINE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    [pool] = json.loads(done.stdout)["pools"]
    return dict(pool)


@pytest.mark.parametrize("server", SERVERS)
def test_each_worker_has_a_pool_and_sizes_are_times_the_workers(server: str, tmp_path: Path) -> None:
    recording, served = recorded(server, tmp_path)
    assert len(served) == 2
    pool = pool_of(recording)
    assert pool["workers"] == 2
    early = 1 if server == "preload" else 0
    assert pool["checkouts"] == served.total() + early
    assert pool["leaks"] == []
    [endpoint] = [row for row in pool["endpoints"] if row["route"] == "/use"]
    assert endpoint["checkouts"] == served.total()
    threads = 1 if server == "sync" else 2
    assert 1 <= pool["most_in_use"] <= threads  # of one worker
    sizes = {made["setting"]: made for made in pool["recommendations"]}
    for name in ("pool_size", "max_overflow"):
        assert sizes[name]["reason"].endswith(f"; times 2 workers: {2 * sizes[name]['suggested']}"), sizes[name]
