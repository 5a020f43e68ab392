"""A function of the service that marks a phase stays what it is: nothing that a service can look at has changed."""

from __future__ import annotations

import asyncio
import copy
import dis
import functools
import gc
import inspect
import pickle
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from heapledger import _engine, _exchange, _health
from heapledger.codecs import _marking

pytestmark = pytest.mark.every_python

CALLS = 300  # more than it takes until the interpreter has specialised a call site

# 3.11 runs whatever is of exactly this type without asking who is to be called.
TYPE_IS_KEPT = sys.version_info[:2] != (3, 11)

ATTRIBUTES = ("__name__", "__qualname__", "__doc__", "__module__", "__defaults__", "__kwdefaults__", "__globals__",
              "__closure__", "__code__", "__annotations__", "__builtins__")  # fmt: skip


def plain(first: int, second: int = 2, *, third: int = 3) -> tuple[int, int, int]:
    """What it does."""
    return first, second, third


def deep(levels: int) -> int:
    return levels if levels == 0 else deep(levels - 1)


def facts(function: Any) -> dict[str, object]:
    """All that can be seen of a function, with what its calls say."""

    def wrong(*arguments: Any, **names: Any) -> str:
        with pytest.raises(TypeError) as caught:
            function(*arguments, **names)
        return str(caught.value)

    return {
        "type": type(function) is types.FunctionType if TYPE_IS_KEPT else None,
        "class": function.__class__ is types.FunctionType,
        "isfunction": inspect.isfunction(function),
        "isroutine": inspect.isroutine(function),
        "repr": repr(function),
        "type repr": repr(type(function)),
        "dir": dir(function),
        "dict": dict(function.__dict__),
        "attributes": [id(getattr(function, name)) for name in ATTRIBUTES],
        "signature": str(inspect.signature(function)),
        "source": inspect.getsource(function),
        "hash": hash(function),
        "calls": [function(1), function(1, 5), function(first=2, third=0), function(*(1, 2), **{"third": 9})],
        "wrong calls": [wrong(), wrong(1, 2, 3), wrong(1, nothing=2), wrong(1, first=2)],
        "bytecode": [(step.opname, step.arg) for step in dis.get_instructions(function)],
    }


def test_nothing_that_can_be_seen_of_a_function_changes() -> None:
    before = facts(plain)
    weak, kept = weakref.ref(plain), {plain: 1}
    assert _engine.mark(plain, _marking.SERIALIZE)
    assert facts(plain) == before
    assert weak() is plain
    assert kept[plain] == 1
    assert all(pickle.loads(pickle.dumps(plain, protocol)) is plain for protocol in range(pickle.HIGHEST_PROTOCOL + 1))
    assert pickle._loads(pickle._dumps(plain)) is plain  # type: ignore[attr-defined]
    assert copy.copy(plain) is plain
    assert copy.deepcopy(plain) is plain
    assert gc.is_tracked(plain)
    assert _engine.mark(plain, _marking.SERIALIZE)  # again
    assert facts(plain) == before


def test_wrappers_and_mocks_of_it_are_as_ever() -> None:
    _engine.mark(plain, _marking.SERIALIZE)
    wrapped = functools.wraps(plain)(lambda *args, **kwargs: plain(*args, **kwargs))
    assert wrapped.__wrapped__ is plain  # type: ignore[attr-defined]
    assert inspect.signature(wrapped) == inspect.signature(plain)
    assert functools.partial(plain, 4)(5) == (4, 5, 3)
    assert types.MethodType(plain, 6)() == (6, 2, 3)
    with mock.patch(f"{__name__}.plain", autospec=True) as mocked:
        plain(1)
        mocked.assert_called_once_with(1)
        with pytest.raises(TypeError):
            plain()  # type: ignore[call-arg]
    copied = types.FunctionType(plain.__code__, plain.__globals__, "copied", plain.__defaults__)
    copied.__kwdefaults__ = plain.__kwdefaults__
    assert copied(7) == (7, 2, 3)
    assert type(plain)(plain.__code__, {}).__code__ is plain.__code__


def test_what_is_written_to_it_has_the_effect_that_it_had() -> None:
    def function(value: int, factor: int = 2, *, less: int = 0) -> int:
        return value * factor - less

    def other(value: int, factor: int = 2, *, less: int = 0) -> int:
        return -1

    marked: Any = function
    assert _engine.mark(marked, _marking.SERIALIZE)
    marked.__defaults__ = (3,)
    marked.__kwdefaults__ = {"less": 1}
    assert [marked(5) for _ in range(CALLS)][-1] == 14
    marked.__code__ = other.__code__
    assert [marked(5) for _ in range(CALLS)][-1] == -1
    marked.note = 7
    assert vars(marked) == {"note": 7}
    del marked.__defaults__
    assert marked.__defaults__ is None
    weak = weakref.ref(marked)
    del marked, function
    gc.collect()
    assert weak() is None


