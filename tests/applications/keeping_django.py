"""A Django project in one file whose endpoints leave behind what their name says."""

from __future__ import annotations

from collections.abc import Callable

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="a test has no secrets", USE_I18N=False, MIDDLEWARE=[]
    )
    django.setup()

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from applications import chosen


def _handler(kind: Callable[[], object]) -> Callable[[HttpRequest], HttpResponse]:
    def handler(request: HttpRequest) -> HttpResponse:
        kind()
        return HttpResponse("ok")

    return handler


urlpatterns = [path(name, _handler(kind)) for name, kind in chosen.KINDS.items()]
app = WSGIHandler()
