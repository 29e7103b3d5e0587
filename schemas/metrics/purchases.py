"""Purchases: what an order is worth, how often people buy, and whether they come back for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.facts import with_person
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
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


def local_day(time: str) -> str:
    """The day in the zone of the question that an instant (ms) lies in."""
    return f"toDate(fromUnixTimestamp64Milli({time}, 'UTC'), {{tz:String}})"


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


_WHO_BUYS = "multiIf(bot != '', 'bot', is_cancelled, 'cancelled', actor_ = '', 'no_actor', '')"
_WHO_BUYS_OR_CANCELS = "multiIf(bot != '', 'bot', actor_ = '', 'no_actor', '')"
_OWN_EVENTS = """SELECT * FROM events WHERE tenant = {tenant:String} AND time >= $start AND time < $until
      AND person_class AND NOT bot AND actor != ''"""
ACTIVE_CUSTOMERS = f"""
    SELECT toString(event_id) AS id, toUnixTimestamp64Milli(time) AS entered, [event_id] AS event_ids, actor,
      toString(country) AS country, toString(channel) AS channel, toString(device) AS device
    FROM ({with_person(_OWN_EVENTS)})
    WHERE person IN (SELECT person FROM standing_orders WHERE completed_at < {{until:Int64}})"""
"""What people did themselves in the window who have bought before its end, copy by copy."""


def _frequency(parameters: Mapping[str, Any], *, active: bool = False) -> str:
    reason = _WHO_BUYS if parameters["cancelled"] == "exclude" else _WHO_BUYS_OR_CANCELS
    thing = f"toString({local_day('completed_at')})" if parameters["same_day"] == "collapse" else "id"
    orders = f"""
    SELECT id, completed_at AS entered, event_ids, {ORDER_DIMENSIONS}, {reason} AS reason, {thing} AS thing
    FROM orders_at WHERE completed_at < {{until:Int64}}"""
    return f"{orders} UNION ALL SELECT *, '' AS reason, '' AS thing FROM ({ACTIVE_CUSTOMERS})" if active else orders


PURCHASE_FREQUENCY = Metric(
    name="purchase_frequency",
    title="Purchase frequency",
    meaning="How many orders a customer placed on average, over those who placed any in the window.",
    formula="orders / distinct customers who ordered",
    unit="orders per customer",
    direction="higher_is_better",
    shape=Shape.PER_PERSON,
    attribution="completion",
    units=_frequency,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        Parameter("cancelled", Kind.CHOICE, "exclude", "Whether cancelled orders count.", ("exclude", "include")),
        Parameter("same_day", Kind.CHOICE, "count", "Orders of one local day: each, or one.", ("count", "collapse")),
    ),
    variants=(
        Variant(
            "active",
            "Per customer who was there in the window, whether they bought in it or not: who never bought is none.",
            {
                "formula": "orders / customers who did something or ordered",
                "units": lambda parameters: _frequency(parameters, active=True),
            },
        ),
    ),
    excluded=("bot", "cancelled", "no_actor"),
    options={"entity": "person", "people": True},
    edges=(
        "An order is counted at its first completion; what was given back stays a purchase.",
        "A customer counts under the country, channel and device of each order: segments do not add up to the total.",
    ),
    example=Example(
        events=(
            _order("o1", "18T10:00:00", "u1"),
            _order("o2", "18T11:00:00", "u1"),
            _order("o3", "18T12:00:00", "u2"),
            _order("o4", "18T13:00:00", "u3"),
            _order("x4", "18T14:00:00", "u3", "Order Cancelled", order_id="o4"),
        ),
        query=_DAY,
        expected={"value": 1.5, "numerator": 3, "denominator": 2, "n": 2, "excluded": {"cancelled": 1}},
    ),
)