def deepest(function: Callable[[int], int]) -> int:
    """How many levels fit. A frame of another function is warmed up, so that nothing is imported on the way."""

    def fits(levels: int) -> bool:
        try:
            function(levels)
        except RecursionError:
            return False
        return True

    low, high = 0, sys.getrecursionlimit()
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def test_it_may_recurse_as_deep() -> None:
    before = deepest(deep)
    assert before > sys.getrecursionlimit() // 2
    assert _engine.mark(deep, _marking.SERIALIZE)
    after = deepest(deep)
    if sys.version_info[:2] == (3, 12):  # a limit of its own on calls through C
        assert after > 700
    else:
        assert after == before


def test_tracebacks_have_no_frame_of_ours() -> None:
    def fails() -> None:
        raise KeyError("x")

    _engine.mark(fails, _marking.READ)
    with pytest.raises(KeyError) as caught:
        fails()
    assert [frame.name for frame in caught.traceback] == [sys._getframe().f_code.co_name, "fails"]


def test_profilers_see_the_calls_that_they_saw() -> None:
    def inner(value: int) -> int:
        return value

    def outer() -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        sys.setprofile(lambda frame, event, _: seen.append((event, frame.f_code.co_name)))
        try:
            inner(1)
        finally:
            sys.setprofile(None)
        return seen

    before = outer()
    _engine.mark(inner, _marking.READ)
    assert outer() == before


def test_nothing_that_can_be_seen_of_a_builtin_changes() -> None:
    calls: list[tuple[Any, Callable[[Any], Any]]] = [
        (len, lambda function: (function([1, 2]), function("abc"))),  # one argument
        (sorted, lambda function: function([2, 1], reverse=False)),  # any, with names
        (isinstance, lambda function: function(1, int)),  # any
        (globals, lambda function: function() is not None),  # none
    ]

    def wrong(function: Any) -> str:
        with pytest.raises(TypeError) as caught:
            function(1, 2, 3, 4, nothing=5)
        return str(caught.value)

    def facts(function: Any) -> tuple[object, ...]:
        return (
            type(function), repr(function), dir(function), hash(function), inspect.isbuiltin(function),
            function.__name__, function.__doc__, function.__self__, function.__text_signature__, function.__reduce__(),
            wrong(function), pickle.dumps(function), copy.deepcopy(function) is function, {function: 1}[function],
            function.__call__ == function.__call__, str(inspect.signature(function)),
        )  # fmt: skip

    for function, call in calls:
        before, expected = facts(function), call(function)
        assert _engine.mark(function, _marking.SERIALIZE)
        for _ in range(CALLS):
            assert call(function) == expected
        assert facts(function) == before
        assert _engine.mark(function, _marking.SERIALIZE)  # again


# ---- what can be marked, and where ----


class Methods:
    @property
    def thing(self) -> Any:
        return self

    @thing.setter
    def thing(self, value: int) -> None:
        raise KeyError(value)

    def method(self) -> Any:
        return self

    async def later(self, value: int) -> int:
        return value

    wrapped = staticmethod(functools.lru_cache(lambda value: value))


def test_classes_and_modules_keep_what_they_hold() -> None:
    held = dict(vars(Methods))
    _marking.mark(Methods, _marking.READ, "thing", "method", "wrapped")
    _marking.mark_awaited(Methods, _marking.READ, "later")
    assert dict(vars(Methods)) == held
    one = Methods()
    assert one.method() is one.thing is one
    with pytest.raises(KeyError):
        one.thing = 5
    assert Methods.wrapped(3) == 3
    assert inspect.iscoroutinefunction(Methods.later)
    assert asyncio.run(one.later(6)) == 6


def test_what_cannot_be_marked_is_left_and_counted() -> None:
    library: Any = types.ModuleType("library")
    library.loads = lambda value: [value]
    library.Parser = Methods
    library.method = str.upper
    before = dict(_health.counters)
    _marking.mark(library, _marking.DESERIALIZE, "load", "loads", "Parser", "method")
    assert library.loads(1) == [1]
    grown = {name: count - before.get(name, 0) for name, count in _health.counters.items()}
    assert {name for name, count in grown.items() if count and "library" in name} == {
        "not_found:.library.load", "not_marked:.library.Parser", "not_marked:.library.method",
    }  # fmt: skip
    assert not _engine.mark(library.loads, _marking.READ)  # it is in another phase
    for mark in (_engine.mark, _exchange.mark_awaited):
        assert not mark(3, _marking.READ)
        for wrong in (-1, 7, 99):
            with pytest.raises(ValueError, match="phase"):
                mark(plain, wrong)
        with pytest.raises(TypeError):
            mark(plain)  # type: ignore[call-arg]
