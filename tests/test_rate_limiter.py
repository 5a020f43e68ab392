"""`heapledger limits` and `RateLimiter` on recordings of known traffic, and what other programs say of its files."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_recording import SECOND_US, MadeRecording

CLI = Path(sys.executable).with_name("heapledger")
FORMATS = ("text", "json", "csv")
MIB = 1024 * 1024
FULL_CURVE = -1  # sixteen levels at the peak


def limits(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CLI, "limits", *arguments], capture_output=True, timeout=60, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def output_of(*arguments: str | Path) -> str:
    done = limits(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def add_traffic(
    made: MadeRecording, method: str, route: str, requests: int, seconds: float, largest: int, body_divisor: int = 0
) -> None:
    """Poisson arrivals over an hour, each a rectangle at a peak between a half and all of the largest."""
    chance = random.Random(route)
    for number in range(requests):
        peak = int(largest * (0.5 + 0.5 * chance.random()))
        made.add_request(
            method, route, sequence=number, started_us=int(chance.random() * 3600 * SECOND_US),
            duration_us=int(seconds * SECOND_US), peak_bytes=peak, byte_seconds=peak * seconds, curve=FULL_CURVE,
            received_bytes=peak // body_divisor if body_divisor else 0,
        )  # fmt: skip


def add_memory(made: MadeRecording) -> None:
    """50 MiB idle; 40 MiB of requests once, which took 72 MiB."""
    made.add_worker(rss_bytes=122 * MIB, live_bytes=20 * MIB, ended_us=3600 * SECOND_US)
    for second, (rss, live, in_flight) in enumerate([(50, 20, 0), (50, 20, 0), (110, 50, 2), (122, 20, 0)], 1):
        made.insert("timeline", worker=1, at_us=second * SECOND_US, rss_bytes=rss * MIB, live_bytes=live * MIB,
                    in_flight=in_flight)  # fmt: skip
    made.insert("peak", worker=1, at_us=SECOND_US, live_bytes=60 * MIB, in_flight=3)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = MadeRecording(
        tmp_path_factory.mktemp("limits") / "shop.db", memory_limit_bytes=512 * MIB, memory_limit_source="cgroup v2"
    )
    add_memory(made)
    made.add_request("GET", "/first", started_us=0)
    add_traffic(made, "GET", "/orders/{id}", 4000, 0.1, 3_000_000)
    add_traffic(made, "POST", "/orders/import", 600, 1.0, 160_000_000, body_divisor=10)
    return made.close()


@pytest.fixture(scope="module")
def document(recording: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(output_of(recording, "--format", "json"))
    return read


def test_the_document_has_what_the_contract_names(document: dict[str, Any]) -> None:
    assert document["schema"] == "heapledger.limits/1"
    assert list(document)[:2] == ["schema", "recording"]
    assert {"limit_bytes", "source", "baseline_bytes", "overhead_ratio", "headroom_bytes"} <= set(document["budget"])
    for cost in document["costs"]:
        assert {"method", "route", "requests", "byte_seconds", "effective_bytes", "p99_peak_bytes", "tail_index",
                "tokens"} <= set(cost)  # fmt: skip
    assert {"concurrency", "requests_per_second", "endpoints", "worker_count", "max_requests"} <= set(
        document["limits"]
    )
    for row in document["limits"]["endpoints"]:
        assert {"method", "route", "requests_per_second", "burst", "concurrency", "max_body_bytes"} <= set(row)
    for row in document["exhaustion"]:
        assert {"scenario", "exceedances_per_day", "exceedances_per_day_interval", "time_over_ratio", "method",
                "seconds_to_exhaustion", "first"} <= set(row)  # fmt: skip
    assert document["burst"] and document["strategies"]


def test_the_budget_is_of_the_recorded_limit_and_samples(document: dict[str, Any]) -> None:
    budget = document["budget"]
    assert (budget["limit_bytes"], budget["source"], budget["baseline_bytes"]) == (512 * MIB, "cgroup v2", 50 * MIB)
    assert budget["overhead_ratio"] == pytest.approx(1.8)
    assert budget["headroom_bytes"] == round(462 * MIB / 1.8)


def test_what_is_dear_comes_first_and_has_a_body_limit(document: dict[str, Any]) -> None:
    dear, light, _ = document["costs"]
    assert (dear["route"], light["route"]) == ("/orders/import", "/orders/{id}")
    assert dear["byte_seconds"] == pytest.approx(120e6, rel=0.02)
    assert dear["tokens"] > 100 * light["tokens"]
    limit, other, _ = document["limits"]["endpoints"]
    # Ten bytes of memory for each of the body; two may run at once, where two of the largest would not fit.
    assert limit["concurrency"] == 1
    assert limit["max_body_bytes"] == pytest.approx((document["budget"]["headroom_bytes"]) / 10, rel=0.05)
    assert other["max_body_bytes"] is None and "no bodies" in other["reason"]
    assert document["exhaustion"][0]["first"]["route"] == "/orders/import"
    assert document["over_risk"] is True


def test_text_is_for_reading(recording: Path) -> None:
    lines = output_of(recording).splitlines()
    assert lines[0] == "budget   512 MiB (cgroup v2) - idle process 50 - allocator 205 = headroom 257 MiB"
    assert lines[1] == "risk     at most one exceedance in 30 days (--risk)"
    assert lines[2].startswith("today    ") and lines[2].endswith(": over the risk")
    assert lines[3].split()[0] == "ENDPOINT"
    assert any(
        line.startswith("first    POST /orders/import: two at once can exceed".replace("two", "2")) for line in lines
    )


def test_csv_is_the_flat_list_of_costs(recording: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output_of(recording, "--format", "csv"), newline="")))
    assert [row["route"] for row in rows] == ["/orders/import", "/orders/{id}", "/first"]
    assert rows[2]["p99_peak_bytes"] == ""


@pytest.mark.parametrize(
    ("flags", "status"), [([], 1), (["--memory-limit", "100GiB"], 0), (["--memory-limit", "40MiB"], 3)]
)
def test_the_gate_fails_over_the_risk_and_says_when_it_cannot_judge(
    recording: Path, flags: list[str], status: int
) -> None:
    assert limits(recording, *flags, "--fail-on", "risk").returncode == status


def test_what_is_missing_is_said_and_has_no_number(recording: Path, tmp_path: Path) -> None:
    below = output_of(recording, "--memory-limit", "40MiB")
    assert below.startswith("!        no limits: the limit of 40.0 MiB is below what 1 process takes")
    few = MadeRecording(tmp_path / "few.db")
    add_memory(few)
    add_traffic(few, "GET", "/", 31, 0.1, 1_000_000)
    path = few.close()
    assert "no limits: 31 requests, needs about 200" in output_of(path, "--memory-limit", "1GiB")
    document = json.loads(output_of(path, "--memory-limit", "1GiB", "--format", "json"))
    assert document["reason"] == "31 requests, needs about 200"
    assert document["limits"]["concurrency"] is None and document["exhaustion"] == []
    empty = MadeRecording(tmp_path / "empty.db")
    empty.add_worker()
    path = empty.close()
    assert output_of(path) == "nothing recorded\n"
    assert json.loads(output_of(path, "--format", "json"))["costs"] == []


def test_no_known_limit_is_said(tmp_path: Path) -> None:
    made = MadeRecording(tmp_path / "old.db")
    add_memory(made)
    add_traffic(made, "GET", "/", 300, 0.1, 1_000_000)
    path = made.close()
    assert "no memory limit is known" in output_of(path)
    done = limits(path, "--emit", "nginx")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: no limits can be stated: no memory limit is known")


def test_route_and_method_choose_what_is_listed_not_what_shares_the_memory(recording: Path) -> None:
    whole = json.loads(output_of(recording, "--format", "json"))
    chosen = json.loads(output_of(recording, "--route", "/orders/*", "--method", "post", "--format", "json"))
    for document in (whole, chosen):
        document["costs"] = [row for row in document["costs"] if row["method"] == "POST"]
        document["burst"] = [row for row in document["burst"] if row["method"] == "POST"]
        limits_of = document["limits"]
        limits_of["endpoints"] = [row for row in limits_of["endpoints"] if row["method"] == "POST"]
    assert [row["route"] for row in chosen["costs"]] == ["/orders/import"]
    assert chosen == whole
    vain = output_of(recording, "--route", "/nowhere")
    assert "note     no route matches /nowhere" in vain or "/nowhere" in vain.splitlines()[-1]
    assert json.loads(output_of(recording, "--route", "/nowhere", "--format", "json"))["costs"] == []


def test_workers_say_which_headroom_is_theirs(recording: Path) -> None:
    document = json.loads(output_of(recording, "--format", "json", "--memory-limit", "4GiB"))
    limits_of = document["limits"]
    assert limits_of["worker_count"] != limits_of["worker_count_now"]
    assert 0 < limits_of["worker_count_headroom_bytes"] < document["budget"]["limit_bytes"]
    text = output_of(recording, "--memory-limit", "4GiB")
    assert f"with {limits_of['worker_count_now']} worker" in text
    assert f"workers  {limits_of['worker_count']} fit at the recorded traffic; with so many the headroom is" in text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--emit", "nginx", "--route", "/orders/*"], "--emit limits all endpoints"),
        (["--memory-limit", "much"], "--memory-limit: not a size: much"),
        (["--risk", "often"], "--risk"),
        (["--risk", "0"], "risk"),
        (["--emit", "apache"], "apache"),
        (["--limit", "-1"], "--limit"),
        (["--since", "yesterday"], "--since"),
        (["--fail-on", "leak"], "leak"),
    ],
)
def test_bad_usage_is_one_error_and_status_2(recording: Path, flags: list[str], said: str) -> None:
    done = limits(recording, *flags)
    first, *rest = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first.startswith("error: ") and said in first
    assert len(rest) == 1 and rest[0].startswith("hint: ")


def test_what_is_not_a_recording_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    path.write_text("not ours\n" * 1000)
    done = limits(path)
    assert (done.returncode, done.stdout, done.stderr.count("error: ")) == (2, "", 1)


@pytest.mark.parametrize("name", FORMATS)
def test_python_renders_what_the_command_prints(recording: Path, name: str) -> None:
    from heapledger import RateLimiter

    limiter = RateLimiter(recording)
    assert getattr(limiter.analyze(), f"to_{name}")() == output_of(recording, "--format", name)
    chosen = limiter.analyze(since=60, until="50m", warmup=90.0, memory_limit=300 * MIB, risk="7d", limit=1)
    flags = [
        "--since",
        "60",
        "--until",
        "50m",
        "--warmup",
        "90",
        "--memory-limit",
        "300MiB",
        "--risk",
        "7d",
        "--limit",
        "1",
    ]
    assert getattr(chosen, f"to_{name}")() == output_of(recording, *flags, "--format", name)


def test_python_has_typed_attributes_that_equal_the_document(recording: Path) -> None:
    from heapledger import RateLimiter

    result = RateLimiter(recording).analyze()
    document = result.to_dict()
    for rows, read in (
        (result.costs, document["costs"]), (result.limits.endpoints, document["limits"]["endpoints"]),
        (result.burst, document["burst"]), (result.strategies, document["strategies"]),
    ):  # fmt: skip
        for row, expected in zip(rows, read, strict=True):
            assert {name: getattr(row, name) for name in expected} == expected
    for row, expected in zip(result.exhaustion, document["exhaustion"], strict=True):
        assert row.exceedances_per_day == expected["exceedances_per_day"]
        assert row.method == expected["method"]
    assert result.over_risk is True and result.reason is None
    assert result.budget.headroom_bytes == document["budget"]["headroom_bytes"]
    with pytest.raises(ValueError, match="memory_limit"):
        RateLimiter(recording).analyze(memory_limit=-1)
    with pytest.raises(ValueError, match="apache"):
        result.emit("apache")


# What other programs say of the files -------------------------------------------------------------------------------


def emitted(recording: Path, folder: Path, target: str, name: str) -> Path:
    path = folder / name
    path.write_text(output_of(recording, "--emit", target))
    return path


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nginx_takes_its_file(recording: Path, tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: `make unit` does")
    emitted(recording, tmp_path, "nginx", "limits.conf")
    # Of what a client could put into a route nothing gets out of its string.
    made = MadeRecording(tmp_path / "hostile.db", memory_limit_bytes=512 * MIB, memory_limit_source="cgroup v2")
    add_memory(made)
    for route in ('/a";}', "/$uri\n}", "/{a:path}/<int:b>\\", "/\u2603{"):
        add_traffic(made, "=G\x1b", route, 100, 0.1, 2_000_000)
    emitted(made.close(), tmp_path, "nginx", "hostile.conf")
    for name in ("limits.conf", "hostile.conf"):
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/{name}; }}"
        )
        run(nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf", cwd=tmp_path)


def test_gunicorn_takes_its_file(recording: Path, tmp_path: Path) -> None:
    path = emitted(recording, tmp_path, "gunicorn", "gunicorn.conf.py")
    (tmp_path / "served.py").write_text("def app(environ, start_response): ...\n")
    run(sys.executable, "-m", "gunicorn", "--check-config", "-c", path, "served:app", cwd=tmp_path)


def test_uvicorn_takes_its_file(recording: Path, tmp_path: Path) -> None:
    emitted(recording, tmp_path, "uvicorn", "limited_uvicorn.py")
    program = "import limited_uvicorn as f, uvicorn; print(uvicorn.Config('a:b', **f.settings).limit_concurrency)"
    assert int(run(sys.executable, "-c", program, cwd=tmp_path)) >= 2


def test_flask_limiter_takes_its_file_and_its_tokens(recording: Path, tmp_path: Path) -> None:
    emitted(recording, tmp_path, "flask-limiter", "limited.py")
    program = """
