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
    otherwise="A shop's list of orders counts by creation, payment or shipping, and some leave cancelled orders "
    "out; here an order counts once, at its first completion, and cancelled ones are listed beside it.",
    example=Example(events=_SHOP, query=_DAY, expected={"value": 2, "n": 2}),
)

_CENTS = 10 ** (STORED_DIGITS - USUAL_DIGITS)
MINOR = "intDiv(greatest({0}, 0) + intDiv(scale, 2), scale)"

_BY_TIME = "arraySort(x -> (x.1, x.2, UUIDToNum(x.3)), {0})"
_CURRENCY_OF = canonical("arrayFilter(x -> x.5 = '{0}', currencies_)")

ORDER_MONEY = f"""{_BY_TIME.format(canonical("amounts_"))} AS priced_, priced_[-1] AS latest,
      {_BY_TIME.format(_CURRENCY_OF.replace("{0}", "order"))}[-1].6 AS own_currency_,
      multiIf(own_currency_ != '', own_currency_, arrayExists(x -> x.6 != '', priced_),
              arrayLast(x -> x.6 != '', priced_).6, {{tenant_currency:String}}) AS currency,
      transform(currency, {{scaled_currencies:Array(String)}}, {{scales:Array(Int64)}}, toInt64({_CENTS})) AS scale,
      arrayMap(x -> x.3, arrayFilter(x -> x.6 != currency, {_CURRENCY_OF.replace("{0}", "refund")})) AS other_money_,
      arrayFilter(x -> NOT has(other_money_, x.3), {canonical("refunds_")}) AS back_,
      arrayExists(x -> has(other_money_, x.3), refunds_) AS has_refund_aside,
      arraySum(x -> {MINOR.format("x.5")}, back_) AS refunded,
      greatest({MINOR.format("latest.5")}, 0) AS gross, if(is_void, 0, greatest(gross - refunded, 0)) AS net"""
"""Of `orders_at`: what an order was worth, in minor units of its currency: the latest of all that were told, as its
amount is. What was given back in another currency is set aside."""

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
      bot = '' AND is_cancelled AS cancelled, bot = '' AND has_refund_aside AS refund_currency
    FROM orders_at WHERE completed_at < {{until:Int64}}""",
    segments=ENTITY_DIMENSIONS,
    parameters=(Parameter("currency", Kind.CURRENCY, None, "Only orders in this currency; default the tenant's."),),
    excluded=("bot", "cancelled", "refund_currency"),
    options={"entity": "order", "also_excluded": ("cancelled", "refund_currency")},
    edges=(
        "Amount and currency are the latest told of each: an update that tells no currency leaves it as it was.",
        "A refund in another currency than the order's is set aside, never converted.",
        "Cancelled, then completed again: it stands.",
        "Amounts are rounded half up to minor units before they are added.",
        "A refund without an amount, or a cancellation, takes the whole order.",
        "Other currencies are listed, never converted.",
    ),
    otherwise="Accounting books a refund when it is paid out; here it lowers the order's own window, so that a past "
    "month can still change. Reports that convert currencies have another total, and gross ones a higher.",
    example=Example(events=_SHOP, query=_DAY, expected={"value": 45.01, "n": 2, "currency": "EUR"}),
)
