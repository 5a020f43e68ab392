"""What becomes of connections, each way and each kind of pool, against what is true by construction.

And pools that are watched by hand: they and their copies do what they did, with nothing of ours on them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import heapledger
import heapledger.pools
import pytest
from command_line import CLI, ROOT, run
from database_servers import postgres, redis_port
from test_pool_capture import Pools

__all__ = ["postgres", "redis_port"]

APPLICATIONS = ROOT / "tests" / "applications"
LOST = {"never": "never_returned"}  # in which kind of leak a way of ending ends; all others in none
# Where one is idle in the end.
OPEN = {"checkin", "collect_connection", "soft_invalidate", "reconnect", "dispose_and_go_on"}
OWN_CLOSE = {"NullPool"}  # closes at once what comes back


def recorded(folder: Path, program: str, *arguments: str | int) -> Pools:
    command = [sys.executable, str(APPLICATIONS / program), *map(str, arguments)]
    done = run(folder / "runs", "--quiet", "-o", folder / "pools.db", command=command, cwd=folder, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return Pools(folder / "pools.db", done.stdout)


def document_of(folder: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    command = [CLI, "pools", str(folder / "pools.db"), "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)["pools"]


@pytest.fixture(scope="module", params=["QueuePool StaticPool AssertionPool", "NullPool SingletonThreadPool"])
def ends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pools, Path]:
    folder = tmp_path_factory.mktemp("ends")
    return recorded(folder, "pool_ends.py", "sqlalchemy", *request.param.split()), folder


def test_of_sqlalchemys_pools_only_what_is_never_returned_is_lost(ends: tuple[Pools, Path]) -> None:
    _, folder = ends
    status, pools = document_of(folder, "--fail-on", "leak")
    assert len(pools) in (28, 42)  # each way of each class, each one pool to its end
    found = {pool["name"]: [leak["kind"] for leak in pool["leaks"]] for pool in pools}
    expected = {name: [LOST[way]] if (way := name.partition(".")[2]) in LOST else [] for name in found}
    assert found == expected
    assert status == 1


def test_what_of_sqlalchemys_pools_is_open_in_the_end_is_what_was_left_open(ends: tuple[Pools, Path]) -> None:
    pools, _ = ends
    rows = pools.rows("SELECT p.name, c.state FROM connection c JOIN pool p ON p.id = c.pool")
    states: dict[str, Counter[str]] = {row["name"]: Counter() for row in rows}
    for row in rows:
        states[row["name"]][row["state"].removesuffix("_kept")] += 1
    for name, counted in states.items():
        kind, _, way = name.partition(".")
        assert counted["orphan"] == 0, name
        assert counted["in_use"] == (way == "never"), (name, counted)
        assert counted["idle"] == (way in OPEN and kind not in OWN_CLOSE), (name, counted)


def test_pools_that_are_dropped_and_threads_that_end_lose_nothing(
    tmp_path: Path, postgres: str, redis_port: int
) -> None:
    pools = recorded(tmp_path, "pool_ends.py", "libraries", postgres, redis_port)
    status, document = document_of(tmp_path, "--fail-on", "leak")
    assert {pool["library"] for pool in document} == {"psycopg_pool", "redis", "httpcore", "Django"}
    assert [(pool["name"], pool["leaks"]) for pool in document if pool["leaks"]] == []
    assert status == 0
    states = Counter(row["state"].removesuffix("_kept") for row in pools.rows("SELECT state FROM connection"))
    assert set(states) == {"closed"}, states


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Pools:
    return recorded(tmp_path_factory.mktemp("copies"), "pool_copies.py")


def test_a_watched_pool_and_its_copies_do_what_they_did(copies: Pools) -> None:
    did: dict[str, list[dict[str, Any]]] = json.loads(copies.said)
    assert len(did) == 7
    for make, (unwatched, watched) in did.items():
        assert watched == unwatched, make
        assert watched["gone"], make
        assert "two" in watched["deepcopy"][2], make  # a copy made it, by its own name


def test_of_a_watched_pool_only_its_own_use_is_recorded(copies: Pools) -> None:
    for make in json.loads(copies.said):
        kinds = copies.rows(
            "SELECT e.kind, (SELECT d.route FROM request r JOIN endpoint d ON d.id = r.endpoint "
            "WHERE r.worker = e.worker AND r.sequence = e.request_sequence) AS route "
            "FROM pool_event e JOIN pool p ON p.id = e.pool WHERE p.name = ?",
            make,
        )
        counted = Counter((row["kind"], row["route"]) for row in kinds if row["route"] is not None)
        assert counted["checkout", "original"] == 1, (make, counted)
        assert counted["checkin", "original"] == 1, (make, counted)
        assert {route for _, route in counted} == {"original"}, (make, counted)


def test_who_closes_is_believed_and_without_that_only_what_is_in_use_is_lost(tmp_path: Path) -> None:
    pools = recorded(tmp_path, "pooled_by_hand.py", "dropped")
    rows = pools.rows("SELECT p.name, c.number, c.state FROM connection c JOIN pool p ON p.id = c.pool")
    states = {(row["name"], row["number"]): row["state"].removesuffix("_kept") for row in rows}
    # Dropped while idle, dropped while in use, ended by its user.
    assert [states["closes", number] for number in (1, 2, 3)] == ["orphan", "orphan", "closed"]
    assert [states["drops", number] for number in (1, 2, 3)] == ["closed", "orphan", "orphan"]


def test_a_connection_may_be_given_back_by_any_name(tmp_path: Path) -> None:
    class Pool:
        def __init__(self) -> None:
            self.free = [object()]

        def acquire(self) -> object:
            return self.free.pop()

        def release(self, *conns: object, conn: object = None) -> None:
            self.free.extend(conns or [conn])

    pool = heapledger.pools.watch(Pool())
    pool.release(conn=pool.acquire())
    pool.release(pool.acquire())
    pool.release()
    assert len(pool.free) == 2


def test_coroutine_functions_are_watched_as_others_are(tmp_path: Path) -> None:
    pools = recorded(tmp_path, "pooled_by_hand.py", "watched_async")
    kinds = [row["kind"] for row in pools.rows("SELECT kind FROM pool_event ORDER BY rowid")]
    assert kinds == ["create", "checkout", "checkin", "checkout", "close"]
    assert all(row["hold_us"] is not None for row in pools.rows("SELECT * FROM pool_event WHERE kind = 'checkin'"))
    made = pools.rows("SELECT live_bytes FROM pool_event WHERE kind = 'create'")
    assert made[0]["live_bytes"] >= 100_000
    assert pools.rows("SELECT state FROM connection")[0]["state"].removesuffix("_kept") == "closed"
