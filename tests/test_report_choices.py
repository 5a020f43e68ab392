"""What the flags of `heapledger requests` keep of a recording, and what it says of a mistyped one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import heapledger
from made_recording import MadeRecording, orders


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return orders(tmp_path / "orders.db")


def document_of(*arguments: str | Path) -> dict[str, Any]:
    done = heapledger("requests", *arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize(
    ("flags", "requests"),
    [
        (["--method", "get"], 200),
        (["--route", "/ord*"], 201),
        (["--route", "/nowhere"], 0),
        (["--route", "/nowhere", "--route", "/orders"], 201),
        (["--worker", "1"], 201),
        (["--warmup", "10s"], 101),
        (["--since", "10"], 101),
        (["--until", "10"], 100),
        (["--since", "-50s"], 101),
        (["--since", "2026-11-18T11:06:50Z"], 101),
        (["--since", "2026-11-18T12:06:50+01:00", "--until", "11s"], 10),
    ],
)
def test_flags_choose_requests(recording: Path, flags: list[str], requests: int) -> None:
    done = heapledger("requests", recording, *flags, "--format", "json")
    assert done.returncode == 0
    assert sum(endpoint["requests"] for endpoint in json.loads(done.stdout)["endpoints"]) == requests


@pytest.mark.parametrize(
    ("flags", "note", "nearest"),
    [
        (["--route", "/ordres"], "no route /ordres in this recording; nearest: /orders", "/orders"),
        (["--route", "GET /order"], "no route GET /order in this recording; nearest: /orders", "/orders"),
        (["--route", "/order/7"], "no route /order/7 in this recording; nearest: /orders", "/orders"),
        (["--route", "/nowhere/*"], "no route /nowhere/* in this recording; nothing is near it", None),
        (["--method", "gte"], "no method gte in this recording; nearest: GET", "GET"),
        (["--method", "DELETE"], "no method DELETE in this recording; nothing is near it", None),
    ],
)
def test_an_option_that_nothing_has_is_named_with_the_nearest_there_is(
    recording: Path, flags: list[str], note: str, nearest: str | None
) -> None:
    text = heapledger("requests", recording, *flags).stdout.splitlines()
    assert text == ["nothing recorded for these options (201 in all)", f"note     {note}"]
    for name in ("json", "csv"):
        done = heapledger("requests", recording, *flags, "--format", name)
        assert (done.returncode, done.stderr) == (0, note + "\n")
        if name == "json":
            document = json.loads(done.stdout)
            assert document["endpoints"] == []
            asked = {"option": flags[0].removeprefix("--"), "value": flags[1], "nearest": nearest}
            assert document["unmatched"] == [asked]
        else:
            assert len(done.stdout.splitlines()) == 1


def test_one_mistyped_route_among_good_ones_is_named_below_the_table(recording: Path) -> None:
    text = heapledger("requests", recording, "--route", "/orders", "--route", "/ordres").stdout
    assert "201 requests" in text
    assert "note     no route /ordres in this recording; nearest: /orders" in text.splitlines()
    assert document_of(recording, "--route", "/ord*", "--method", "get")["unmatched"] == []


def test_a_mistyped_worker_is_told_which_there_are(recording: Path) -> None:
    done = heapledger("requests", recording, "--worker", "7")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no worker 7 in this recording; its workers: 1\n")


def test_a_mistyped_route_drives_no_terminal(recording: Path) -> None:
    done = heapledger("requests", recording, "--route", "/\x1b[31mred\n", "--format", "csv")
    assert all(character >= " " for character in done.stderr.removesuffix("\n"))


def test_a_recording_without_requests_has_nothing_to_mistype(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "empty.db")
    made.add_worker()
    assert document_of(made.close(), "--route", "/orders", "--method", "GET")["unmatched"] == []
