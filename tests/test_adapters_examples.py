"""The example service: the same answers in three frameworks, and a demo that says what it lacks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

URLS = [
    ("GET", "/health", ""),
    ("GET", "/v2/orders", ""),
    ("GET", "/v1/orders", ""),
    ("GET", "/v2/orders/17", ""),
    ("GET", "/v2/orders/4000", ""),
    ("GET", "/v2/reports/2024", ""),
    ("GET", "/v2/customers/3/recommendations", ""),
    ("GET", "/v2/orders/export", ""),
    ("GET", "/v2/stock/s-7", ""),
    ("GET", "/v2/stock/s-none", ""),
    ("POST", "/orders", '{"customer": "c-1", "items": [{"sku": "s-1", "quantity": 2}]}'),
    ("POST", "/orders", '{"customer": "c-1", "items": [{"sku": "none", "quantity": 2}]}'),
    ("POST", "/v2/orders/import", "id,customer,total_cents\n1,c-1,100\n2,c-2,300\n"),
    ("POST", "/v2/orders/import", "id,customer,total_cents\n1,c-1,many\n"),
]
ANSWERS = """
import importlib, json, sys
from applications import drive
framework, urls = sys.argv[1], json.loads(sys.argv[2])
app = importlib.import_module(f"examples.orders.{framework}_app").app
answers = []
for method, url, body in urls:
    kind = "application/json" if body.startswith("{") else "text/csv"
    if framework == "fastapi":
        sent = [body.encode()] if body else []
        answer = drive.asgi(app, method, url, *sent, headers={"content-type": kind} if body else {})
    else:
        answer = drive.wsgi(app, method, url, body.encode(), **({"CONTENT_TYPE": kind} if body else {}))
    answers.append([answer.status, answer.body.decode()])
print(json.dumps(answers))
"""


def answers(framework: str, repository: Path) -> Any:
    finished = subprocess.run(
        [sys.executable, "-c", ANSWERS, framework, json.dumps(URLS)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PYTHONPATH": f"{repository}:{repository / 'tests'}"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def meaning(answer: tuple[int, str]) -> tuple[int, Any]:
    status, body = answer
    if status == 404:
        return status, None
    return status, json.loads(body) if body.startswith(("{", "[")) else body


def test_the_three_frameworks_answer_the_same(repository: Path) -> None:
    fastapi, flask, django = (
        [meaning(answer) for answer in answers(framework, repository)] for framework in ("fastapi", "flask", "django")
    )
    assert flask == fastapi
    assert django == fastapi
    assert [status for status, _ in fastapi] == [200, 200, 200, 200, 404, 200, 200, 200, 200, 404, 201, 422, 200, 422]


def test_the_demo_says_in_two_lines_what_it_lacks() -> None:
    code = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "gunicorn" else found(name, *rest)
from heapledger import _demo
sys.exit(_demo.main(["--framework", "flask"]))
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.splitlines() == [
        "error: the demo needs gunicorn",
        f"hint: {sys.executable} -m pip install gunicorn",
    ]


@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
def test_the_demo_shows_the_leak(framework: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "heapledger._demo", "--framework", framework],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    rows = [line.split() for line in finished.stdout.splitlines()]
    (leak,) = [row for row in rows if len(row) > 2 and "/recommendations" in row[1] and row[-1] == "!"][:1]
    assert leak[0] == "GET"
    assert "requests were not answered" not in finished.stderr
    told = dict(
        re.findall(r"\(heapledger (\w+)\)\n-+\n(.*?)(?=\n\S[^\n]*\(heapledger |\Z)", finished.stdout, re.DOTALL)
    )
    assert set(told) == {"requests", "leaks", "segments", "payloads", "pools", "limits", "versions"}
    assert "/recommendations" in re.search(r"^LEAK .*", told["leaks"], re.MULTILINE)[0]  # type: ignore[index]
    assert "never returned" in told["pools"] and "/v2/stock/" in told["pools"]
    assert re.search(r"^GET /orders +v1 -> v2 .* improvement$", told["versions"], re.MULTILINE)
    assert "headroom" in told["limits"]
    assert "a byte" in told["payloads"]
