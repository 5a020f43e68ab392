"""ASGI adapter on a double of the engine: messages pass unchanged, and a request ends where it should."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import face
import fake_engine
import pytest
from applications import drive

pytestmark = pytest.mark.every_python


@pytest.fixture
def engine() -> Iterator[fake_engine.Engine]:
    with face.on_fake_engine("starlette.background") as engine:
        yield engine


def middleware(app: Any) -> Any:
    import heapledger.adapters.asgi

    return heapledger.adapters.asgi.Middleware(app)


def known(app: Any) -> Any:
    import heapledger.adapters.asgi

    return heapledger.adapters.asgi.Entry(app, known=True)


def start(headers: Any = ((b"content-type", b"text/plain; charset=utf-8"),), status: int = 200) -> Any:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def part(body: bytes, more: bool = False) -> Any:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send(start())
    await send(part(b"hello"))


def test_a_response_is_one_row(engine: fake_engine.Engine) -> None:
    response = drive.asgi(middleware(hello), "GET", "/")
    assert (response.status, response.body) == (200, b"hello")
    assert engine.rows() == [("GET", "<app>", 200)]
    assert engine.last().ended == (200, 0, "", "text/plain")
    assert engine.last().sent_bytes == 5


def test_the_middleware_looks_like_asgi_3_to_servers(engine: fake_engine.Engine) -> None:
    assert inspect.iscoroutinefunction(middleware(hello).__call__)


@pytest.mark.parametrize("kind", ["lifespan", "websocket", "something.new"])
def test_other_scopes_pass_untouched(engine: fake_engine.Engine, kind: str) -> None:
    seen: list[Any] = []

    async def app(*args: Any) -> None:
        seen.append(args)

    scope, receive, send = {"type": kind}, object(), object()
    asyncio.run(middleware(app)(scope, receive, send))
    assert seen == [(scope, receive, send)]
    assert scope == {"type": kind}
    assert engine.requests == []


def test_a_bare_application_ends_with_its_last_message(engine: fake_engine.Engine) -> None:
    after = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        after.append((engine.last().ended, engine.current() is engine.last()))

    drive.asgi(middleware(app), "GET", "/")
    assert after == [((200, 0, "", "text/plain"), True)]
    assert engine.current() is None


def test_a_known_framework_ends_when_it_returns(engine: fake_engine.Engine) -> None:
    after = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        after.append(engine.last().ended)

    drive.asgi(known(app), "GET", "/")
    assert after == [None]
    assert engine.rows() == [("GET", "<unmatched>", 200)]


@pytest.mark.parametrize("before_the_response", [False, True])
def test_a_background_task_comes_after_the_response(engine: fake_engine.Engine, before_the_response: bool) -> None:
    from starlette.background import BackgroundTask

    at_task: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def work() -> None:
            at_task.append(engine.last().ended)

        if before_the_response:  # as when a middleware streams what an inner application has finished
            await BackgroundTask(work)()
            await hello(scope, receive, send)
            at_task.append(engine.last().ended)
        else:
            await hello(scope, receive, send)
            await BackgroundTask(work)()

    drive.asgi(known(app), "GET", "/")
    assert at_task == ([None, (200, 0, "", "text/plain")] if before_the_response else [(200, 0, "", "text/plain")])


def test_body_chunks_become_the_requests_own(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        await send(start())
        await send(part(body))

    response = drive.asgi(middleware(app), "POST", "/", b"abc", b"de", headers={"content-type": "Text/CSV"})
    assert response.body == b"abcde"
    assert engine.last().adopted == [b"abc", b"de"]
    assert engine.last().received_bytes == 5
    assert engine.last().ended == (200, fake_engine.STREAMED_IN, "text/csv", "text/plain")


def test_several_parts_are_streamed_out(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(part(b"a", True))
        await send(part(b"b"))

    assert drive.asgi(middleware(app), "GET", "/").body == b"ab"
    assert engine.flags() == fake_engine.STREAMED_OUT
    assert engine.last().sent_bytes == 2


def test_an_exception_before_the_response_is_a_500(engine: fake_engine.Engine) -> None:
    error = RuntimeError("no")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    with pytest.raises(RuntimeError) as caught:
        drive.asgi(middleware(app), "GET", "/")
    assert caught.value is error
    assert engine.last().ended == (500, fake_engine.RAISED, "", "")


def test_a_cancelled_request_is_a_disconnect(engine: fake_engine.Engine) -> None:
    entered = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        entered.append(True)
        await asyncio.Event().wait()

    async def cancel() -> None:
        task = asyncio.ensure_future(drive.asgi_call(middleware(app), drive.scope_for("GET", "/")))
        while not entered:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert engine.last().ended == (0, fake_engine.DISCONNECTED, "", "")
    assert engine.last().left


def test_a_client_that_left_early_is_a_disconnect(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        await hello(scope, receive, send)

    drive.asgi(middleware(app), "GET", "/", gone=True)
    assert engine.flags() == fake_engine.DISCONNECTED


def test_a_disconnect_after_the_last_message_is_none(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await hello(scope, receive, send)
        assert (await receive())["type"] == "http.disconnect"

    drive.asgi(middleware(app), "GET", "/")
    assert engine.flags() == 0


def test_header_iterators_are_left_to_the_server(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": iter([(b"a", b"b")])})
        await send({"type": "http.response.body"})

    response = drive.asgi(middleware(app), "GET", "/")
    assert response.headers == [("a", "b")]
    assert engine.rows() == [("GET", "<app>", 204)]


def test_interleaved_requests_of_one_loop_stay_apart(engine: fake_engine.Engine) -> None:
    together = asyncio.Barrier(8) if hasattr(asyncio, "Barrier") else None
    seen: list[tuple[str, bool]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        mine = engine.current()
        if together is not None:
            await together.wait()
        seen.append((scope["path"], engine.current() is mine))
        await hello(scope, receive, send)

    async def all_of_them() -> None:
        served = middleware(app)
        await asyncio.gather(*(drive.asgi_call(served, drive.scope_for("GET", f"/{n}")) for n in range(8)))

    asyncio.run(all_of_them())
    assert sorted(seen) == [(f"/{n}", True) for n in range(8)]
    assert len({id(request) for request in engine.requests}) == 8


def test_the_scope_is_clean_and_the_same_object_afterwards(engine: fake_engine.Engine) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await hello(scope, receive, send)

    scope = drive.scope_for("GET", "/")
    before = dict(scope)
    asyncio.run(drive.asgi_call(middleware(app), scope))
    assert seen[0] is scope
    assert scope == before


def test_an_error_of_ours_is_counted_and_the_service_answers(engine: fake_engine.Engine) -> None:
    import heapledger._health as health

    scope = drive.scope_for("GET", "/")
    del scope["headers"]
    response = asyncio.run(drive.asgi_call(middleware(hello), scope))
    assert response.body == b"hello"
    assert health.counters == {"asgi_begin_failed": 1}
    assert engine.current() is None


def test_versions_and_deprecation_are_read_from_headers(engine: fake_engine.Engine) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start([(b"sunset", b"Sat, 31 Dec 2033 23:59:59 GMT")]))
        await send(part(b""))

    drive.asgi(middleware(app), "GET", "/", headers={"x-api-version": "2"})
    assert engine.endpoints[engine.last().endpoint] == ("GET", "<app>", "v2", True)
