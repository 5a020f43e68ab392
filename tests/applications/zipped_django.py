"""A Django project in one file behind its GZipMiddleware."""

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
        MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=32 * 1024 * 1024,
    )
    django.setup()

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from applications import zipped


def text(request: HttpRequest, length: int) -> HttpResponse:
    return HttpResponse(zipped.text(length), content_type="text/plain")


def unzip(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(gzip.decompress(request.body))))


def whole(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def pieces(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(sum(len(piece) for piece in iter(lambda: request.read(4096), b""))))


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


urlpatterns = [
    path("text/<int:length>", text),
    path("unzip", unzip),
    path("whole", whole),
    path("pieces", pieces),
    path("nothing", nothing),
]
app = WSGIHandler()
asgi_app = ASGIHandler()
