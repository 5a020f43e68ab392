# mypy: disable-error-code="untyped-decorator"
"""The orders API in Flask: `heapledger run -- gunicorn --threads 8 examples.orders_flask:app`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, request

from . import shop, stock

app = Flask("orders")
v1 = Blueprint("v1", __name__, url_prefix="/v1")
v2 = Blueprint("v2", __name__, url_prefix="/v2")


@app.errorhandler(shop.Invalid)
def refuse(error: shop.Invalid) -> tuple[Response, int]:
    return jsonify(detail=str(error)), 422


@app.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@app.post("/orders")
def create_order() -> tuple[Response, int]:
    new: dict[str, Any] = request.get_json()
    return jsonify(shop.create(new["customer"], new["items"])), 201


@v1.get("/orders")
def list_orders_in_full() -> Response:
    response = jsonify(shop.orders_in_full())
    response.headers["Deprecation"] = "@1735689600"
    return response


@v2.get("/orders")
def list_orders() -> Response:
    return jsonify(shop.orders(request.args.get("limit", 100, type=int)))


@v2.post("/orders/import")
def import_orders() -> Response:
    return jsonify(shop.import_orders(request.get_data(cache=False)))


@v2.get("/orders/export")
def export_orders() -> Response:
    return Response(shop.export_orders(), mimetype="text/csv")


@v2.get("/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    if order_id >= shop.ORDERS:
        abort(404)
    return jsonify(shop.order(order_id))


@v2.get("/stock/<sku>")
def get_stock(sku: str) -> Response:
    try:
        return jsonify(sku=sku, pieces=stock.pieces(sku))
    except stock.Unknown:
        abort(404)


@v2.get("/reports/<int:year>")
def get_report(year: int) -> Response:
    return jsonify(shop.report(year))


@v2.get("/customers/<int:customer_id>/recommendations")
def get_recommendations(customer_id: int) -> Response:
    return jsonify(shop.recommendations(customer_id))


app.register_blueprint(v1)
app.register_blueprint(v2)
