"""Abandonment of carts and of checkouts: two rates with two denominators, by the cohort of what was begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events.in_sql import told
from schemas.facts import copies_apart
from schemas.metrics.metric import Band, Example, Kind, Metric, Moment, Parameter, Shape, Variant
from schemas.metrics.units import ENTITY_DIMENSIONS
from schemas.tables import QUANTITY_SCALE

ASYNCHRONOUS_METHODS = (
    "bank_transfer",
    "boleto",
    "cash_on_delivery",
    "check",
    "invoice",
    "klarna_pay_later",
    "konbini",
    "multibanco",
    "oxxo",
    "pix",
    "sepa",
    "sepa_debit",
)
"""Payment methods whose money arrives days later (docs/definitions.md#checkouts)."""

_DIMENSIONS = "{0}actor_ AS actor, {0}country_ AS country, {0}channel_ AS channel, {0}device_ AS device"
_NO_OUTCOME = "toInt64(0) AS outcome_at, '' AS outcome_id"


def nameless(event: str, keys: tuple[str, ...], reason: str) -> str:
    """Events that begin something but say of no id what."""
    columns = ("actor", "country", "channel", "device", "properties", "session_id")
    absent = "".join(f" AND {told(key, event, column='own_properties')} = ''" for key in keys)
    return f"""
    SELECT toString(event_id) AS id, own_actor AS actor, own_country AS country, own_channel AS channel,
      own_device AS device, entered, toInt64(0) AS h, {_NO_OUTCOME}, '{reason}' AS reason, [event_id] AS event_ids
    FROM ({copies_apart(columns, f"AND name = '{event}'")})
    WHERE own_session_id = ''{absent}"""


def first_orders(orders: str, void: str = "0") -> str:
    """Entity to its first order that is not `void`; orders without an entity stand under a key of their own."""
    return f"""(SELECT if(entity_id = '', concat('order ', id), entity_id) AS owner,
        minIf((completed_at, id), NOT ({void})) AS first_order,
        any(entity_id) = '' AND any(bot) = '' AND ordered_at < {{until:Int64}} AS is_cartless,
        any(id) AS order_id, min(completed_at) AS ordered_at, any(event_ids) AS order_events, any(actor_) AS actor_,
        any(country_) AS country_, any(channel_) AS channel_, any(device_) AS device_
      FROM {orders} GROUP BY owner)"""


def _cart_units(parameters: Mapping[str, Any]) -> str:
    by_session = parameters["entity"] == "session"
    orders = "session_cart_orders" if by_session else "cart_orders"
    either = ", ".join(
        f"if(is_cart, c.{name}_, o.{name}_) AS {name}" for name in ("actor", "country", "channel", "device")
    )
    return f"""
    SELECT c.id != '' AS is_cart, if(is_cart, c.id, o.order_id) AS id, {either},
      if(is_cart, c.created_at, o.ordered_at) AS entered, {{horizon:Int64}} AS h,
      if(is_cart, tupleElement(o.first_order, 1), 0) AS outcome_at,
      if(is_cart, tupleElement(o.first_order, 2), '') AS outcome_id,
      least({{at:Int64}}, entered + h) AS cut,
      is_cart AND c.added > 0 AND c.removed >= c.added AND NOT (outcome_at > 0 AND outcome_at < cut) AS is_emptied,
      multiIf(NOT is_cart, 'cartless_orders', c.bot != '', 'bot',
              is_emptied AND {{emptied:String}} = 'excluded', 'emptied', '') AS reason,
      if(is_cart, arrayMap(x -> x.3, c.changes_), o.order_events) AS event_ids,
      reason = '' AND outcome_at = 0
        AND arrayMax(x -> x.1, c.changes_) + {{inactivity:Int64}} <= {{at:Int64}} AS abandoned_now,
      reason = '' AND outcome_at > 0 AND outcome_at < entered + {{recovery:Int64}}
        AND arrayExists(x -> x.1 < outcome_at, c.changes_)
        AND outcome_at - arrayMax(x -> if(x.1 < outcome_at, x.1, 0), c.changes_) > {{inactivity:Int64}} AS recovered,
      reason IN ('', 'emptied') AND is_emptied AS emptied,
      if(is_cart, arrayMax(x -> if(outcome_at = 0 OR x.1 < outcome_at, x.1, 0), c.changes_), 0) AS last_at
    FROM (
      SELECT *,
        arrayMap(x -> x.5, arrayFilter(x -> x.1 < least({{at:Int64}}, created_at + {{horizon:Int64}}), changes_))
          AS steps,
        arraySum(x -> greatest(x, 0), steps) AS added, arraySum(x -> greatest(-x, 0), steps) AS removed
      FROM carts_at WHERE created_at >= {{start:Int64}} AND created_at < {{until:Int64}}) AS c
    FULL OUTER JOIN {first_orders(orders)} AS o ON o.owner = c.id
    WHERE c.id != '' OR o.is_cartless
    UNION ALL
    SELECT 0 AS is_cart, id, actor, country, channel, device, entered, h, outcome_at, outcome_id, toInt64(0) AS cut,
      0 AS is_emptied, reason, event_ids, 0 AS abandoned_now, 0 AS recovered, 0 AS emptied,
      toInt64(0) AS last_at
    FROM ({nameless("product_added", () if by_session else ("cart_id",), "no_cart_id")})"""


_CHECKOUT_UNITS = f"""
    SELECT c.id AS id, {_DIMENSIONS.format("c.")}, c.created_at AS entered,
      if(replaceAll(lower(c.payment_method_), ' ', '_') IN {ASYNCHRONOUS_METHODS!r}, {{horizon_async:Int64}},
         {{horizon:Int64}}) AS h,
      tupleElement(o.first_order, 1) AS outcome_at, tupleElement(o.first_order, 2) AS outcome_id,
      if(c.bot != '', 'bot', '') AS reason, c.event_ids AS event_ids
    FROM (SELECT * FROM checkouts_at WHERE created_at >= {{start:Int64}} AND created_at < {{until:Int64}}) AS c
    LEFT JOIN {first_orders("checkout_orders")} AS o ON o.owner = c.id
    UNION ALL
    SELECT id, actor, country, channel, device, entered, h, outcome_at, outcome_id, reason, event_ids
    FROM ({nameless("checkout_started", ("checkout_id", "order_id", "cart_id"), "no_checkout_id")})"""


_WITHOUT_ID = f"""
    SELECT id, actor, country, channel, device, entered, reason, event_ids, 0 AS above, 0 AS below
    FROM ({nameless("product_added", ("cart_id",), "no_cart_id")})"""
_ITEMS = f"""
    SELECT c.id AS id, {_DIMENSIONS.format("c.")}, c.created_at AS entered, if(c.bot != '', 'bot', '') AS reason,
      arrayMap(x -> x.3, c.changes_) AS event_ids,
      if(o.first_order.1 > 0 AND o.first_order.1 < entered + {{horizon:Int64}}, least(c.added, c.removed), c.added)
        AS above, c.added AS below
    FROM (
      SELECT *,
        arrayMap(x -> x.5, arrayFilter(x -> x.1 < least({{at:Int64}}, created_at + {{horizon:Int64}}), changes_))
          AS steps,
        arraySum(x -> greatest(x, 0), steps) AS added, arraySum(x -> greatest(-x, 0), steps) AS removed
      FROM carts_at WHERE created_at >= {{start:Int64}} AND created_at < {{until:Int64}}) AS c
    LEFT JOIN {first_orders("cart_orders")} AS o ON o.owner = c.id
    UNION ALL {_WITHOUT_ID}"""
_CARTS_LESS_ORDERS = f"""
    SELECT id, {_DIMENSIONS.format("")}, created_at AS entered, if(bot != '', 'bot', '') AS reason,
      arrayMap(x -> x.3, changes_) AS event_ids, toInt64(1) AS above, toInt64(1) AS below
    FROM carts_at WHERE created_at >= {{start:Int64}} AND created_at < {{until:Int64}}
    UNION ALL
    SELECT id, {_DIMENSIONS.format("")}, completed_at AS entered, if(bot != '', 'bot', '') AS reason,
      event_ids, toInt64(-1) AS above, toInt64(0) AS below
    FROM orders_at WHERE completed_at >= {{start:Int64}} AND completed_at < {{until:Int64}}
    UNION ALL {_WITHOUT_ID}"""
_OPENED = Moment("cart opened", "if(reason != 'no_cart_id' AND above >= 0, entered, 0)")
_OF_CARTS: Mapping[str, Any] = {
    "shape": Shape.RATIO,
    "horizon": None,
    "excluded": ("bot", "no_cart_id"),
    "details": (),
}


def _event(message_id: str, name: str, time: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-18T{time}Z",
        "userId": "u-" + message_id,
        "properties": properties,
    }


_QUERY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-22T12:00:00Z"}

CART_ABANDONMENT_RATE = Metric(
    name="cart_abandonment_rate",
    title="Cart abandonment rate",
    meaning="Of the carts created in the window, the share that no order followed within the horizon. While some are "
    "younger than the horizon, the headline is the Kaplan–Meier estimate of what the share will be.",
    formula="carts without an order within horizon / carts created",
    unit="ratio",
    direction="lower_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=_cart_units,
    segments=ENTITY_DIMENSIONS,
    horizon="horizon",
    parameters=(
        Parameter(
            "entity",
            Kind.CHOICE,
            "cart",
            "What is counted: carts, or sessions with adds.",
            ("cart", "session"),
            definitions=("default",),
        ),
        Parameter(
            "horizon",
            Kind.DURATION,
            "PT24H",
            "How long an order may take to count.",
            least=1,
            definitions=("default", "items", "articles"),
        ),
        Parameter(
            "inactivity",
            Kind.DURATION,
            "PT1H",
            "Quiet time after which a cart is abandoned (details).",
            definitions=("default",),
        ),
        Parameter(
            "recovery",
            Kind.DURATION,
            "P30D",
            "How late an order still recovers a cart (details).",
            definitions=("default",),
        ),
        Parameter(
            "emptied",
            Kind.CHOICE,
            "abandoned",
            "Carts emptied by hand: counted as abandoned, or left out.",
            ("abandoned", "excluded"),
            definitions=("default",),
        ),
    ),
    variants=(
        Variant(
            "items",
            "Per item: of the quantities put into the carts of the window, what was not bought within the horizon: all "
            "of a cart that nobody ordered, else what was taken out again.",
            {
                **_OF_CARTS,
                "formula": "quantity not bought within horizon / quantity added",
                "units": _ITEMS,
                "moments": (_OPENED,),
                "horizon": "horizon",
                "options": {"entity": "cart", "scales": (QUANTITY_SCALE, QUANTITY_SCALE)},
            },
        ),
        Variant(
            "completion",
            "What is left of 1 without the orders of the window per cart of the window, whichever carts they came "
            "from: falls below 0 where more is ordered than begun.",
            {
                **_OF_CARTS,
                "formula": "1 - orders / carts created",
                "units": _CARTS_LESS_ORDERS,
                "moments": (_OPENED, Moment("order", "if(above < 0, entered, 0)")),
                "options": {"entity": "cart"},
            },
        ),
        Variant(
            "articles",
            "What some articles call so: of the checkouts begun in the window, the share that no order followed within "
            "the horizon.",
            {
                "formula": "checkouts without an order within horizon / checkouts begun",
                "units": _CHECKOUT_UNITS.replace("{horizon_async:Int64}", "{horizon:Int64}"),
                "excluded": ("bot", "no_checkout_id"),
                "details": (),
                "options": {"entity": "checkout", "outcome": "absence", "outcome_label": "order"},
            },
        ),
    ),
    excluded=("bot", "cartless_orders", "emptied", "no_cart_id"),
    details=("abandoned_now", "recovered", "emptied"),
    moments=(
        Moment("cart opened", "if(is_cart, entered, 0)"),
        Moment("last activity", "last_at"),
        Moment(
            "timed out",
            "if(last_at > 0 AND last_at + {inactivity:Int64} <= if(outcome_at > 0, outcome_at, {at:Int64}), "
            "last_at + {inactivity:Int64}, 0)",
        ),
        Moment("order", "if(is_cart, outcome_at, 0)"),
    ),
    clustered=True,
    options={"entity": "cart", "outcome": "absence", "outcome_label": "order"},
    bands=(Band("average or better", 0.7019, "Baymard Institute: 70.19 % on average of the published studies"),),
    edges=(
        "An order finds its cart by cart id, checkout id, session, then person; an id settles it.",
        "An order without a cart is out of both sides, counted under cartless_orders.",
        "Refunds do not un-convert.",
    ),
    otherwise="Often checkout abandonment is printed under this name, which has another denominator; 1 - "
    "orders/carts of the same day can even be negative; and the last hours look abandoned because nobody "
    "has had the time to buy. Shops also choose another quiet time after which a cart counts as "
    "abandoned.",
    example=Example(
        events=(
            _event("c1", "Product Added", "09:00:00", cart_id="c1", product_id="p1"),
            _event("c2", "Product Added", "09:00:00", cart_id="c2", product_id="p1"),
            _event("o1", "Order Completed", "10:00:00", cart_id="c1", order_id="o1", total=5),
        ),
        query=_QUERY,
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "maturity": 1.0},
    ),
)

