"""A recorded service sees of the functions that are marked what it sees without us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving import heapledger

# What is marked in the libraries that are here: each is looked at as a service, or a tool in it, might.
PROGRAM = """
import copy, importlib, inspect, pickle, re, types, typing
NAMES = {
    "json": ["load", "loads", "dump", "dumps"],
    "orjson": ["loads", "dumps"],
    "pydantic.main": ["BaseModel.model_validate", "BaseModel.model_dump_json"],
    "pydantic.type_adapter": ["TypeAdapter.validate_python", "TypeAdapter.dump_python"],
    "flask.json.provider": ["DefaultJSONProvider.response"],
    "werkzeug.wrappers.request": ["Request.get_data", "Request._load_form_data"],
    "starlette.requests": ["Request.body", "Request._get_form"],
    "starlette.responses": ["JSONResponse.render"],
    "fastapi.routing": ["serialize_response"],
    "django.http.request": ["HttpRequest.read", "HttpRequest.body"],
    "django.http.response": ["JsonResponse.__init__"],
    "gunicorn.http.body": ["Body.read"],
}
def plain(text): return re.sub(" at 0x[0-9a-f]+", "", str(text))
def wrong(function):
    try: function(*range(50), nothing=1)
    except Exception as error: return repr(error)
def pickled(function):
    try: return pickle.loads(pickle.dumps(function)) is function
    except pickle.PicklingError as error: return str(error)
def facts(function):
    yield from (type(function), function.__class__, callable(function), dir(function), function.__doc__)
    yield from (inspect.isfunction(function), inspect.isbuiltin(function), inspect.isroutine(function))
    yield from (inspect.iscoroutinefunction(function), isinstance(function, types.FunctionType))
    if callable(function):
        yield from (inspect.signature(function), function.__name__, function.__qualname__, function.__module__)
        yield from (pickled(function), copy.deepcopy(function) is function)
        yield wrong(function)
    if inspect.isfunction(function):
        yield from (function.__dict__, function.__defaults__, function.__kwdefaults__, function.__closure__)
        yield from (inspect.getsource(function), function.__code__.co_code, sorted(function.__annotations__))
for module, paths in NAMES.items():
    try: found = importlib.import_module(module)
    except ImportError: continue
    for path in paths:
        owner = found
        *outer, name = path.split(".")
        for part in outer: owner = getattr(owner, part)
        print(module, path, sorted(vars(owner)) if outer else "")
        for thing in (getattr(owner, name), vars(owner)[name], getattr(vars(owner)[name], "fget", None)):
            if thing is not None:
                for fact in facts(thing): print("   ", plain(fact))
"""


def test_what_is_marked_looks_as_it_does_without_us(tmp_path: Path) -> None:
    program = tmp_path / "look.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    run = [heapledger(), "run", "--quiet", "-o", str(tmp_path / "a.db"), "--run-dir", str(tmp_path / "run"), "--"]
    (tmp_path / "run").mkdir(mode=0o700)
    bare, recorded = (
        subprocess.run([*words, sys.executable, str(program)], capture_output=True, text=True, timeout=60,
                       env=environment)
        for words in ([], run)
    )  # fmt: skip
    assert bare.returncode == recorded.returncode == 0, (bare.stderr, recorded.stderr)
    assert bare.stdout.count("\n") > 200
    assert (tmp_path / "a.db").exists()
    if recorded.stdout != bare.stdout:
        pairs = zip(bare.stdout.splitlines(), recorded.stdout.splitlines(), strict=False)
        pytest.fail("\n".join(f"- {was}\n+ {now}" for was, now in pairs if was != now)[:3000])
