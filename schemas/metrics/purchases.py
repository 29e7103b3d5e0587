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
    return f"toDate32(fromUnixTimestamp64Milli({time}, 'UTC'), {{tz:String}})"


_DAY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"}


def _values(parameters: Mapping[str, Any]) -> str:
    return f"""
    SELECT id, completed_at AS entered, event_ids, {ORDER_DIMENSIONS}, {ORDER_MONEY},
      {parameters["amount"]} AS amount,
      multiIf(bot != '', 'bot', is_cancelled, 'cancelled', latest.1 = 0, 'no_amount', '') AS reason,
      reason = '' AND {int(parameters["amount"] == "net")} AND has_refund_aside AS refund_currency
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
    by_entry=True,
    units=_values,
    segments=ENTITY_DIMENSIONS,
    statistics=("mean", "median", "p90"),
    parameters=(
        Parameter("currency", Kind.CURRENCY, None, "Only orders in this currency; default the tenant's."),
        Parameter("amount", Kind.CHOICE, "net", "After refunds, or before them.", ("net", "gross")),
    ),
    excluded=("bot", "cancelled", "no_amount", "refund_currency"),
    options={"entity": "order", "also_excluded": ("refund_currency",)},
    edges=(
        "A refund in another currency than the order's is set aside, never converted.",
        "Amounts are rounded half up to minor units before they are added.",
        "A refund without an amount takes the whole order, which stays an order.",
        "Other currencies are listed with their own averages, never converted.",
    ),
    otherwise="Articles divide revenue by orders without saying whether refunds are in it; here it is net unless "
    "amount=gross says otherwise, and the median stands beside a mean that a few large orders pull up.",
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
OWN_EVENTS = """
    SELECT toString(event_id) AS id, toUnixTimestamp64Milli(time) AS entered, [event_id] AS event_ids, actor,
      toString(country) AS country, toString(channel) AS channel, toString(device) AS device
    FROM events WHERE tenant = {tenant:String} AND time >= $start AND time < $until
      AND person_class AND NOT bot AND actor != ''"""
"""What people did themselves in the window, copy by copy."""
_ACTIVE_CUSTOMERS = f"""
    SELECT * EXCEPT (person) FROM ({with_person(OWN_EVENTS)})
    WHERE person IN (SELECT person FROM standing_orders WHERE completed_at < {{until:Int64}})"""


def _frequency(parameters: Mapping[str, Any], *, active: bool = False) -> str:
    reason = _WHO_BUYS if parameters["cancelled"] == "exclude" else _WHO_BUYS_OR_CANCELS
    thing = f"toString({local_day('completed_at')})" if parameters["same_day"] == "collapse" else "id"
    orders = f"""
    SELECT id, completed_at AS entered, event_ids, {ORDER_DIMENSIONS}, {reason} AS reason, {thing} AS thing
    FROM orders_at WHERE completed_at < {{until:Int64}}"""
    return f"{orders} UNION ALL SELECT *, '' AS reason, '' AS thing FROM ({_ACTIVE_CUSTOMERS})" if active else orders


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
    otherwise="Articles divide orders by all customers in the database, most of whom bought nothing in the window; "
    "here by those who bought. Per active customer it is definition=active.",
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


_LEFT_OUT = f"""
    SELECT id, completed_at AS entered, event_ids, {ORDER_DIMENSIONS}, {_WHO_BUYS} AS reason
    FROM orders_at WHERE completed_at < {{until:Int64}}"""
_FIRST = ("event_ids", "actor", "country", "channel", "device")
_KNOWN_AT_ONCE = "toInt64(0) AS outcome_at, '' AS outcome_id, toInt64(0) AS h"


def _repetition(parameters: Mapping[str, Any]) -> str:
    later = f"{local_day('x.1')} > {local_day('entered')}" if parameters["same_day"] == "collapse" else "1"
    dimensions = ", ".join(f"first.{place} AS {name}" for place, name in enumerate(_FIRST, 3))
    return f"""
    SELECT first.2 AS id, first.1 AS entered, {dimensions}, '' AS reason, {{horizon:Int64}} AS h,
      arrayFirst((x, i) -> i > 1 AND {later}, bought, arrayEnumerate(bought)) AS again,
      again.1 AS outcome_at, again.2 AS outcome_id
    FROM (
      SELECT min((completed_at, id, event_ids, actor_, country_, channel_, device_)) AS first,
        arraySort(groupArray((completed_at, id))) AS bought
      FROM standing_orders GROUP BY person
      HAVING first.1 >= {{start:Int64}} AND first.1 < {{until:Int64}})
    UNION ALL
    SELECT id, entered, {", ".join(_FIRST)}, reason, {{horizon:Int64}} AS h, (toInt64(0), '') AS again,
      toInt64(0) AS outcome_at, '' AS outcome_id
    FROM ({_LEFT_OUT}) WHERE reason != ''"""


def _buyers(hit: str) -> str:
    """Who bought in the window by the selected orders, and whether `hit`."""
    columns = ", ".join(f"argMin({name}, (entered, id)) AS first_{name}" for name in _FIRST)
    return f"""
    SELECT first.2 AS id, first.1 AS entered, {", ".join(f"first_{name} AS {name}" for name in _FIRST)}, '' AS reason,
      {_KNOWN_AT_ONCE}, {hit} AS hit, person $traits
    FROM (SELECT person $traits, min((entered, id)) AS first, {columns}, uniqExact(thing) AS things
          FROM selected_rows WHERE reason = '' GROUP BY person $traits)
    UNION ALL
    SELECT id, entered, {", ".join(_FIRST)}, reason, {_KNOWN_AT_ONCE}, 0 AS hit, person $traits
    FROM selected_rows WHERE reason != ''"""


def _window_orders(parameters: Mapping[str, Any]) -> str:
    thing = f"toString({local_day('entered')})" if parameters.get("same_day") == "collapse" else "id"
    return f"SELECT *, {thing} AS thing FROM ({_LEFT_OUT})"


_OF_THE_WINDOW: Mapping[str, Any] = {
    "attribution": "completion",
    "by_entry": False,
    "selects": _window_orders,
    "horizon": None,
    "options": {"entity": "person", "outcome": "mark"},
}

REPEAT_PURCHASE_RATE = Metric(
    name="repeat_purchase_rate",
    title="Repeat purchase rate",
    meaning="Of the customers whose first order fell in the window, the share that ordered again within the horizon.",
    formula="customers with another order within horizon / customers with their first order",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=_repetition,
    segments=ENTITY_DIMENSIONS,
    horizon="horizon",
    parameters=(
        Parameter(
            "horizon", Kind.DURATION, "P90D", "How soon the next order counts.", least=1, definitions=("default",)
        ),
        Parameter(
            "same_day",
            Kind.CHOICE,
            "count",
            "Whether another order on the local day of the first one counts, or only one on a later day.",
            ("count", "collapse"),
            definitions=("default", "window"),
        ),
    ),
    variants=(
        Variant(
            "window",
            "Of the customers who ordered in the window, the share with two orders (or days of orders) in it.",
            {
                "formula": "customers with two orders in the window / customers who ordered in it",
                "units": _buyers("things > 1"),
                **_OF_THE_WINDOW,
            },
        ),
        Variant(
            "returning",
            "Of the customers who ordered in the window, the share that had ordered before it.",
            {
                "formula": "customers who had ordered before / customers who ordered in the window",
                "units": _buyers("person IN (SELECT person FROM standing_orders WHERE completed_at < {start:Int64})"),
                **_OF_THE_WINDOW,
            },
        ),
    ),
    excluded=("bot", "cancelled", "no_actor"),
    options={"entity": "person", "outcome": "presence", "outcome_label": "order"},
    edges=(
        "A cancelled order is none: the next one is then the first. What was given back stays a purchase.",
        "Two orders within the horizon are both needed: a window younger than it is estimated by Kaplan–Meier.",
    ),
    otherwise="The usual formula, customers with two orders in a period by all customers in it, depends on where "
    "the period is cut and misses people who have not had the time yet: it is definition=window. Here each "
    "customer gets the same time.",
    example=Example(
        events=(
            _order("o1", "01T10:00:00", "u1"),
            _order("o2", "09T11:00:00", "u1"),
            _order("o3", "01T12:00:00", "u2"),
        ),
        query={"from": "2026-11-01", "to": "2026-11-02", "at": "2026-11-20T00:00:00Z", "horizon": "P10D"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "maturity": 1.0},
    ),
)
