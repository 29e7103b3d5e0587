"""Orders and revenue: counted and booked at the time of the order, restated by refunds and cancellations."""

from __future__ import annotations

from schemas.currencies import STORED_DIGITS, USUAL_DIGITS
from schemas.facts import canonical
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS

ORDER_DIMENSIONS = "actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device"
_SHOP = (
    {
        "messageId": "o1",
        "event": "Order Completed",
        "timestamp": "2026-11-18T10:00:00Z",
        "userId": "u1",
        "properties": {"order_id": "o1", "total": 30.005, "currency": "EUR"},
    },
    {
        "messageId": "o2",
        "event": "Order Completed",
        "timestamp": "2026-11-18T11:00:00Z",
        "userId": "u2",
        "properties": {"order_id": "o2", "total": 20, "currency": "EUR"},
    },
    {
        "messageId": "o3",
        "event": "Order Refunded",
        "timestamp": "2026-11-19T11:00:00Z",
        "userId": "u2",
        "properties": {"order_id": "o2", "total": 5, "currency": "EUR"},
    },
)
_DAY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"}

ORDERS = Metric(
    name="orders",
    title="Orders",
    meaning="How many orders were completed. One that is cancelled later stays an order and is also shown apart.",
    formula="distinct orders by their first completion",
    unit="orders",
    direction="higher_is_better",
    shape=Shape.COUNT,
    attribution="completion",
    by_entry=True,
    units=f"""
    SELECT id, completed_at AS entered, multiIf(bot != '', 'bot', '') AS reason, event_ids, {ORDER_DIMENSIONS},
      bot = '' AND is_cancelled AS cancelled
    FROM orders_at WHERE completed_at < {{until:Int64}}""",
    segments=ENTITY_DIMENSIONS,
    excluded=("bot", "cancelled"),
    options={"entity": "order", "also_excluded": ("cancelled",)},
    edges=("Completed twice: one order, at its first time.", "Cancelled: still counted, listed under excluded."),
    example=Example(events=_SHOP, query=_DAY, expected={"value": 2, "n": 2}),
)

_CENTS = 10 ** (STORED_DIGITS - USUAL_DIGITS)
MINOR = "intDiv(greatest({0}, 0) + intDiv(scale, 2), scale)"

ORDER_MONEY = f"""arraySort(x -> (x.1, x.2, UUIDToNum(x.3)), {canonical("amounts_")})[-1] AS latest,
      if(latest.6 = '', {{tenant_currency:String}}, latest.6) AS currency,
      transform(currency, {{scaled_currencies:Array(String)}}, {{scales:Array(Int64)}}, toInt64({_CENTS})) AS scale,
      arraySum(x -> {MINOR.format("x.5")}, {canonical("refunds_")}) AS refunded,
      greatest({MINOR.format("latest.5")}, 0) AS gross, if(is_void, 0, greatest(gross - refunded, 0)) AS net"""
"""Of `orders_at`: what an order was worth, in minor units of its currency."""

REVENUE = Metric(
    name="revenue",
    title="Revenue",
    meaning="What orders brought in, net of refunds and cancellations known by now, at the time of the order.",
    formula="sum of (latest amount - refunds, at least 0) over orders in the currency",
    unit="currency",
    direction="higher_is_better",
    shape=Shape.MONEY,
    attribution="completion",
    by_entry=True,
    units=f"""
    SELECT id, completed_at AS entered, multiIf(bot != '', 'bot', '') AS reason, event_ids, {ORDER_DIMENSIONS},
      {ORDER_MONEY}, net AS amount,
      bot = '' AND is_cancelled AS cancelled
    FROM orders_at WHERE completed_at < {{until:Int64}}""",
    segments=ENTITY_DIMENSIONS,
    parameters=(Parameter("currency", Kind.CURRENCY, None, "Only orders in this currency; default the tenant's."),),
    excluded=("bot", "cancelled"),
    options={"entity": "order", "also_excluded": ("cancelled",)},
    edges=(
        "Amounts are rounded half up to minor units before they are added.",
        "A refund without an amount, or a cancellation, takes the whole order.",
        "Other currencies are listed, never converted.",
    ),
    example=Example(events=_SHOP, query=_DAY, expected={"value": 45.01, "n": 2, "currency": "EUR"}),
)
