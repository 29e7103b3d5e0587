"""Purchases: what an order is worth, how often people buy, and whether they come back for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape
from schemas.metrics.orders import ORDER_DIMENSIONS, ORDER_MONEY
from schemas.metrics.units import ENTITY_DIMENSIONS


def _order(
    message_id: str, time: str, user: str, name: str = "Order Completed", **properties: object
) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-{time}Z",
        "userId": user,
        "properties": {"order_id": message_id, **properties},
    }


_DAY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"}


def _values(parameters: Mapping[str, Any]) -> str:
    return f"""
    SELECT id, completed_at AS entered, event_ids, {ORDER_DIMENSIONS}, {ORDER_MONEY},
      {parameters["amount"]} AS amount,
      multiIf(bot != '', 'bot', is_cancelled, 'cancelled', latest.1 = 0, 'no_amount', '') AS reason
    FROM orders_at WHERE completed_at < {{until:Int64}}"""


AVERAGE_ORDER_VALUE = Metric(
    name="average_order_value",
    title="Average order value",
    meaning="What an order was worth on average, net of the refunds known by now, at the time of the order. Cancelled "
    "orders are none; one that was given back wholly stays, with nothing.",
    formula="sum of (latest amount - refunds, at least 0) / orders",
    unit="currency",
    direction="higher_is_better",
    shape=Shape.MONEY_AVERAGE,
    attribution="completion",
    units=_values,
    segments=ENTITY_DIMENSIONS,
    statistics=("mean", "median", "p90"),
    parameters=(
        Parameter("currency", Kind.CURRENCY, None, "Only orders in this currency; default the tenant's."),
        Parameter("amount", Kind.CHOICE, "net", "After refunds, or before them.", ("net", "gross")),
    ),
    excluded=("bot", "cancelled", "no_amount"),
    options={"entity": "order"},
    edges=(
        "Amounts are rounded half up to minor units before they are added.",
        "A refund without an amount takes the whole order, which stays an order.",
        "Other currencies are listed with their own averages, never converted.",
    ),
    example=Example(
        events=(
            _order("o1", "18T10:00:00", "u1", total=30.005, currency="EUR"),
            _order("o2", "18T11:00:00", "u2", total=20, currency="EUR"),
            _order("r2", "19T11:00:00", "u2", "Order Refunded", order_id="o2", total=5, currency="EUR"),
        ),
        query=_DAY,
        expected={
            "value": 22.505,
            "numerator": 45.01,
            "denominator": 2,
            "currency": "EUR",
        },
    ),
)
