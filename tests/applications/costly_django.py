"""A Django project in one file whose requests cost what their URL says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import django
from django.conf import settings

if not settings.configured:
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
    held: list[bytearray] = []
    pool.submit(costs.buffer_into, held, booked).result()
    gates[gate].wait()
    del held
    return HttpResponse(_OK)


def thread(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held: list[bytearray] = []

    def work() -> None:
        held.append(costs.buffer(booked))
        gates[gate].wait()
        held.clear()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return HttpResponse(_OK)


async def to_thread(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held: list[bytearray] = []
    await asyncio.to_thread(costs.buffer_into, held, booked)
    await asyncio.to_thread(gates[gate].wait)
    del held
    return HttpResponse(_OK)


async def from_async(request: HttpRequest, gate: str, booked: int) -> HttpResponse:
    held: list[bytearray] = []
    await sync_to_async(costs.buffer_into, thread_sensitive=False)(held, booked)
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
    gates[gate].all_inside()
    costs.kept[name] = None
    return HttpResponse(_OK)


def outlived(request: HttpRequest, booked: int) -> HttpResponse:
    costs.kept["thread"] = costs.allocate_later(booked)
    return HttpResponse(_OK)


def go_on(request: HttpRequest) -> HttpResponse:
    costs.go_on.set()
    costs.kept["thread"].join(costs.DEADLINE_SECONDS)
    return HttpResponse(_OK)


def ordinary(request: HttpRequest, gate: str, count: int) -> HttpResponse:
    first = costs.ordinary_objects(count)
    gates[gate].wait()
    second = costs.ordinary_objects(count)
    return JsonResponse({"items": first, "more": second})


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
    path("outlived/<int:booked>", outlived),
    path("go-on", go_on),
    path("ordinary/<gate>/<int:count>", ordinary),
    path("compress/<int:rounds>", compress),
    path("compress-there/<int:rounds>", compress_there),
]

app = WSGIHandler()
asgi = ASGIHandler()
