"""The orders API in Django: `heapledger run -- gunicorn --threads 8 examples.orders_django:app`."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="an example has no secrets", USE_TZ=True,
        DATA_UPLOAD_MAX_MEMORY_SIZE=64 * 1024 * 1024,
    )  # fmt: skip

from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from django.views.decorators.http import require_GET, require_POST

from . import shop, stock


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_POST
def create_order(request: HttpRequest) -> HttpResponse:
    new = json.loads(request.body)
    try:
        return JsonResponse(shop.create(new["customer"], new["items"]), status=201)
    except shop.Invalid as error:
        return JsonResponse({"detail": str(error)}, status=422)


@require_GET
def list_orders_in_full(request: HttpRequest) -> HttpResponse:
    return JsonResponse(shop.orders_in_full(), safe=False, headers={"Deprecation": "@1735689600"})


@require_GET
def list_orders(request: HttpRequest) -> HttpResponse:
    return JsonResponse(shop.orders(int(request.GET.get("limit", 100))), safe=False)


@require_POST
def import_orders(request: HttpRequest) -> HttpResponse:
    try:
        return JsonResponse(shop.import_orders(request.body))
    except shop.Invalid as error:
        return JsonResponse({"detail": str(error)}, status=422)


@require_GET
def export_orders(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(shop.export_orders(), content_type="text/csv")


@require_GET
def get_order(request: HttpRequest, order_id: int) -> HttpResponse:
    if order_id >= shop.ORDERS:
        return HttpResponse(status=404)
    return JsonResponse(shop.order(order_id))


@require_GET
def get_stock(request: HttpRequest, sku: str) -> HttpResponse:
    try:
        return JsonResponse({"sku": sku, "pieces": stock.pieces(sku)})
    except stock.Unknown:
        return HttpResponse(status=404)


@require_GET
def get_report(request: HttpRequest, year: int) -> HttpResponse:
    return JsonResponse(shop.report(year))


@require_GET
def get_recommendations(request: HttpRequest, customer_id: int) -> HttpResponse:
    return JsonResponse(shop.recommendations(customer_id))


version_1 = [path("orders", list_orders_in_full)]
version_2 = [
    path("orders", list_orders),
    path("orders/import", import_orders),
    path("orders/export", export_orders),
    path("orders/<int:order_id>", get_order),
    path("stock/<str:sku>", get_stock),
    path("reports/<int:year>", get_report),
    path("customers/<int:customer_id>/recommendations", get_recommendations),
]
urlpatterns = [
    path("health", health),
    path("orders", create_order),
    path("v1/", include(version_1)),
    path("v2/", include(version_2)),
]

app = get_wsgi_application()
