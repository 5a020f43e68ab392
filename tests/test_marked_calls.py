"""Calls of a marked function are in its phase, from whatever kind of call site, before and after it was specialised."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.every_python

CALLS = 300  # more than it takes until the interpreter has specialised a call site

SITES = """
import asyncio
def function(value, second=2, *, third=3): note()
def generator(value): yield value
async def coroutine(value):
    note()
    await asyncio.sleep(0)
    note()
class Class:
    def method(self, value): note()
    @property
    def thing(self): note()
    @classmethod
    def of_class(cls, value): note()
    @staticmethod
    def alone(value): note()
    def __init__(self, value=0, **more): note()
class Derived(Class):
    def method(self, value): super().method(value)
def positional(): function(1)
def named(): function(1, third=4)
def all_given(): function(1, 2, third=3)
def unpacked(arguments=(1,)): function(*arguments)
def method(one=Class.__new__(Class)): one.method(1)
def overridden(one=Derived.__new__(Derived)): one.method(1)
def bound(call=Class.__new__(Class).method): call(1)
def thing(one=Class.__new__(Class)): one.thing
def thing_of_derived(one=Derived.__new__(Derived)): one.thing
def of_class(): Derived.of_class(1)
def alone(): Class.alone(1)
def made(): Class(3)
def sorted_by(): sorted((1,), key=function)
def awaited(): loop.run_until_complete(coroutine(1))
def task(): loop.run_until_complete(loop.create_task(coroutine(1)))
MARKED = function, Class.method, Class.of_class.__func__, Class.alone, Class.__init__
SITES = (positional, named, all_given, unpacked, method, overridden, bound, thing, thing_of_derived, of_class, alone,
         made, sorted_by)
AWAITED = awaited, task
loop = asyncio.new_event_loop()
"""
RUN = f"""
import sys, tempfile
import heapledger.adapters._exchange
from heapledger import _engine, _exchange
seen = []
def note():
    request = _engine.current()
    if request is None: return
    visit = _engine.enter_phase(request, _engine.DESERIALIZE)  # nothing where a phase is visited already
    seen.append(visit == 0)
    if visit: _engine.leave_phase(request, visit)
scope = {{"__name__": "sites", "note": note}}
exec({SITES!r}, scope)
def run(site):
    seen.clear()
    request = _engine.begin()
    site()
    note()
    _engine.end(request, 200, 0, "", "")
    _engine.leave(request)
    return seen[:-1]
times = int(sys.argv[1])
everything = scope["SITES"] + scope["AWAITED"]
for site in everything:
    for _ in range(times): site()
assert _engine.start(tempfile.mkdtemp()), _engine.status()
for site in everything: assert run(site) in ([False], [False, False]), ("not marked yet", site, seen)
assert all(_engine.mark(function, _engine.READ) for function in scope["MARKED"])
assert _engine.mark(scope["Class"].thing.fget, _engine.READ, scope["Class"])
assert _exchange.mark_awaited(scope["coroutine"], _engine.READ)
for site in everything:
    for call in range({CALLS}):
        found = run(site)
        assert found in ([True], [True, True]), (site, call, found)
        assert seen[-1] is False, ("it has no end", site, call)
print("all")
"""


def run_python(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("calls_before", [0, CALLS], ids=["cold", "warm"])
def test_calls_from_every_kind_of_site_come_to_us(calls_before: int) -> None:
    assert run_python(RUN, str(calls_before)) == "all"


BUILTIN = f"""
import operator, sys, tempfile
from heapledger import _engine
class Asked:
    def __index__(self): seen.append(_engine.enter_phase(_engine.current(), _engine.DESERIALIZE) == 0); return 3
    def __lt__(self, other): self.__index__(); return False
def one(): return operator.index(asked)
def some(): return divmod_like(asked, other)
asked, other, divmod_like, seen = Asked(), Asked(), operator.lt, []
sort = lambda: sorted((asked, other), key=None)
assert _engine.start(tempfile.mkdtemp())
request = _engine.begin()
for site in one, some, sort:
    for _ in range({CALLS}): site()
assert not seen[0], "not marked yet"
_engine.leave_phase(request, 1)
for function in operator.index, operator.lt, sorted: assert _engine.mark(function, _engine.READ)
seen.clear()
for site in one, some, sort:
    for _ in range({CALLS}): site()
assert len(seen) == 3 * {CALLS} and all(seen), seen
print("all")
"""


def test_calls_of_builtins_come_to_us() -> None:
    assert run_python(BUILTIN) == "all"


def test_the_functions_of_json_are_the_ones_that_others_have_imported() -> None:
    """Engaged late: whoever has imported a function already calls the same one."""
    program = """
import json, types
from json import loads, dumps
before = loads, dumps, json.load, json.dump
from heapledger import _autoload_main
_autoload_main.install_hooks()
assert (json.loads, json.dumps, json.load, json.dump) == before
print(loads('[1]'), dumps([1]), vars(loads), sorted(set(dir(loads)) - set(dir(lambda: 0))))
"""
    assert run_python(program) == "[1] [1] {} []"
