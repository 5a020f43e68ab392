"""WSGI adapter on a double of the engine: what the server gets to see, and when a request begins, ends and is left."""

from __future__ import annotations

import gc
import io
import sys
import weakref
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import face
import fake_engine
import pytest
from applications import drive

JSON = [("Content-Type", "application/json; charset=utf-8")]


pytestmark = pytest.mark.every_python


@pytest.fixture
def engine() -> Iterator[fake_engine.Engine]:
    with face.on_fake_engine() as engine:
        yield engine


def middleware(app: Any) -> Any:
    import heapledger.adapters.wsgi

    return heapledger.adapters.wsgi.Middleware(app)


def answering(body: Any, status: str = "200 OK", headers: Any = JSON) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return body() if callable(body) else body

    return middleware(app)


def test_a_list_is_sent_as_it_was_and_keeps_its_length(engine: fake_engine.Engine) -> None:
    app = answering([b"one"])
    result = app(drive.environ_for("GET", "/"), lambda status, headers: None)
    assert len(result) == 1
    assert engine.last().ended is None
    assert list(result) == [b"one"]
    assert engine.last().ended is None
    result.close()
    assert engine.rows() == [("GET", "<app>", 200)]
    assert engine.last().ended == (200, 0, "", "application/json")
    assert engine.last().sent_bytes == 3


def test_a_generator_has_no_length_and_is_closed_with_the_response(engine: fake_engine.Engine) -> None:
    closed = []

    def body() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"bc"
        finally:
            closed.append(engine.current() is engine.last())

    result = answering(body)(drive.environ_for("GET", "/"), lambda status, headers: None)
    assert not hasattr(result, "__len__")
    assert next(iter(result)) == b"a"
    result.close()
    result.close()
    assert closed == [True]
    assert engine.flags() == fake_engine.DISCONNECTED
    assert engine.current() is None


def test_many_chunks_are_streamed_out(engine: fake_engine.Engine) -> None:
    response = drive.wsgi(answering(lambda: iter([b"a", b"b", b""])), "GET", "/")
    assert response.body == b"ab"
    assert engine.flags() == fake_engine.STREAMED_OUT
    assert engine.last().sent_bytes == 2


def test_a_file_wrapper_is_passed_on_itself_and_ends_the_request_when_closed(engine: fake_engine.Engine) -> None:
    file = io.BytesIO(b"x" * 10)
    wrapper = FileWrapper(file)
    app = answering(wrapper, headers=[("Content-Type", "text/plain"), ("Content-Length", "10")])
    result = app(drive.environ_for("GET", "/"), lambda status, headers: None)
    assert result is wrapper
    assert isinstance(result, FileWrapper)
    assert engine.last().ended is None
    result.close()
    result.close()
    assert file.closed
    assert engine.rows() == [("GET", "<app>", 200)]
    assert engine.last().sent_bytes == 10


def test_an_exception_passes_unchanged_and_is_a_500(engine: fake_engine.Engine) -> None:
    error = RuntimeError("no")

    def app(environ: Any, start_response: Any) -> Any:
        raise error

    with pytest.raises(RuntimeError) as caught:
        drive.wsgi(middleware(app), "GET", "/")
    assert caught.value is error
    assert engine.last().ended == (500, fake_engine.RAISED, "", "")
    assert engine.current() is None


def test_an_exception_within_the_body_keeps_the_status_that_was_sent(engine: fake_engine.Engine) -> None:
    def body() -> Iterator[bytes]:
        yield b"a"
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        drive.wsgi(answering(body), "GET", "/")
    assert engine.last().ended == (200, fake_engine.RAISED, "", "application/json")


def test_exc_info_is_handed_on_as_it_came(engine: fake_engine.Engine) -> None:
    seen = []

    def start_response(*args: Any) -> Any:
        seen.append(args)

    def app(environ: Any, start: Any) -> Any:
        start("200 OK", [])
        try:
            raise ValueError
        except ValueError:
            start("500 Oops", [], sys.exc_info())
        return []

    middleware(app)(drive.environ_for("GET", "/"), start_response).close()
    assert [len(args) for args in seen] == [2, 3]
    assert engine.rows() == [("GET", "<app>", 500)]


def test_the_imperative_write_is_counted(engine: fake_engine.Engine) -> None:
    def app(environ: Any, start: Any) -> Any:
        write = start("200 OK", [("Content-Length", "4")])
        write(b"abc")
        return [b"d"]

    assert drive.wsgi(middleware(app), "GET", "/").body == b"abcd"
    assert engine.last().sent_bytes == 4


def test_every_call_is_a_fresh_request_even_when_the_context_has_one(engine: fake_engine.Engine) -> None:
    leaked = engine.begin()
    drive.wsgi(answering([b""]), "GET", "/")
    assert engine.last() is not leaked
    assert engine.current() is leaked


def test_an_entry_within_an_entry_is_the_same_request(engine: fake_engine.Engine) -> None:
    drive.wsgi(middleware(answering([b"x"])), "GET", "/")
    assert len(engine.requests) == 1


def test_nothing_is_between_once_the_books_are_closed(engine: fake_engine.Engine) -> None:
    body = [b"x"]
    engine.freeze()
    assert answering(body)(drive.environ_for("GET", "/"), lambda status, headers: None) is body


def test_body_sizes_and_types_are_taken_from_the_headers(engine: fake_engine.Engine) -> None:
    drive.wsgi(answering([b""]), "POST", "/", b"12345", CONTENT_TYPE="Text/CSV; header=present")
    assert engine.last().received_bytes == 5
    assert engine.last().ended == (200, 0, "text/csv", "application/json")