import flask
from limited import LIMIT, TOKENS, limiter
app = flask.Flask("served")
app.add_url_rule("/orders/import", "dear", lambda: "ok", methods=["POST"])
limiter.init_app(app)
amount, _, seconds, _ = LIMIT.split()
fits = int(amount) // TOKENS["POST", "/orders/import"]
client = app.test_client()
statuses = [client.post("/orders/import").status_code for _ in range(fits + 1)]
assert statuses == [200] * fits + [429], (LIMIT, TOKENS, statuses)
"""
    run(sys.executable, "-c", program, cwd=tmp_path)


def test_slowapi_takes_its_file_and_its_tokens(recording: Path, tmp_path: Path) -> None:
    emitted(recording, tmp_path, "slowapi", "limited.py")
    program = """
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from slowapi import _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from limited import LIMIT, TOKENS, limit_for, limiter
app = FastAPI()
app.state.limiter = limiter
app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
@app.post("/orders/import")
@limit_for("POST", "/orders/import")
async def dear(request: Request) -> str:
    return "ok"
amount, _, seconds, _ = LIMIT.split()
fits = int(amount) // TOKENS["POST", "/orders/import"]
client = TestClient(app)
statuses = [client.post("/orders/import").status_code for _ in range(fits + 1)]
assert statuses == [200] * fits + [429], (LIMIT, TOKENS, statuses)
"""
    run(sys.executable, "-c", program, cwd=tmp_path)
