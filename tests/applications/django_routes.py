"""A Django project in one file, with every kind of route."""

from __future__ import annotations

import logging
from typing import Any

import django
import fake_engine
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="a test has no secrets", USE_TZ=True, USE_I18N=True,
        LANGUAGE_CODE="en", LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.locale.LocaleMiddleware", "django.middleware.common.CommonMiddleware"],
    )  # fmt: skip
    django.setup()
    logging.getLogger("django").addHandler(logging.NullHandler())
    logging.getLogger("django").propagate = False

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path
from django.views.decorators.http import require_GET

URLS = [
    ("GET", "/items/7/"), ("GET", "/items/none/"), ("GET", "/items/404/"), ("POST", "/only-get/"),
    ("GET", "/api/v2/orders/3/"), ("GET", "/archive/2024/"), ("GET", "/async/"), ("GET", "/streamed/"),
    ("GET", "/en/greeting/"), ("GET", "/fails/"), ("GET", "/items/7"), ("HEAD", "/items/7/"),
]  # fmt: skip


def item(request: HttpRequest, item_id: int) -> HttpResponse:
    if item_id == 404:
        raise Http404
    return JsonResponse({"item_id": item_id})


@require_GET
def only_get(request: HttpRequest) -> HttpResponse:
    return HttpResponse("got")


def text(request: HttpRequest, **arguments: Any) -> HttpResponse:
    return HttpResponse(repr(sorted(arguments.items())))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    return HttpResponse("async")


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(b"part" for _ in range(3))


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("as intended")


def whose(request: HttpRequest) -> HttpResponse:
    fake_engine.note_current()
    return HttpResponse()


urlpatterns = [
    path("items/<int:item_id>/", item),
    path("only-get/", only_get),
    path("api/", include([path("v2/", include([path("orders/<slug:order>/", text)]))])),
    re_path(r"^archive/(?P<year>[0-9]{4})/$", text),
    path("async/", asynchronous),
    path("streamed/", streamed),
    path("fails/", fails),
    path("whose/", whose),
    *i18n_patterns(path("greeting/", text)),
]


def wsgi() -> Any:
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


def asgi() -> Any:
    from django.core.handlers.asgi import ASGIHandler

    return ASGIHandler()
