"""A Django REST framework service in one file, versioned by a query parameter."""

from __future__ import annotations

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="a test has no secrets", USE_I18N=False, MIDDLEWARE=[],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
        REST_FRAMEWORK={
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.QueryParameterVersioning",
            "DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None,
        },
    )  # fmt: skip
    django.setup()

from django.core.handlers.wsgi import WSGIHandler
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from applications import versioned


class Hold(APIView):
    def get(self, request: Request, kind: str) -> Response:
        versioned.hold(kind, 2 if request.version == "2" else 1)
        return Response({"version": request.version}, headers={"Sunset": "Sun, 30 Jun 2030 23:59:59 GMT"})


urlpatterns = [path("hold/<str:kind>", Hold.as_view())]
app = WSGIHandler()
