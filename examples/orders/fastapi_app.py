# mypy: disable-error-code="untyped-decorator"
"""The orders API in FastAPI: `heapledger run -- uvicorn examples.orders_fastapi:app`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from . import shop, stock


class Item(BaseModel):
    sku: str
    quantity: int


class NewOrder(BaseModel):
    customer: str
    items: list[Item]


app = FastAPI(title="orders")
v1 = APIRouter(prefix="/v1")
v2 = APIRouter(prefix="/v2")


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/orders", status_code=201)
async def create_order(new: NewOrder) -> dict[str, Any]:
    try:
        return shop.create(new.customer, [item.model_dump() for item in new.items])
    except shop.Invalid as error:
        raise HTTPException(422, str(error)) from error


@v1.get("/orders", deprecated=True)
def list_orders_in_full() -> list[dict[str, Any]]:
    return shop.orders_in_full()


@v2.get("/orders")
def list_orders(limit: int = 100) -> list[dict[str, Any]]:
    return shop.orders(limit)


@v2.post("/orders/import")
async def import_orders(request: Request) -> dict[str, Any]:
    try:
        return shop.import_orders(await request.body())
    except shop.Invalid as error:
        raise HTTPException(422, str(error)) from error


@v2.get("/orders/export")
async def export_orders() -> StreamingResponse:
    def pieces() -> Iterator[bytes]:
        yield from shop.export_orders()

    return StreamingResponse(pieces(), media_type="text/csv")


@v2.get("/orders/{order_id}")
async def get_order(order_id: int) -> dict[str, Any]:
    if not 0 <= order_id < shop.ORDERS:
        raise HTTPException(404)
    return shop.order(order_id)


@v2.get("/stock/{sku}")
def get_stock(sku: str) -> dict[str, Any]:
    try:
        return {"sku": sku, "pieces": stock.pieces(sku)}
    except stock.Unknown as error:
        raise HTTPException(404) from error


@v2.get("/reports/{year}")
def get_report(year: int) -> dict[str, Any]:
    return shop.report(year)


@v2.get("/customers/{customer_id}/recommendations")
async def get_recommendations(customer_id: int) -> dict[str, Any]:
    return shop.recommendations(customer_id)


app.include_router(v1)
app.include_router(v2)
