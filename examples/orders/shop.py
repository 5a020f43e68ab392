"""What the shop does, without any framework. Deterministic: the same call costs the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

ORDERS = 400
EXPORTED = 20_000
PRODUCTS: list[dict[str, Any]] = [
    {"sku": f"s-{n}", "name": f"Product {n}", "price_cents": 199 + 37 * n} for n in range(50)
]

# The deliberate leak: every recommendation is kept "for the audit", and nobody ever takes one out.
_audit: list[dict[str, Any]] = []


class Invalid(ValueError):
    """A request that makes no sense; the message is for the client."""


def _items(order_id: int) -> list[dict[str, Any]]:
    return [
        {**PRODUCTS[(order_id * 7 + n) % len(PRODUCTS)], "quantity": 1 + (order_id + n) % 4}
        for n in range(1 + order_id % 5)
    ]


def order(order_id: int) -> dict[str, Any]:
    """One order in full."""
    items = _items(order_id)
    total = sum(item["price_cents"] * item["quantity"] for item in items)
    return {
        "id": order_id,
        "customer": {"id": f"c-{order_id % 90}", "name": f"Customer {order_id % 90}", "city": "Utrecht"},
        "items": items,
        "total_cents": total,
    }


def orders(limit: int) -> list[dict[str, Any]]:
    """The current list: short rows."""
    return [
        {"id": full["id"], "customer": full["customer"]["id"], "total_cents": full["total_cents"]}
        for full in (order(n) for n in range(min(limit, ORDERS)))
    ]


def orders_in_full() -> list[dict[str, Any]]:
    """The list as version 1 has it: everything of every order, which is why there is a version 2."""
    return [order(n) for n in range(ORDERS)]


def create(customer: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Price a new order."""
    prices = {product["sku"]: product["price_cents"] for product in PRODUCTS}
    try:
        total = sum(prices[item["sku"]] * int(item["quantity"]) for item in items)
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(f"unknown item: {error}") from error
    return {"customer": customer, "items": len(items), "total_cents": total}


def import_orders(body: bytes) -> dict[str, Any]:
    """Read an upload of `id,customer,total_cents` lines, all of it at once."""
    try:
        rows = list(csv.DictReader(io.StringIO(body.decode())))
        by_customer: dict[str, int] = {}
        for row in rows:
            by_customer[row["customer"]] = by_customer.get(row["customer"], 0) + int(row["total_cents"])
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(f"not a list of orders: {error}") from error
    return {"imported": len(rows), "customers": len(by_customer)}


def export_orders() -> Iterator[bytes]:
    """All orders as CSV, a piece at a time."""
    lines = ["id,customer,total_cents\n"]
    for number in range(EXPORTED):
        lines.append(f"{number},c-{number % 90},{1000 + number}\n")
        if len(lines) == 500:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def report(year: int) -> dict[str, Any]:
    """A year's figures, computed from a table that is built in memory for it."""
    table = [[(day * 31 + hour * 7 + year) % 997 for hour in range(24)] for day in range(5_000)]
    by_hour = [sum(row[hour] for row in table) for hour in range(24)]
    return {"year": year, "days": len(table), "by_hour": by_hour, "best_hour": by_hour.index(max(by_hour))}


def recommendations(customer_id: int) -> dict[str, Any]:
    """What a customer may want next."""
    chosen = [PRODUCTS[(customer_id + n * n) % len(PRODUCTS)]["sku"] for n in range(5)]
    _audit.append({"customer": customer_id, "chosen": chosen, "features": bytearray(16 * 1024)})
    return {"customer": customer_id, "products": chosen}
