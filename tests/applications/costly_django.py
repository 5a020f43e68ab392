"""A Django project in one file whose requests cost what their URL says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="a test has no secrets", USE_I18N=False, MIDDLEWARE=[]
)
django.setup()

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from applications import costs
from applications.costs import gates

pool = ThreadPoolExecutor(8)
_OK = "ok"


def make_gate(request: HttpRequest, name: str, parties: int) -> HttpResponse:
    gates[name] = costs.Gate(parties)
    return HttpResponse(_OK)


def open_gate(request: HttpRequest, name: str) -> HttpResponse:
    gates[name].open()
    return HttpResponse(_OK)


def buffer(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held = costs.buffer(booked)
    gates[gate].wait()
    del held
    return HttpResponse(_OK)


def text(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held = costs.text(booked)
    gates[gate].wait()
    del held
    return HttpResponse(_OK)


def big_list(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held = costs.big_list(booked)
    gates[gate].wait()
    del held
    return HttpResponse(_OK)


def executor(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held = pool.submit(costs.buffer, booked).result()
    gates[gate].wait()
    del held
    return HttpResponse(_OK)


def thread(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held: list[Any] = []

    def work() -> None:
        held.append(costs.buffer(booked))
        gates[gate].wait()
        held.clear()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return HttpResponse(_OK)


async def to_thread(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held = await asyncio.to_thread(costs.buffer, booked)
    await asyncio.to_thread(gates[gate].wait)
    del held
    return HttpResponse(_OK)


async def from_async(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held = await sync_to_async(costs.buffer, thread_sensitive=False)(booked)
    await sync_to_async(gates[gate].wait, thread_sensitive=True)()
    del held
    return HttpResponse(_OK)


def generator(request: HttpRequest, gate: str, booked: int) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        held = costs.buffer(booked)
        yield _OK
        gates[gate].wait()
        del held
        yield _OK

    return StreamingHttpResponse(parts(), content_type="text/plain")


def hand_off(request: HttpRequest, gate: str, name: str, booked: int) -> HttpResponse:
    costs.kept[name] = costs.buffer(booked)
    gates[gate].wait()
    return HttpResponse(_OK)


def adopt(request: HttpRequest, gate: str, name: str) -> HttpResponse:
    gates[gate].wait()
    costs.kept[name] = None
    return HttpResponse(_OK)


def ordinary(request: HttpRequest, gate: str) -> HttpResponse:
    first = costs.ordinary_objects(400)
    gates[gate].wait()
    second = costs.ordinary_objects(400)
    return JsonResponse({"items": first[:20], "more": second[:20]})


def compress(request: HttpRequest, rounds: int) -> HttpResponse:
    costs.compress(rounds)
    return HttpResponse(_OK)


async def compress_there(request: HttpRequest, rounds: int) -> HttpResponse:
    await asyncio.gather(*(asyncio.to_thread(costs.compress, rounds) for _ in range(2)))
    return HttpResponse(_OK)


urlpatterns = [
    path("gates/<name>/<int:parties>", make_gate),
    path("gates/<name>", open_gate),
    path("buffer/<gate>/<int:booked>", buffer),
    path("text/<gate>/<int:booked>", text),
    path("list/<gate>/<int:booked>", big_list),
    path("executor/<gate>/<int:booked>", executor),
    path("thread/<gate>/<int:booked>", thread),
    path("to-thread/<gate>/<int:booked>", to_thread),
    path("sync-to-async/<gate>/<int:booked>", from_async),
    path("generator/<gate>/<int:booked>", generator),
    path("hand-off/<gate>/<name>/<int:booked>", hand_off),
    path("adopt/<gate>/<name>", adopt),
    path("ordinary/<gate>", ordinary),
    path("compress/<int:rounds>", compress),
    path("compress-there/<int:rounds>", compress_there),
]

app = WSGIHandler()
asgi = ASGIHandler()
