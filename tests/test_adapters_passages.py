"""The awaitables of the ASGI adapter keep the coroutine protocol, and leave nothing behind."""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import gc
import inspect
import sys
import types
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import face
import fake_engine
import pytest
from applications import drive

pytestmark = pytest.mark.every_python


@pytest.fixture
def engine() -> Iterator[fake_engine.Engine]:
    with face.on_fake_engine() as engine:
        yield engine


@types.coroutine
def pause(value: Any = None) -> Any:
    """Yields to whoever drives the coroutine and returns what that sends."""
    return (yield value)


def entry(app: Any) -> Any:
    import heapledger.adapters.asgi

    return heapledger.adapters.asgi.Entry(app)


def serving(app: Any, **scope: Any) -> Any:
    return entry(app)({**drive.scope_for("GET", "/"), **scope}, receive, send)


async def receive() -> Any:
    return {"type": "http.request", "body": b"body", "more_body": False}


async def send(message: Any) -> None:
    pass


async def waiting(scope: Any, receive: Any, send: Any) -> Any:
    return await pause("first"), await pause("second")


async def immediate(scope: Any, receive: Any, send: Any) -> Any:
    return "done"


def returned(coroutine: Any, value: Any = None) -> Any:
    with pytest.raises(StopIteration) as stop:
        coroutine.send(value)
    return stop.value.value


def test_it_is_a_coroutine_to_whoever_asks(engine: fake_engine.Engine) -> None:
    coroutine = serving(immediate)
    assert coroutine.__qualname__ == "respond"
    assert isinstance(coroutine, collections.abc.Coroutine)
    assert [asyncio.iscoroutine(coroutine), inspect.isawaitable(coroutine)] == [True, True]
    coroutine.close()


def test_what_is_sent_reaches_the_application_and_what_it_yields_comes_back(engine: fake_engine.Engine) -> None:
    coroutine = serving(waiting)
    assert coroutine.send(None) == "first"
    assert coroutine.__qualname__ == "waiting"
    assert coroutine.send("a") == "second"
    assert returned(coroutine, "b") == ("a", "b")
    assert engine.last().left


