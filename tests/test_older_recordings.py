"""Recordings of before some tables and columns were there are answered; damaged ones are refused in one line."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from made_recording import MadeRecording

CLI = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "heapledger"
FIRST_TABLES = {
    "meta", "worker", "endpoint", "content_type", "request", "owner_total", "in_flight", "timeline", "peak",
    "peak_member", "process_note",
}  # fmt: skip
VERBS = ("requests", "leaks", "segments", "pools", "payloads", "limits", "versions", "report")


def ask(verb: str, path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([CLI, verb, path, *more], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    made = MadeRecording(tmp_path / "old.db")
    made.add_worker(1)
    for number in range(20):
        made.add_request("GET", "/a", sequence=number, started_us=number * 1000, allocated_bytes=700, peak_bytes=500)
    return made.close()


def change(path: Path, *statements: str) -> Path:
    database = sqlite3.connect(path)
    database.execute("PRAGMA writable_schema = ON")  # SQLite drops no column that a comment follows
    for name, sql in database.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall():
        plain = re.sub("--[^\n]*", "", sql)
        database.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (plain, name))
    database.commit()
    database.close()
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.execute("VACUUM")
    database.close()
    return path


def tables(path: Path) -> set[str]:
    database = sqlite3.connect(path)
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    database.close()
    return names


def later_columns() -> list[str]:
    phases = [
        f"{phase}_{figure}"
        for phase in ("read", "deserialize", "handle", "serialize", "send")
        for figure in ("allocated_bytes", "peak_bytes", "us")
    ]
    names = ["curve", "peak_percent", "after_response_bytes", "request_encoding", "response_encoding", *phases]
    return [f"ALTER TABLE request DROP COLUMN {name}" for name in names] + [
        f"ALTER TABLE worker DROP COLUMN {name}"
        for name in ("end_signal", "lost_samples", "lost_flow_bytes", "books_us", "native_live_bytes", "unseen")
    ]


def test_what_the_first_schema_had_is_enough_for_every_verb(recording: Path) -> None:
    later = tables(recording) - FIRST_TABLES
    assert {"pool", "cohort", "segment", "compat_mark"} <= later
    change(recording, *(f"DROP TABLE {name}" for name in later), *later_columns())
    before = recording.read_bytes()
    for verb in VERBS:
        done = ask(verb, recording)
        assert (done.returncode, done.stderr) == (0, ""), verb
    assert ask("pools", recording).stdout == "nothing recorded\n"
    assert ask("segments", recording).stdout.startswith("nothing recorded")
    [endpoint] = json.loads(ask("requests", recording, "--format", "json").stdout)["endpoints"]
    assert (endpoint["requests"], endpoint["peak_bytes"]["max"]) == (20, 500)
    assert recording.read_bytes() == before
    assert not list(recording.parent.glob("old.db-*"))


@pytest.mark.parametrize("name", sorted(FIRST_TABLES - {"meta"}))
def test_without_a_table_that_was_always_there_it_is_damaged(recording: Path, name: str) -> None:
    done = ask("requests", change(recording, f"DROP TABLE {name}"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {recording} is damaged: its tables are not those of a recording\n"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE request DROP COLUMN peak_bytes",
        "ALTER TABLE request ADD COLUMN more INTEGER",
        "ALTER TABLE request RENAME COLUMN curve TO bend",
        "CREATE TABLE more (x)",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER more AFTER INSERT ON request BEGIN SELECT 1; END",
    ],
)
def test_other_tables_than_ours_are_damaged(recording: Path, statement: str) -> None:
    done = ask("requests", change(recording, statement))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is damaged: its tables are not those of a recording" in done.stderr


def test_a_later_table_without_a_column_that_its_rows_need_has_no_rows(recording: Path) -> None:
    change(recording, "INSERT INTO pool VALUES (1, 1, 'p', 'SQLAlchemy', 1, 5, 0, NULL, NULL, '{}')")
    assert ask("pools", recording).stdout != "nothing recorded\n"
    change(recording, "ALTER TABLE pool DROP COLUMN settings")
    assert ask("pools", recording).stdout == "nothing recorded\n"


@pytest.mark.parametrize("figure", [(1 << 63) - 1, (1 << 56) + 1, -1])
@pytest.mark.parametrize(
    ("verb", "table", "column"),
    [
        ("requests", "worker", "heapledger_bytes"),
        ("requests", "worker", "rss_bytes"),
        ("requests", "request", "peak_bytes"),
        ("limits", "timeline", "rss_bytes"),
        ("segments", "segment", "private_bytes"),
    ],
)
def test_a_figure_that_cannot_be_is_damage(recording: Path, verb: str, table: str, column: str, figure: int) -> None:
    change(
        recording,
        "INSERT INTO timeline VALUES (1, 5, 5, 5, 0, NULL, NULL)",
        "INSERT INTO segment_reading VALUES (1, 'latest', 5, 100, 100, '')",
        "INSERT INTO segment VALUES (1, 'latest', 'stacks', 100, 40, 60)",
    )
    assert ask(verb, recording).returncode == 0
    change(recording, f"UPDATE {table} SET {column} = {figure}")
    done = ask(verb, recording)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {recording} is damaged: column {column} holds a figure that cannot be\n"


def test_parts_that_are_larger_than_their_whole_are_damage(recording: Path) -> None:
    change(
        recording,
        "INSERT INTO segment_reading VALUES (1, 'latest', 5, 100, 100, '')",
        "INSERT INTO segment VALUES (1, 'latest', 'stacks', 100, 40, 101)",
    )
    done = ask("segments", recording)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("is damaged: a kind of memory has parts that are larger than the whole\n")
