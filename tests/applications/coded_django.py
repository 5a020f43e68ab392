"""A Django project in one file whose requests allocate in phases."""

from __future__ import annotations

import gzip

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="a test has no secrets",
        USE_I18N=False,
        MIDDLEWARE=[],
        DATA_UPLOAD_MAX_MEMORY_SIZE=32 * 1024 * 1024,
        INSTALLED_APPS=["rest_framework"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "UNAUTHENTICATED_USER": None,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
    )
    django.setup()

import json

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from applications import coded, costs
from applications.costs import gates


def make_gate(request: HttpRequest, name: str, parties: int) -> HttpResponse:
    gates[name] = costs.Gate(parties)
    return HttpResponse("ok")


def open_gate(request: HttpRequest, name: str) -> HttpResponse:
    gates[name].open()
    return HttpResponse("ok")


def explicit(request: HttpRequest, parsed: int, handled: int, written: int) -> HttpResponse:
    return HttpResponse(coded.explicit(parsed, handled, written))


def together(request: HttpRequest, gate: str, parsed: int, handled: int, written: int) -> HttpResponse:
    held = coded.parse(parsed)
    gates[gate].wait()
    return HttpResponse(coded.explicit(parsed, handled, written)[:0] + str(len(held)))


def failing(request: HttpRequest, booked: int) -> HttpResponse:
    return HttpResponse(coded.failing(booked))


def nested(request: HttpRequest, booked: int) -> HttpResponse:
    return HttpResponse(coded.nested(booked))


def in_thread(request: HttpRequest, booked: int) -> HttpResponse:
    return HttpResponse(coded.in_thread(booked))


def in_two_threads(request: HttpRequest, booked: int) -> HttpResponse:
    return HttpResponse(coded.in_two_threads(booked))


def stream(request: HttpRequest, booked: int) -> StreamingHttpResponse:
    return StreamingHttpResponse(coded.pieces(booked), content_type="text/plain")


def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def parsed(request: HttpRequest) -> HttpResponse:
    """The parser reads the request itself, as it does in older releases of Django REST framework."""
    return HttpResponse(str(len(JSONParser().parse(request)["text"])))


def json_body(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"text": json.loads(request.body)["text"]})


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.FILES["file"].read()) + len(request.POST["name"])))


def zipped(request: HttpRequest, length: int) -> HttpResponse:
    return HttpResponse(gzip.compress(bytes(length)), headers={"Content-Encoding": "gzip"})


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


class WorkSerializer(serializers.Serializer):  # type: ignore[misc]
    """Allocates this much while it is validated, and while it is represented."""

    parsed = serializers.IntegerField()
    written = serializers.SerializerMethodField()

    def validate_parsed(self, booked: int) -> int:
        return len(costs.buffer(booked)) and booked

    def get_written(self, work: dict[str, int]) -> int:
        return len(costs.buffer(work["parsed"] // 2))


class WorkView(APIView):  # type: ignore[misc]
    def post(self, request: Request) -> Response:
        serializer = WorkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(WorkSerializer(serializer.validated_data).data)


urlpatterns = [
    path("gates/<name>/<int:parties>", make_gate),
    path("gates/<name>", open_gate),
    path("explicit/<int:parsed>/<int:handled>/<int:written>", explicit),
    path("together/<gate>/<int:parsed>/<int:handled>/<int:written>", together),
    path("failing/<int:booked>", failing),
    path("nested/<int:booked>", nested),
    path("in-thread/<int:booked>", in_thread),
    path("in-two-threads/<int:booked>", in_two_threads),
    path("stream/<int:booked>", stream),
    path("body", body),
    path("json", json_body),
    path("parsed", parsed),
    path("form", form),
    path("gzip/<int:length>", zipped),
    path("nothing", nothing),
    path("work", WorkView.as_view()),
]
app = WSGIHandler()
asgi_app = ASGIHandler()