CHECKOUT_ABANDONMENT_RATE = Metric(
    name="checkout_abandonment_rate",
    title="Checkout abandonment rate",
    meaning="Of the checkouts begun in the window, the share that no order followed within the horizon; methods whose "
    "money arrives later have a longer one.",
    formula="checkouts without an order within horizon / checkouts begun",
    unit="ratio",
    direction="lower_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=_CHECKOUT_UNITS,
    segments=ENTITY_DIMENSIONS,
    horizon="horizon",
    parameters=(
        Parameter("horizon", Kind.DURATION, "PT1H", "How long an order may take to count.", least=1),
        Parameter("horizon_async", Kind.DURATION, "PT72H", "The same for asynchronous payment methods.", least=1),
    ),
    excluded=("bot", "no_checkout_id"),
    clustered=True,
    options={
        "entity": "checkout",
        "outcome": "absence",
        "outcome_label": "order",
        "horizons": ("horizon", "horizon_async"),
    },
    edges=(
        "Several begins of one cart are one checkout unless they carry different checkout ids.",
        "An order never finds its checkout by person.",
        "Payment failed and tried again within the horizon is a success.",
    ),
    otherwise="An article may call this cart abandonment; that one starts at the first product and is higher. Tools "
    "that start at the payment page, or count a failed payment that is tried again, have other numbers.",
    example=Example(
        events=(
            _event("k1", "Checkout Started", "09:00:00", checkout_id="k1"),
            _event("k2", "Checkout Started", "09:00:00", checkout_id="k2"),
            _event("o2", "Order Completed", "09:10:00", checkout_id="k1", order_id="o2", total=5),
        ),
        query=_QUERY,
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "maturity": 1.0},
    ),
)
