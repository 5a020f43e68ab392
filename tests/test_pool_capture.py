"""What is recorded of connection pools, with real servers: events by construction, whose bytes, who has it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, run
from database_servers import postgres, redis_port

__all__ = ["postgres", "redis_port"]

PROGRAMS = ROOT / "tests" / "applications"
BY_HAND = ("watched", "killed", "forked", "broken")
WORKS = 5
TOLERANCE = 0.05


class Pools:
    """The pools of one recording."""

    def __init__(self, path: Path, said: str) -> None:
        self.said = said  # by the program
        self.database = sqlite3.connect(path)
        self.database.row_factory = sqlite3.Row

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self.database.execute(sql, values).fetchall()

    def kinds(self, route: str | None = None) -> Counter[str]:
        """How many events of each kind, in requests of one name or of nobody's (None)."""
        rows = self.rows(
            "SELECT kind, request_sequence, (SELECT e.route FROM request r JOIN endpoint e ON e.id = r.endpoint "
            "WHERE r.worker = p.worker AND r.sequence = p.request_sequence) AS route FROM pool_event p"
        )
        return Counter(row["kind"] for row in rows if row["route"] == route)

    def functions(self, stack: int) -> list[str]:
        """The functions of a stack, innermost first."""
        places = self.rows("SELECT places FROM stack WHERE id = ?", stack)[0]["places"].split()
        return [self.rows("SELECT function FROM place WHERE id = ?", place)[0]["function"] for place in places]

    def files(self, stack: int) -> list[str]:
        places = self.rows("SELECT places FROM stack WHERE id = ?", stack)[0]["places"].split()
        return [self.rows("SELECT file FROM place WHERE id = ?", place)[0]["file"] for place in places]