@pytest.mark.parametrize("value", [None, (1, 2), ValueError("a value, not raised")], ids=["none", "tuple", "error"])
def test_whatever_is_returned_arrives(engine: fake_engine.Engine, value: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> Any:
        return value

    async def outer() -> Any:
        return await serving(app)

    assert returned(serving(app)) is value
    assert asyncio.run(outer()) is value
    assert [request.left for request in engine.requests] == [True, True]


def test_a_task_may_be_made_of_it(engine: fake_engine.Engine) -> None:
    async def outer() -> Any:
        return await asyncio.create_task(serving(immediate))

    assert asyncio.run(outer()) == "done"


def test_an_exception_thrown_in_reaches_the_application(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> Any:
        try:
            await pause()
        except KeyError as error:
            return await pause(error.args[0])

    coroutine = serving(app)
    coroutine.send(None)
    assert coroutine.throw(KeyError("thrown")) == "thrown"
    assert returned(coroutine, "back") == "back"


def test_an_application_that_returns_on_a_throw_has_returned(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> Any:
        try:
            await pause()
        except KeyError:
            return "caught"

    coroutine = serving(app)
    coroutine.send(None)
    with pytest.raises(StopIteration) as stop:
        coroutine.throw(KeyError())
    assert stop.value.value == "caught"
    assert engine.last().ended is not None
    assert engine.flags() == 0


def test_an_exception_thrown_in_comes_out_unchanged(engine: fake_engine.Engine) -> None:
    coroutine, error = serving(waiting), KeyError("thrown")
    coroutine.send(None)
    with pytest.raises(KeyError) as caught:
        coroutine.throw(error)
    assert caught.value is error
    assert engine.flags() == fake_engine.RAISED
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.throw(error)


def test_close_runs_what_the_application_ends_with(engine: fake_engine.Engine) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await pause()
        except GeneratorExit:
            seen.append(engine.last().ended)
            raise

    coroutine = serving(app)
    coroutine.send(None)
    coroutine.close()
    coroutine.close()
    assert seen == [None]
    assert engine.flags() == fake_engine.DISCONNECTED
    assert engine.last().left


def test_an_exit_thrown_in_closes_the_application(engine: fake_engine.Engine) -> None:
    seen: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await pause()
        finally:
            seen.append(True)

    async def outer() -> None:
        await serving(app)

    for coroutine in (serving(app), outer()):
        coroutine.send(None)
        with pytest.raises(GeneratorExit):
            coroutine.throw(GeneratorExit)
    assert seen == [True, True]
    assert engine.flags() == fake_engine.DISCONNECTED


async def stubborn(scope: Any, receive: Any, send: Any) -> None:
    try:
        await pause()
    except GeneratorExit:
        await pause()


def test_an_application_that_ignores_the_exit_is_told_on(engine: fake_engine.Engine) -> None:
    coroutine = serving(stubborn)
    coroutine.send(None)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        coroutine.close()
    assert engine.last().left


def test_dropped_half_way_it_is_closed(engine: fake_engine.Engine) -> None:
    coroutine = serving(waiting)
    coroutine.send(None)
    del coroutine
    assert engine.flags() == fake_engine.DISCONNECTED
    assert engine.last().left


def test_never_awaited_is_said_and_begins_nothing(engine: fake_engine.Engine) -> None:
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        serving(immediate)
    assert engine.requests == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        serving(immediate).close()


def test_it_is_awaited_once(engine: fake_engine.Engine) -> None:
    coroutine = serving(waiting)

    async def outer() -> None:
        await coroutine

    first = outer()
    first.send(None)
    with pytest.raises(RuntimeError, match="being awaited already"):
        outer().send(None)
    first.close()
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        outer().send(None)


def test_it_does_not_run_within_itself(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> Any:
        for step in (lambda: coroutine.send(None), lambda: coroutine.throw(KeyError()), coroutine.close):
            with pytest.raises(ValueError, match="coroutine already executing"):
                step()

        return "tried"

    coroutine = serving(app)
    assert returned(coroutine) == "tried"


def test_nothing_is_sent_before_the_start(engine: fake_engine.Engine) -> None:
    coroutine = serving(waiting)
    with pytest.raises(TypeError, match="non-None"):
        coroutine.send(1)
    assert engine.requests == []
    with pytest.raises(KeyError):
        coroutine.throw(KeyError())
    assert engine.requests == []


class Awaitable:
    """Not a coroutine: an iterator without throw and close."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.steps = iter(["one"])

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self.steps)


def test_an_application_may_return_any_awaitable(engine: fake_engine.Engine) -> None:
    coroutine = serving(Awaitable)
    assert coroutine.send(None) == "one"
    assert returned(coroutine) is None
    thrown_into = serving(Awaitable)
    thrown_into.send(None)
    with pytest.raises(KeyError):
        thrown_into.throw(KeyError())
    assert engine.flags() == fake_engine.RAISED

    @types.coroutine
    def generator(scope: Any, receive: Any, send: Any) -> Any:
        return (yield "from a generator")

    assert serving(generator).send(None) == "from a generator"


def test_what_cannot_be_awaited_is_the_services_error(engine: fake_engine.Engine) -> None:
    coroutine = serving(lambda scope, receive, send: 3)
    with pytest.raises(TypeError, match="can't be used in 'await' expression"):
        coroutine.send(None)
    assert engine.flags() == fake_engine.RAISED
    assert engine.last().left


def test_a_stop_iteration_out_of_the_call_is_an_error(engine: fake_engine.Engine) -> None:
    def app(scope: Any, receive: Any, send: Any) -> Any:
        raise StopIteration("no return")

    with pytest.raises(RuntimeError, match="coroutine raised StopIteration") as caught:
        serving(app).send(None)
    assert isinstance(caught.value.__cause__, StopIteration)


def test_receive_and_the_last_send_wait_as_the_servers_do(engine: fake_engine.Engine) -> None:
    steps: list[Any] = []

    async def slow_receive() -> Any:
        steps.append(await pause("receive"))
        return {"type": "http.request", "body": b"body"}

    async def slow_send(message: Any) -> None:
        steps.append(await pause(message["type"]))

    async def app(scope: Any, receive: Any, send: Any) -> Any:
        message = await receive()
        await send({"type": "http.response.body", "body": message["body"]})
        return engine.last().ended

    coroutine = entry(app)(drive.scope_for("GET", "/"), slow_receive, slow_send)
    assert coroutine.send(None) == "receive"
    assert coroutine.send(1) == "http.response.body"
    assert returned(coroutine, 2) == (0, 0, "", "")
    assert steps == [1, 2]
    assert engine.last().adopted == [b"body"]


def test_the_entry_is_called_by_name_too(engine: fake_engine.Engine) -> None:
    assert returned(entry(immediate)(send=send, scope=drive.scope_for("GET", "/"), receive=receive)) == "done"
    for arguments, names in (((), {}), ((1, 2), {}), ((1, 2), {"scope": 3}), ((1, 2, 3, 4), {})):
        with pytest.raises(TypeError):
            entry(immediate)(*arguments, **names)


def test_a_scope_that_is_no_dict_is_served(engine: fake_engine.Engine) -> None:
    scope: Any = collections.UserDict(drive.scope_for("GET", "/"))
    assert returned(entry(immediate)(scope, receive, send)) == "done"
    assert engine.last().left
    assert "heapledger.request" not in scope


def test_exchanges_that_share_their_memory_stay_apart(engine: fake_engine.Engine) -> None:
    together = [serving(waiting, path=f"/{n}") for n in range(300)]  # more than are kept
    for coroutine in together:
        coroutine.send(None)
    for coroutine in reversed(together):
        coroutine.send("a")
    assert [returned(coroutine, n) for n, coroutine in enumerate(together)] == [("a", n) for n in range(300)]
    assert all(request.left for request in engine.requests)


def test_the_collector_sees_through_it(engine: fake_engine.Engine) -> None:
    class Owner:
        pass

    def abandon() -> Any:
        owner: Any = Owner()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            owner.cycle = (coroutine, receive, send)
            await pause()

        coroutine = serving(app)
        coroutine.send(None)
        return weakref.ref(owner)

    watched = abandon()
    gc.collect()
    assert watched() is None
    assert engine.flags() == fake_engine.DISCONNECTED
    assert engine.last().left


def test_requests_leave_no_references_behind(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await pause()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b""})

    kept = (app, receive, send, None, b"text/plain")

    def serve_some(times: int) -> None:
        for n in range(times):
            coroutine = serving(app)
            coroutine.send(None)
            if n % 3 == 0:
                coroutine.close()
            elif n % 3 == 1:
                with pytest.raises(KeyError):
                    coroutine.throw(KeyError())
            else:
                returned(coroutine)
        engine.requests.clear()
        gc.collect()

    serve_some(30)
    before = [sys.getrefcount(value) for value in kept]
    serve_some(300)
    after = [sys.getrefcount(value) for value in kept]
    assert all(abs(a - b) < 100 for a, b in zip(before, after, strict=True)), (before, after)
