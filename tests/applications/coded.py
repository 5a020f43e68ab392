"""What the handlers of the coded_* services do: blocks of known sizes in known phases. No framework in here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from applications import costs

pool = ThreadPoolExecutor(4)
TEXT = "x" * 1024


def parse(booked: int) -> Any:
    """One block of this size, made while JSON is parsed."""
    return json.loads("{}", object_hook=lambda _: costs.buffer(booked))


def write(booked: int) -> Any:
    """One block of this size, made and let go while JSON is written; what is made of it is small."""

    def default(_: object) -> str:
        held = costs.buffer(booked)
        return str(len(held))

    return json.dumps({"value": object()}, default=default)


def explicit(parsed: int, handled: int, written: int) -> str:
    held = [parse(parsed), costs.buffer(handled), write(written)]
    return str(len(held))


def failing(booked: int) -> str:
    """A codec that raises leaves its phase."""
    try:
        json.loads("{")
    except ValueError:
        pass
    try:
        json.dumps(object())
    except TypeError:
        pass
    return str(len(costs.buffer(booked)))


def nested(booked: int) -> str:
    """A parser within a writer."""
    written = json.dumps({"value": object()}, default=lambda _: str(len(parse(booked))))
    return str(len(written))


def in_thread(booked: int) -> str:
    held: list[Any] = []
    pool.submit(lambda: held.append(parse(booked))).result()
    return str(len(held[0]))


def in_two_threads(booked: int) -> str:
    """Both at once in codecs of two kinds, each with a block: they share a phase, whichever was first."""
    both = threading.Barrier(2)

    def meet(make: Callable[[], Any]) -> Any:
        both.wait(costs.DEADLINE_SECONDS)
        held = make()
        both.wait(costs.DEADLINE_SECONDS)
        return held

    def parse_there() -> None:
        json.loads("{}", object_hook=lambda _: meet(lambda: costs.buffer(booked)))

    def write_there() -> None:
        json.dumps({"value": object()}, default=lambda _: str(len(meet(lambda: costs.buffer(booked)))))

    for job in [pool.submit(parse_there), pool.submit(write_there)]:
        job.result()
    return "ok"


def pieces(booked: int, count: int = 4) -> Iterator[bytes]:
    """A body that is made while it is sent, with a codec in it."""
    for _ in range(count):
        held = costs.buffer(booked)
        write(booked // 2)
        yield TEXT.encode()
        del held
