"""Routes of the three frameworks on a double of the engine: the template, whatever way a request comes in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import face
import fake_engine
import pytest
from applications import django_routes, drive, fastapi_routes, flask_routes

FLASK = ("flask", "flask.app", "werkzeug.serving")
STARLETTE = (
    "starlette.applications",
    "starlette.routing",
    "starlette.background",
    "fastapi",
    "starlette.middleware.wsgi",
)
DJANGO = ("django.core.handlers.wsgi", "django.core.handlers.asgi")
Send = Callable[..., drive.Response]


@pytest.fixture
def flask(engine: fake_engine.Engine) -> Send:
    app = flask_routes.make()
    return lambda method, path, **extra: drive.wsgi(app, method, path, **extra)


@pytest.fixture
def fastapi(engine: fake_engine.Engine, tmp_path: Path) -> Send:
    (tmp_path / "logo.txt").write_text("logo")
    app = fastapi_routes.make(tmp_path)
    return lambda method, path, **extra: drive.asgi(app, method, path, **extra)


@pytest.fixture
def engine() -> Iterator[fake_engine.Engine]:
    with face.on_fake_engine(*FLASK, *STARLETTE, *DJANGO) as engine:
        yield engine


@pytest.mark.parametrize(
    ("method", "path", "row"),
    [
        ("GET", "/items/7", ("GET", "/items/<int:item_id>", 200)),
        ("GET", "/items/none", ("GET", "<unmatched>", 404)),
        ("GET", "/items/404", ("GET", "/items/<int:item_id>", 404)),
        ("HEAD", "/items/7", ("HEAD", "/items/<int:item_id>", 200)),
        ("OPTIONS", "/items/7", ("OPTIONS", "/items/<int:item_id>", 200)),
        ("DELETE", "/items/7", ("DELETE", "/items/<int:item_id>", 405)),
        ("GET", "/api/v3/deep/x", ("GET", "/api/v3/deep/<name>", 200)),
        ("GET", "/slash", ("GET", "<unmatched>", 308)),
        ("GET", "/fails", ("GET", "/fails", 500)),
        ("GET", "/refused-early", ("GET", "/refused-early", 403)),
        ("GET", "/mounted/inner/1", ("GET", "/mounted/inner/<n>", 200)),
        ("GET", "/mounted/none", ("GET", "<unmatched>", 404)),
    ],
)
def test_flask(engine: fake_engine.Engine, flask: Send, method: str, path: str, row: tuple[str, str, int]) -> None:
    flask(method, path)
    assert engine.rows() == [row]


def test_flask_knows_its_route_before_the_first_function_of_the_service_runs(engine: fake_engine.Engine) -> None:
    seen: list[int] = []
    app = flask_routes.make()
    app.before_request(lambda: seen.append(engine.last().endpoint))
    drive.wsgi(app, "GET", "/items/7")
    assert engine.endpoints[seen[0]][1] == "/items/<int:item_id>"


@pytest.mark.parametrize(
    ("method", "path", "row"),
    [
        ("GET", "/items/7", ("GET", "/items/{item_id}", 200)),
        ("GET", "/items/none", ("GET", "/items/{item_id}", 422)),
        ("GET", "/items/404", ("GET", "/items/{item_id}", 404)),
        ("DELETE", "/items/7", ("DELETE", "/items/{item_id}", 405)),
        ("GET", "/none", ("GET", "<unmatched>", 404)),
        ("GET", "/files/a/b", ("GET", "/files/{name:path}", 200)),
        ("GET", "/api/v2/orders/3", ("GET", "/api/v2/orders/{order_id}", 200)),
        ("DELETE", "/api/v2/orders/3", ("DELETE", "/api/v2/orders/{order_id}", 405)),
        ("GET", "/api/v2/inner/x", ("GET", "/api/v2/inner/{name}", 200)),
        ("GET", "/included/plain", ("GET", "/included/plain", 200)),
        ("GET", "/sub/acme/inside/1", ("GET", "/sub/{tenant}/inside/{n}", 200)),
        ("GET", "/sub/acme/none", ("GET", "<unmatched>", 404)),
        ("GET", "/sub/acme/deeper/still/1", ("GET", "/sub/{tenant}/deeper/still/{n}", 200)),
        ("GET", "/routes/one", ("GET", "/routes/{name}", 200)),
        ("GET", "/routes/one/none", ("GET", "<unmatched>", 404)),
        ("GET", "/static/logo.txt", ("GET", "/static/{path:path}", 200)),
        ("GET", "/static/none.txt", ("GET", "/static/{path:path}", 404)),
        ("GET", "/wsgi/items/7", ("GET", "/wsgi/items/<int:item_id>", 200)),
        ("GET", "/wsgi/none", ("GET", "<unmatched>", 404)),
        ("GET", "/background", ("GET", "/background", 200)),
        ("GET", "/dispatched", ("GET", "/dispatched", 200)),
    ],
)
def test_fastapi(engine: fake_engine.Engine, fastapi: Send, method: str, path: str, row: tuple[str, str, int]) -> None:
    response = fastapi(method, path)
    assert response.status == row[2]
    assert engine.rows() == [row]


def test_fastapi_with_an_exception_is_one_row_of_500(engine: fake_engine.Engine, fastapi: Send) -> None:
    with pytest.raises(RuntimeError, match="as intended"):
        fastapi("GET", "/fails")
    assert engine.rows() == [("GET", "/fails", 500)]
    assert engine.flags() == fake_engine.RAISED


@pytest.mark.parametrize(("path", "deprecated"), [("/api/v2/orders/3", False), ("/api/v2/old", True), ("/older", True)])
def test_fastapi_deprecation(engine: fake_engine.Engine, fastapi: Send, path: str, deprecated: bool) -> None:
    fastapi("GET", path)
    version = "v2" if "v2" in path else ""
    assert engine.endpoints[engine.last().endpoint][2:] == (version, deprecated)


def test_fastapi_knows_its_route_before_dependencies_and_bodies(engine: fake_engine.Engine, fastapi: Send) -> None:
    assert fastapi("GET", "/named").body == b'"/named"'


def test_a_server_in_front_of_a_framework_is_one_request(engine: fake_engine.Engine, tmp_path: Path) -> None:
    from heapledger.adapters import asgi, wsgi

    drive.wsgi(wsgi.Middleware(flask_routes.make()), "GET", "/items/7")
    drive.asgi(asgi.Entry(fastapi_routes.make(tmp_path)), "GET", "/items/7")
    assert [row[1] for row in engine.rows()] == ["/items/<int:item_id>", "/items/{item_id}"]


def test_middleware_that_answers_by_itself_leaves_no_route(engine: fake_engine.Engine, tmp_path: Path) -> None:
    app = fastapi_routes.make(tmp_path)

    @app.middleware("http")
    async def refuse(request: Any, call_next: Any) -> Any:
        from starlette.responses import Response

        return Response(status_code=401) if request.url.path == "/items/1" else await call_next(request)

    drive.asgi(app, "GET", "/items/1")
    drive.asgi(app, "GET", "/items/2")
    assert engine.rows() == [("GET", "<unmatched>", 401), ("GET", "/items/{item_id}", 200)]


DJANGO_ROWS = [
    ("GET", "/items/7/", ("GET", "/items/<int:item_id>/", 200)),
    ("GET", "/items/none/", ("GET", "<unmatched>", 404)),
    ("GET", "/items/404/", ("GET", "/items/<int:item_id>/", 404)),
    ("POST", "/only-get/", ("POST", "/only-get/", 405)),
    ("GET", "/api/v2/orders/3/", ("GET", "/api/v2/orders/<slug:order>/", 200)),
    ("GET", "/archive/2024/", ("GET", "/archive/(?P<year>[0-9]{4})/$", 200)),
    ("GET", "/async/", ("GET", "/async/", 200)),
    ("GET", "/streamed/", ("GET", "/streamed/", 200)),
    ("GET", "/en/greeting/", ("GET", "/en/greeting/", 200)),
    ("GET", "/fails/", ("GET", "/fails/", 500)),
]


@pytest.mark.parametrize(("method", "path", "row"), DJANGO_ROWS)
def test_django_wsgi(engine: fake_engine.Engine, method: str, path: str, row: tuple[str, str, int]) -> None:
    drive.wsgi(django_routes.wsgi(), method, path)
    assert engine.rows() == [row]


@pytest.mark.parametrize(("method", "path", "row"), DJANGO_ROWS)
def test_django_asgi(engine: fake_engine.Engine, method: str, path: str, row: tuple[str, str, int]) -> None:
    drive.asgi(django_routes.asgi(), method, path)
    assert engine.rows() == [row]
    assert engine.current() is None


def test_django_under_a_script_name(engine: fake_engine.Engine) -> None:
    drive.wsgi(django_routes.wsgi(), "GET", "/items/7/", SCRIPT_NAME="/shop")
    assert engine.rows() == [("GET", "/shop/items/<int:item_id>/", 200)]


def test_django_mounted_in_fastapi(engine: fake_engine.Engine) -> None:
    from fastapi import FastAPI

    app = FastAPI()
    app.mount("/legacy", django_routes.asgi())
    drive.asgi(app, "GET", "/legacy/items/7/")
    assert engine.rows() == [("GET", "/legacy/items/<int:item_id>/", 200)]


def test_handlers_of_each_framework_run_under_their_request(engine: fake_engine.Engine, tmp_path: Path) -> None:
    for respond, path in (
        (lambda p: drive.wsgi(flask_routes.make(), "GET", p), "/whose"),
        (lambda p: drive.asgi(fastapi_routes.make(tmp_path), "GET", p), "/whose"),
        (lambda p: drive.asgi(fastapi_routes.make(tmp_path), "GET", p), "/whose-in-a-thread"),
        (lambda p: drive.wsgi(django_routes.wsgi(), "GET", p), "/whose/"),
        (lambda p: drive.asgi(django_routes.asgi(), "GET", p), "/whose/"),
    ):
        respond(path)
        assert fake_engine.seen_by_handlers[-1] is engine.last()
    assert len(engine.requests) == 5


def test_responses_are_identical_with_and_without_us(tmp_path: Path) -> None:
    (tmp_path / "logo.txt").write_text("logo")

    def everything() -> list[drive.Response]:
        flask, fastapi, django = flask_routes.make(), fastapi_routes.make(tmp_path), django_routes.wsgi()
        answers = [drive.wsgi(flask, m, p) for m, p in flask_routes.URLS]
        answers += [drive.asgi(fastapi, m, p) for m, p in fastapi_routes.URLS]
        return answers + [drive.wsgi(django, m, p) for m, p in django_routes.URLS]

    bare = everything()
    with face.on_fake_engine(*FLASK, *STARLETTE, *DJANGO) as engine:
        assert everything() == bare
        assert len(engine.rows()) == len(bare)


def test_threads_of_a_request_are_seen_by_current(engine: fake_engine.Engine) -> None:
    from heapledger.adapters import wsgi

    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        thread = threading.Thread(target=lambda: seen.append(engine.current()))
        thread.start()
        thread.join()
        start_response("200 OK", [])
        return []

    drive.wsgi(wsgi.Middleware(app), "GET", "/")
    assert seen == [engine.last()]


def test_to_thread_and_executors_carry_the_request(engine: fake_engine.Engine) -> None:
    from heapledger.adapters import asgi

    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(lambda: seen.append(engine.current()))
        await loop.run_in_executor(None, lambda: seen.append(engine.current()))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    drive.asgi(asgi.Middleware(app), "GET", "/")
    assert seen == [engine.last(), engine.last()]