def test_a_chunked_body_is_streamed_in(engine: fake_engine.Engine) -> None:
    drive.wsgi(answering([b""]), "POST", "/", HTTP_TRANSFER_ENCODING="chunked")
    assert engine.flags() == fake_engine.STREAMED_IN


def test_head_without_reading_the_body_is_no_disconnect(engine: fake_engine.Engine) -> None:
    app = answering(lambda: iter([b"never read"]), headers=[("Content-Length", "10")])
    app(drive.environ_for("HEAD", "/"), lambda status, headers: None).close()
    assert engine.flags() == 0
    assert engine.last().sent_bytes == 0


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({"HTTP_ACCEPT_VERSION": "2"}, "v2"),
        ({"HTTP_X_API_VERSION": "2024-01-31"}, "2024-01-31"),
        ({"HTTP_API_VERSION": "v3"}, "v3"),
        ({"HTTP_ACCEPT": "text/html, application/vnd.shop.v2+json"}, "v2"),
        ({"HTTP_ACCEPT": 'application/json; version="1.5"'}, "v1.5"),
        ({"CONTENT_TYPE": "application/vnd.shop.v4+json"}, "v4"),
        ({"HTTP_ACCEPT": "application/vnd.ms-excel"}, ""),
        ({"HTTP_ACCEPT_VERSION": "<script>"}, ""),
        ({}, ""),
    ],
)
def test_a_version_is_read_from_the_headers(engine: fake_engine.Engine, headers: dict[str, str], version: str) -> None:
    drive.wsgi(answering([b""]), "GET", "/", **headers)
    assert engine.endpoints[engine.last().endpoint] == ("GET", "<app>", version, False)


@pytest.mark.parametrize("name", ["Deprecation", "Sunset", "sunset"])
def test_deprecation_is_read_from_the_response(engine: fake_engine.Engine, name: str) -> None:
    drive.wsgi(answering([b""], headers=[(name, "true")]), "GET", "/")
    assert engine.endpoints[engine.last().endpoint] == ("GET", "<app>", "", True)


def test_odd_methods_and_versions_fold(engine: fake_engine.Engine) -> None:
    app = answering([b""])
    for number in range(100):
        drive.wsgi(app, "M" + "x" * (number % 10) + chr(65 + number % 26), "/", HTTP_ACCEPT_VERSION=f"{number}.0")
    assert len({row[0] for row in engine.endpoints[1:]}) == 33
    assert ("OTHER", "<app>", "", False) in engine.endpoints
    assert len({row[2] for row in engine.endpoints[1:]}) == 33
    drive.wsgi(app, "GET\x1b[31m", "/")
    assert engine.endpoints[engine.last().endpoint][0] == "OTHER"


def test_an_error_of_ours_is_counted_and_the_service_answers(engine: fake_engine.Engine) -> None:
    import heapledger._health as health

    app = answering([b"fine"])
    environ = drive.environ_for("GET", "/")
    del environ["REQUEST_METHOD"]
    assert list(app(environ, lambda status, headers: None)) == [b"fine"]
    assert health.counters == {"wsgi_begin_failed": 1}
    assert engine.current() is None
    assert engine.last().discarded


def test_an_ignored_route_leaves_no_row(engine: fake_engine.Engine) -> None:
    import heapledger.adapters.routes as routes

    routes.ignored.add("<app>")
    drive.wsgi(answering([b""]), "GET", "/")
    drive.wsgi(answering([b""]), "GET", "/")
    assert engine.rows() == []
    assert all(request.discarded and request.left for request in engine.requests)


@pytest.mark.parametrize(
    ("pattern", "template", "ignored"),
    [
        ("/health", "/health", True),
        ("/health", "/health/live", False),
        ("/health*", "/health/live", True),
        ("/health*", "/health", True),
        ("/health*", "/v1/health", False),
        ("*/metrics", "/internal/metrics", True),
        ("/a*/b*", "/a/x/b/y", True),
        ("/a*/b*", "/a/x/c/y", False),
        ("/items/[0-9]*", "/items/7", False),
        ("/items/(?P<id>*", "/items/(?P<id>[0-9]+)/", True),
    ],
)
def test_an_ignored_route_may_have_stars(pattern: str, template: str, ignored: bool) -> None:
    import heapledger.adapters.routes as routes

    routes.ignored.add(pattern)
    try:
        assert routes.is_ignored(template) is ignored
    finally:
        routes.ignored.discard(pattern)


def test_what_the_response_held_is_gone_before_the_request_is_left(engine: fake_engine.Engine) -> None:
    class Held:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

    made: list[weakref.ref[Held]] = []
    at_leave: list[bool] = []

    def body() -> Held:
        held = Held()
        made.append(weakref.ref(held, lambda _: at_leave.append(engine.last().ended is not None)))
        return held

    environ = drive.environ_for("GET", "/")
    gc.disable()
    try:
        result = answering(body)(environ, lambda status, headers: None)
        list(result)
        result.close()
    finally:
        gc.enable()
    assert made[0]() is None
    assert at_leave == [False]
    assert "heapledger.request" not in environ


@pytest.mark.parametrize("body", [[b"one"], (b"one", b"two"), "generator"])
def test_the_protocols_own_checker_finds_nothing_on_either_side(engine: fake_engine.Engine, body: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (chunk for chunk in (b"one", b"two")) if body == "generator" else list(body)

    checked = validator(middleware(validator(app)))
    environ = drive.environ_for("GET", "/")
    environ["wsgi.input"] = io.BufferedReader(io.BytesIO())
    environ["wsgi.errors"] = sys.stderr
    result = checked(environ, lambda status, headers, exc_info=None: lambda chunk: None)
    assert b"".join(result).startswith(b"one")
    result.close()
    assert engine.rows() == [("GET", "<app>", 200)]
