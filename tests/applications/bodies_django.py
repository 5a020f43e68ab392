"""A Django project in one file that spends memory in proportion to bodies."""

from __future__ import annotations

from collections.abc import Callable

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="a test has no secrets", USE_I18N=False, MIDDLEWARE=[],
        DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    )  # fmt: skip
    django.setup()

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from applications import bodies


def _read(request: HttpRequest) -> int:
    size = 0
    while piece := request.read(bodies.PIECE_BYTES):
        size += len(piece)
    return size


def _wanted(request: HttpRequest) -> int:
    return int(request.GET.get("size", "0"))


def _spends_on_requests(ratio: int, base: int) -> Callable[[HttpRequest], HttpResponse]:
    def handler(request: HttpRequest) -> HttpResponse:
        bodies.hold(ratio, base, _read(request))
        return HttpResponse("ok")

    return handler


def _spends_on_responses(ratio: int, base: int) -> Callable[[HttpRequest], StreamingHttpResponse]:
    def handler(request: HttpRequest) -> StreamingHttpResponse:
        parts = bodies.pieces_while_held(ratio, base, _wanted(request))
        return StreamingHttpResponse(parts, content_type="application/octet-stream")

    return handler


def files(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(sum(len(file.read()) for file in request.FILES.values())))


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def hold_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def pass_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(_read(request)))


def hold_out(request: HttpRequest) -> HttpResponse:
    return HttpResponse(bytes(_wanted(request)), content_type="application/octet-stream")


def pass_out(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(bodies.pieces(_wanted(request)), content_type="application/octet-stream")


def pass_both(request: HttpRequest) -> StreamingHttpResponse:
    _read(request)
    return StreamingHttpResponse(bodies.pieces(_wanted(request)), content_type="application/octet-stream")


def now_and_then(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(_read(request) if request.GET.get("pass") else len(request.body)))


urlpatterns = [
    *(path(f"in/{ratio}/{base}", _spends_on_requests(ratio, base)) for ratio, base in bodies.COSTS),
    *(path(f"out/{ratio}/{base}", _spends_on_responses(ratio, base)) for ratio, base in bodies.COSTS),
    path("files", files), path("nothing", nothing), path("hold-in", hold_in), path("pass-in", pass_in),
    path("hold-out", hold_out), path("pass-out", pass_out), path("pass-both", pass_both),
    path("now-and-then", now_and_then),
]  # fmt: skip
app = WSGIHandler()
