"""A function of the service that marks a phase is used as the function that it stands for."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from heapledger import _engine
from heapledger.codecs import _marking


def test_a_marked_function_is_weakly_referenced_and_rewritten_as_one() -> None:
    def function(value: int, factor: int = 2, *, less: int = 0) -> int:
        return value * factor - less

    def other(value: int, factor: int = 2, *, less: int = 0) -> int:
        return -1

    for marked in (_engine.Phased(function, _marking.SERIALIZE), _engine.Phased(len, _marking.READ)):
        weak = weakref.ref(marked)
        assert weakref.WeakKeyDictionary({marked: 1})[marked] == 1
        assert weak() is marked
        del marked
    gc.collect()
    assert weak() is None
    replaced: Any = _engine.Phased(function, _marking.SERIALIZE)
    replaced.__defaults__ = (3,)
    replaced.__kwdefaults__ = {"less": 1}
    assert replaced(5) == function(5) == 14
    replaced.__code__ = other.__code__
    assert replaced(5) == function(5) == -1
    del replaced.__defaults__
    assert function.__defaults__ is None