Record = Callable[..., Pools]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Records one scenario of the program, once for all tests that look at it."""
    known: dict[tuple[str, ...], Pools] = {}

    def recorded(scenario: str, address: str | int = "", *flags: str, **environment: str) -> Pools:
        key = (scenario, *flags, *environment.values())
        if key not in known:
            folder = tmp_path_factory.mktemp("pools")
            program = PROGRAMS / ("pooled_by_hand.py" if scenario in BY_HAND else "pooled.py")
            command = [sys.executable, str(program), scenario, str(address), *flags]
            done = run(folder / "runs", "--quiet", "-o", folder / "pools.db", command=command, cwd=folder,
                       env={**os.environ, **environment})  # fmt: skip
            assert done.returncode == (128 + signal.SIGKILL if scenario == "killed" else 0), done.stderr
            assert "Traceback" not in done.stderr, done.stderr
            known[key] = Pools(folder / "pools.db", done.stdout)
        return known[key]

    return recorded


def installed(package: str, version: str) -> Path:
    """A folder with one release of a package and nothing else, fetched once."""
    folder = ROOT / "build" / "releases" / f"{package}-{version}"
    if not folder.exists():
        building = folder.with_name(f"{folder.name}.{os.getpid()}")
        subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps",
             "--target", building, f"{package}=={version}"],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        with contextlib.suppress(OSError):
            building.rename(folder)
    return folder


SCENARIOS = [
    ("psycopg_sync", "postgres", "psycopg_pool"),
    ("psycopg_async", "postgres", "psycopg_pool"),
    ("sqlalchemy_sync", "postgres", "SQLAlchemy"),
    ("sqlalchemy_async", "postgres", "SQLAlchemy"),
    ("redis_sync", "redis_port", "redis"),
    ("redis_async", "redis_port", "redis"),
    ("httpx_sync", "", "httpcore"),
    ("httpx_async", "", "httpcore"),
    ("django_sync", "postgres", "Django"),
    ("watched", "", "__main__"),
]


def address_of(server: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(server)) if server else ""


@pytest.mark.parametrize(("scenario", "server", "library"), SCENARIOS, ids=[s[0] for s in SCENARIOS])
def test_a_connection_that_was_never_given_back_says_which_request_has_it_and_where_it_was_taken(
    scenario: str, server: str, library: str, request: pytest.FixtureRequest, record: Record
) -> None:
    pools = record(scenario, address_of(server, request))
    assert pools.rows("SELECT DISTINCT library FROM pool")[0]["library"] == library
    assert pools.kinds("work")["checkout"] == WORKS
    assert pools.kinds("work")["checkin"] == WORKS
    assert pools.kinds("keeps")["checkout"] == 1
    assert pools.kinds("keeps")["checkin"] == 0
    held = pools.rows(
        "SELECT c.*, (SELECT e.route FROM request r JOIN endpoint e ON e.id = r.endpoint WHERE r.worker = c.worker "
        "AND r.sequence = c.request_sequence) AS route FROM connection c WHERE state = 'in_use'"
    )
    assert [row["route"] for row in held] == ["keeps"]
    functions = pools.functions(held[0]["stack"])
    assert any(name.endswith("keep_one") for name in functions), functions
    assert "heapledger/pools" not in pools.files(held[0]["stack"])[0]


@pytest.mark.parametrize(("scenario", "server", "library"), SCENARIOS, ids=[s[0] for s in SCENARIOS])
def test_where_all_are_given_back_none_is_in_use(
    scenario: str, server: str, library: str, request: pytest.FixtureRequest, record: Record
) -> None:
    pools = record(scenario, address_of(server, request), "clean")
    states = Counter(row["state"] for row in pools.rows("SELECT state FROM connection"))
    assert states["idle"] >= 1, states
    assert set(states) <= {"idle", "closed"}, states
    assert pools.kinds("work")["checkin"] == WORKS
    last = pools.rows("SELECT * FROM pool_event ORDER BY rowid DESC LIMIT 1")[0]
    assert (last["in_use"], last["waiters"]) == (0, 0)
    held = [row["hold_us"] for row in pools.rows("SELECT hold_us FROM pool_event WHERE kind = 'checkin'")]
    assert all(hold is not None and hold >= 0 for hold in held)


@pytest.mark.parametrize(
    ("scenario", "server", "least_wait_us"),
    [
        ("psycopg_sync", "postgres", 200_000),
        ("sqlalchemy_sync", "postgres", 200_000),
        ("redis_sync", "redis_port", 100_000),
        ("httpx_sync", "", 200_000),
    ],
)
def test_who_waits_in_vain_is_recorded_with_its_request(
    scenario: str, server: str, least_wait_us: int, request: pytest.FixtureRequest, record: Record
) -> None:
    pools = record(scenario, address_of(server, request))
    timeouts = pools.rows("SELECT * FROM pool_event WHERE kind = 'timeout'")
    assert len(timeouts) == 1
    assert timeouts[0]["wait_us"] >= least_wait_us
    assert pools.kinds("waits")["timeout"] == 1
    assert timeouts[0]["connection"] is None
    assert timeouts[0]["stack"] is not None


def test_connections_that_their_pool_never_lends_again_are_orphans(record: Record) -> None:
    """A request that is cancelled between connecting and sending leaves its connection NEW in httpcore 1.0.9."""
    pools = record("httpx_cancelled")
    states = Counter(row["state"] for row in pools.rows("SELECT state FROM connection"))
    assert int(pools.said) > 0
    assert states["orphan"] == int(pools.said), states
    assert states["in_use"] == 0


@pytest.mark.parametrize(("version", "orphans"), [("3.2.7", 3), ("3.2.8", 0)])
def test_connections_that_a_cancelled_request_loses_are_orphans(
    version: str, orphans: int, postgres: str, record: Record
) -> None:
    """The leak of psycopg_pool 3.2.7 and its fix: three requests are cancelled while their connection is checked."""
    pools = record("psycopg_cancelled", postgres, PYTHONPATH=str(installed("psycopg-pool", version)))
    states = Counter(row["state"] for row in pools.rows("SELECT state FROM connection"))
    assert states["orphan"] == orphans, states
    assert states["idle"] == 4 - orphans
    assert states["in_use"] == 0


def test_a_connection_holds_what_one_holds_alone(postgres: str, record: Record) -> None:
    alone = int(record("measured_alone", postgres).said)
    for scenario in ("psycopg_sync", "sqlalchemy_sync"):
        pools = record(scenario, postgres)
        made = pools.rows("SELECT * FROM connection WHERE state IN ('idle', 'in_use') ORDER BY number")
        live = [row["live_bytes"] for row in made]
        assert len(live) >= 2
        for bytes_held in live[1:]:
            assert abs(bytes_held - alone) <= TOLERANCE * alone, (scenario, live, alone)
        assert all(0 < row["native_bytes"] <= row["live_bytes"] for row in made)


def test_it_is_not_the_requests_that_waits_for_it(record: Record) -> None:
    pools = record("watched")
    live = pools.rows("SELECT live_bytes FROM connection")[0]["live_bytes"]
    assert live >= 100_000
    assert all(row["peak_bytes"] < 50_000 for row in pools.rows("SELECT peak_bytes FROM request"))


def test_pools_are_described_in_their_librarys_words(postgres: str, redis_port: int, record: Record) -> None:
    described = {}
    for scenario, address in (("psycopg_sync", postgres), ("sqlalchemy_sync", postgres), ("redis_sync", redis_port)):
        for row in record(scenario, address).rows("SELECT * FROM pool"):
            described[row["name"]] = row
    orders = described["orders"]
    assert (orders["min_size"], orders["max_size"], orders["timeout_us"]) == (2, 3, 200_000)
    assert json.loads(orders["settings"])["max_lifetime"] == 3600
    engine = next(row for name, row in described.items() if name.startswith("postgresql+psycopg://127.0.0.1:"))
    assert (engine["max_size"], engine["max_overflow"], engine["recycle_us"]) == (1, 1, None)
    assert json.loads(engine["settings"]) == {
        "poolclass": "QueuePool", "pool_size": 1, "max_overflow": 1, "pool_timeout": 0.2, "pool_recycle": -1,
        "pool_pre_ping": False,
    }  # fmt: skip
    assert "tester" not in engine["name"]
    clients = [row for row in described.values() if row["library"] == "redis"]
    assert {row["name"] for row in clients} == {
        f"redis://localhost:{redis_port}/0",
        f"redis://localhost:{redis_port}/0 #2",
    }
    blocking = next(row for row in clients if json.loads(row["settings"])["class"] == "BlockingConnectionPool")
    assert (blocking["max_size"], blocking["timeout_us"]) == (1, 100_000)


def test_the_books_balance_with_connections_in_them(postgres: str, record: Record) -> None:
    pools = record("sqlalchemy_sync", postgres)
    worker = pools.rows("SELECT * FROM worker")[0]
    assert worker["audited_owner_mismatches"] == 0
    assert worker["audited_live_bytes"] == worker["live_bytes"]
    owned = pools.rows("SELECT sum(live_bytes) AS live FROM owner_total WHERE kind = 'connection'")[0]["live"]
    assert owned == pools.rows("SELECT sum(live_bytes) AS live FROM connection")[0]["live"]


def test_a_hold_lies_between_what_is_measured_within_and_around_it(record: Record) -> None:
    pools = record("watched")
    holds_us = [row["hold_us"] for row in pools.rows("SELECT hold_us FROM pool_event WHERE kind = 'checkin'")]
    bounds_ns = [[int(word) for word in line.split()] for line in pools.said.splitlines()]
    assert len(holds_us) == len(bounds_ns) == WORKS
    for hold_us, (least_ns, most_ns) in zip(holds_us, bounds_ns, strict=True):
        assert least_ns // 1000 <= hold_us <= most_ns // 1000


def test_a_killed_processes_connections_say_who_had_them(record: Record) -> None:
    pools = record("killed")
    assert pools.rows("SELECT ending FROM worker")[0]["ending"] == "died"
    states = {row["number"]: row for row in pools.rows("SELECT * FROM connection")}
    assert [states[number]["state"] for number in (1, 2)] == ["in_use", "idle"]
    assert states[1]["request_sequence"] == 1
    assert pools.functions(states[1]["stack"])[0] == "killed"
    assert all(row["live_bytes"] >= 100_000 for row in states.values())
    assert pools.rows("SELECT route FROM endpoint WHERE id = ?", states[1]["endpoint"])[0]["route"] == "keeps"


def test_after_a_fork_each_process_has_its_own(record: Record) -> None:
    pools = record("forked")
    rows = pools.rows("SELECT p.name, c.number, c.state, p.worker FROM connection c JOIN pool p ON p.id = c.pool")
    assert len({row["worker"] for row in rows}) == 2
    assert [(row["name"], row["number"], row["state"]) for row in rows] == [("handmade", 1, "idle")] * 2
    child = pools.rows("SELECT DISTINCT worker FROM request")[0]["worker"]
    kinds = Counter(row["kind"] for row in pools.rows("SELECT kind FROM pool_event WHERE worker = ?", child))
    assert kinds == {"create": 1, "checkout": 1, "checkin": 1}
    assert all(row["audited_owner_mismatches"] == 0 for row in pools.rows("SELECT * FROM worker"))


def test_a_pool_that_is_like_no_other_works_as_it_did(record: Record) -> None:
    pools = record("broken")
    assert pools.rows("SELECT count(*) AS n FROM pool_event WHERE kind = 'timeout'")[0]["n"] == 3
    assert len(pools.rows("SELECT * FROM pool WHERE library = '__main__'")) == 2
