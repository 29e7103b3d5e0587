"""Conversion: who came, or filled a cart, and did within a horizon what was hoped for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events.in_sql import told
from schemas.facts import copies_apart, with_person
from schemas.metrics.abandonment import first_orders, nameless
from schemas.metrics.events import SESSION_GAP_MS
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import ENTITY_DIMENSIONS

_IN_WINDOW = "{0} >= {{start:Int64}} AND {0} < {{until:Int64}}"
VOID = """{void_window:Int64} > 0 AND cancelled_at < {at:Int64}
        AND cancelled_at < completed_at + {void_window:Int64}"""
"""An order that was cancelled so soon that it is no conversion."""
_VALID = f"SELECT *, actor_ AS actor FROM orders_at WHERE bot = '' AND actor_ != '' AND NOT ({VOID})"
SALES = f"SELECT person AS whose, completed_at AS reached_at, id AS goal_id FROM ({with_person(_VALID)})"
"""Orders by the person who placed them."""


def _goals(names: tuple[str, ...]) -> str:
    """Person, time and id of what was hoped for: orders, and events of other names."""
    found = [SALES] if "order_completed" in names else []
    if set(names) - {"order_completed"}:
        named = """AND event_id IN (SELECT event_id FROM events WHERE tenant = {tenant:String}
          AND name IN {goal:Array(String)} AND time >= $low AND time < $reach)"""
        events = copies_apart(("name", "actor", "bot"), named).replace("$until", "$reach")
        rows = f"""SELECT event_id, entered, own_actor AS actor FROM ({events})
          WHERE own_name != 'order_completed' AND own_name IN {{goal:Array(String)}}
            AND NOT own_bot AND own_actor != ''"""
        found.append(f"""
    SELECT person AS whose, entered AS reached_at, toString(event_id) AS goal_id FROM ({with_person(rows)})""")
    return " UNION ALL ".join(found)


def credited(begun: str, goals: str) -> str:
    """`begun` (one row a unit, with `person` and `next`, the entry of that person's next one or 0): each with the first
    goal of its person from its entry on, and before `next`.
    """
    return f"""
    SELECT b.*, if(b.reason = '' AND (b.next = 0 OR g.reached_at < b.next), g.reached_at, 0) AS outcome_at,
      if(outcome_at > 0, g.goal_id, '') AS outcome_id, {{horizon:Int64}} AS h
    FROM ({begun}) AS b
    ASOF LEFT JOIN (SELECT whose, reached_at, min(goal_id) AS goal_id FROM ({goals}) GROUP BY whose, reached_at) AS g
      ON b.person = g.whose AND b.entered <= g.reached_at
    WHERE {_IN_WINDOW.format("b.entered")}"""


_ROWS = "OVER (PARTITION BY bot, person ORDER BY entered, UUIDToNum(event_id) ROWS BETWEEN {0} AND {1})"
_REASON = "multiIf(bot, 'bot', actor = '', 'no_actor', '') AS reason"
_COLUMNS = f"""toString(event_id) AS id, entered, actor, {_REASON}, [event_id] AS event_ids, person, country, channel,
      device $traits"""
_VISITS = f"""
    SELECT {_COLUMNS}, leadInFrame(entered) {_ROWS.format("1 FOLLOWING", "1 FOLLOWING")} AS next
    FROM (SELECT *, lagInFrame(entered) {_ROWS.format("1 PRECEDING", "1 PRECEDING")} AS before,
            row_number() OVER (PARTITION BY bot, person ORDER BY entered, UUIDToNum(event_id)) AS place
          FROM selected_events)
    WHERE entered >= {{start:Int64}} AND (bot OR actor = '' OR place = 1 OR entered - before >= {SESSION_GAP_MS})"""
FIRST_SEEN = f"""
    SELECT {_COLUMNS}, toInt64(0) AS next
    FROM (SELECT *, row_number() OVER (PARTITION BY bot, person ORDER BY entered, UUIDToNum(event_id)) AS place
          FROM selected_events WHERE {_IN_WINDOW.format("entered")})
    WHERE bot OR actor = '' OR place = 1"""
"""People by their first selected event of the window; those of bots and of nobody one by one."""

_EITHER = ", ".join(
    f"if(is_cart, c.{name}_, o.{name}_) AS {name}" for name in ("actor", "country", "channel", "device")
)
_CHECKOUTS_TOLD = """
    SELECT id, min(change.1) AS told_at FROM carts_at ARRAY JOIN changes_ AS change
    WHERE created_at >= {start:Int64} AND created_at < {until:Int64} AND change.3 IN (
      SELECT event_id FROM events WHERE tenant = {tenant:String} AND name = 'checkout_started' AND time < $at)
    GROUP BY id"""


def _carts(stage: str) -> str:
    """The carts of the window with their first order; `reached_at`: at the checkout, told or by an order."""
    outcome = "reached_at" if stage == "cart_to_checkout" else "ordered_first"
    units = f"""
    SELECT c.id != '' AS is_cart, if(is_cart, c.id, o.order_id) AS id, {_EITHER},
      if(is_cart, c.created_at, o.ordered_at) AS entered, {{horizon:Int64}} AS h,
      if(is_cart, tupleElement(o.first_order, 1), 0) AS ordered_first,
      multiIf(c.told_at = 0, ordered_first, ordered_first = 0, c.told_at, least(c.told_at, ordered_first)) AS earliest,
      if(earliest > 0, greatest(earliest, entered), 0) AS reached_at,
      {outcome} AS outcome_at, if(is_cart, tupleElement(o.first_order, 2), '') AS outcome_id,
      outcome_at > 0 AND outcome_at - entered < h AS hit,
      multiIf(NOT is_cart, 'cartless_orders', c.bot != '', 'bot', '') AS reason,
      if(is_cart, arrayMap(x -> x.3, c.changes_), o.order_events) AS event_ids
    FROM (
      SELECT a.*, t.told_at AS told_at FROM carts_at AS a LEFT JOIN ({_CHECKOUTS_TOLD}) AS t ON t.id = a.id
      WHERE {_IN_WINDOW.format("a.created_at")}) AS c
    FULL OUTER JOIN {first_orders("cart_orders", VOID)} AS o ON o.owner = c.id
    WHERE c.id != '' OR o.is_cartless
    UNION ALL
    SELECT 0 AS is_cart, id, actor, country, channel, device, entered, {{horizon:Int64}} AS h, 0 AS ordered_first,
      0 AS earliest, 0 AS reached_at, outcome_at, outcome_id, 0 AS hit, reason, event_ids
    FROM ({nameless("product_added", ("cart_id",), "no_cart_id")})"""
    if stage == "checkout_to_order":
        return f"SELECT * FROM ({units}) WHERE reason != '' OR (reached_at > 0 AND reached_at - entered < h)"
    return units


def _cart_variant(stage: str, meaning: str, formula: str, **options: Any) -> Variant:
    return Variant(
        stage,
        meaning,
        {
            "meaning": meaning,
            "formula": formula,
            "units": _carts(stage),
            "excluded": ("bot", "cartless_orders", "no_cart_id"),
            "by_entry": stage == "cart",
            "options": {"entity": "cart", "outcome": "presence", "outcome_label": "order", **options},
        },
    )


_EVENTS = {
    "source": "events",
    "family": "visit",
    "people": True,
    "lookahead": "horizon",
    "outcome": "presence",
    "outcome_label": "goal",
}


def _event(message_id: str, name: str, time: str, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-18T{time}Z",
        "userId": user,
        "properties": properties,
    }


_QUERY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-22T12:00:00Z"}

CONVERSION_RATE = Metric(
    name="conversion_rate",
    title="Conversion rate",
    meaning="Of the visits begun in the window, the share whose person reached the goal within the horizon; a goal "
    "belongs to the latest visit begun before it.",
    formula="visits with a goal within horizon / visits",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=lambda parameters: credited(_VISITS, _goals(parameters["goal"])),
    segments=ENTITY_DIMENSIONS,
    horizon="horizon",
    parameters=(
        Parameter(
            "goal",
            Kind.NAMES,
            "order_completed",
            "The events any of which is the goal; orders count once each.",
            definitions=("default", "people"),
        ),
        Parameter("horizon", Kind.DURATION, "PT24H", "How long the goal may take to count.", least=1),
        Parameter(
            "void_window", Kind.DURATION, "PT0S", "An order cancelled within this time after it is no conversion."
        ),
    ),
    variants=(
        Variant(
            "people",
            "Of the people who came in the window, the share that reached the goal, from their first visit event on.",
            {
                "formula": "people with a goal within horizon / people who came",
                "units": lambda parameters: credited(FIRST_SEEN, _goals(parameters["goal"])),
                "clustered": False,
                "by_entry": False,
                "options": {"entity": "person", **_EVENTS},
            },
        ),
        _cart_variant(
            "cart",
            "Of the carts created in the window, the share that was ordered: emptied ones stay.",
            "carts ordered within horizon / carts created",
        ),
        _cart_variant(
            "cart_to_checkout",
            "Of the carts created in the window, the share that reached the checkout, or was ordered at once.",
            "carts at the checkout within horizon / carts created",
            outcome_label="checkout",
        ),
        _cart_variant(
            "checkout_to_order",
            "Of the carts created in the window that reached the checkout, the share that was ordered.",
            "carts ordered within horizon / carts at the checkout within horizon",
            outcome="mark",
        ),
    ),
    excluded=("bot", "cartless_orders", "no_actor", "no_cart_id"),
    clustered=True,
    options={"entity": "visit", "lookback": SESSION_GAP_MS, **_EVENTS},
    edges=(
        "A cancelled order stays a conversion, unless void_window says otherwise; a refunded one always stays.",
        "cart = cart_to_checkout x checkout_to_order, exactly.",
        "A filter selects the events of which visits are made.",
    ),
    otherwise="Analytics tools divide by sessions or by people, count every order or the first, and compare orders "
    "with visits of the same day whatever led to them; recent visits then look worse than they are. "
    "People and carts are definitions of their own.",
    example=Example(
        events=(
            _event("v1", "page", "09:00:00", "u1"),
            _event("o1", "Order Completed", "09:20:00", "u1", order_id="o1"),
            _event("v2", "page", "10:00:00", "u1"),
            _event("v3", "page", "10:00:00", "u2"),
        ),
        query=_QUERY,
        expected={"value": 1 / 3, "numerator": 1, "denominator": 3, "maturity": 1.0},
    ),
)


_TYPES = ("organic", "invited")
_SIGNING = f"""
    SELECT toString(event_id) AS signed_id, own.1 AS signed_at, own.2 AS actor, if(own.3 = '', 'organic', own.3) AS type
    FROM (
      SELECT event_id,
        argMin((toUnixTimestamp64Milli(time), actor, {told("type", "signed_up")}, bot), (time, hash)) AS own
      FROM events WHERE tenant = {{tenant:String}} AND name = 'signed_up' AND time < $at GROUP BY event_id)
    WHERE own.2 != '' AND NOT own.4"""
_SIGNED = f"""SELECT person AS whose, arraySort(groupArray((signed_at, type, signed_id))) AS signed
      FROM ({with_person(_SIGNING)}) GROUP BY whose"""
_SEEING = """
    SELECT actor, toUnixTimestamp64Milli(min(time)) AS seen_at
    FROM events
    WHERE tenant = {tenant:String} AND name IN {names:Array(String)} AND time < $at AND actor != '' AND NOT bot
    GROUP BY actor"""
_SEEN = f"SELECT person AS whose, min(seen_at) AS first_seen_at FROM ({with_person(_SEEING)}) GROUP BY whose"
"""When each person was first seen at all."""


def _sign_ups(parameters: Mapping[str, Any]) -> str:
    visitors = parameters["visitors"]
    before = "0" if visitors == "all" else "arrayExists(x -> x.1 < f.entered, s.signed)"
    is_known = "v.first_seen_at < f.entered" if visitors == "new" else "0"
    wanted = "AND x.2 = {type:String}" if parameters["type"] else ""
    return f"""
    SELECT f.* EXCEPT (reason, next),
      multiIf(f.reason != '', f.reason, {before}, 'already_signed_up', {is_known}, 'not_new', '') AS reason,
      arrayFirst(x -> x.1 >= f.entered {wanted}, s.signed) AS sign_up,
      if(f.reason = '', sign_up.1, 0) AS outcome_at, if(outcome_at > 0, sign_up.3, '') AS outcome_id,
      {{horizon:Int64}} AS h
    FROM ({FIRST_SEEN}) AS f
    LEFT JOIN ({_SIGNED}) AS s ON s.whose = f.person
    {f"LEFT JOIN ({_SEEN}) AS v ON v.whose = f.person" if visitors == "new" else ""}"""


SIGN_UP_RATE = Metric(
    name="sign_up_rate",
    title="Sign-up rate",
    meaning="Of the people who came in the window and had not signed up, the share that signed up within the horizon "
    "of their first visit event in it.",
    formula="people who signed up within horizon / people who came without an account",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    units=_sign_ups,
    segments=ENTITY_DIMENSIONS,
    horizon="horizon",
    parameters=(
        Parameter("horizon", Kind.DURATION, "PT24H", "How long a sign-up may take to count.", least=1),
        Parameter(
            "visitors",
            Kind.CHOICE,
            "unregistered",
            "Who can sign up: people who had not before, only those never seen before, or everybody.",
            ("unregistered", "new", "all"),
        ),
        Parameter("type", Kind.CHOICE, "", "Only sign-ups of this type; one that says none is organic.", ("", *_TYPES)),
    ),
    excluded=("already_signed_up", "bot", "no_actor", "not_new"),
    options={
        "entity": "person",
        "source": "events",
        "family": "visit",
        "people": True,
        "outcome": "presence",
        "outcome_label": "signed_up",
    },
    edges=(
        "An account that is created is no sign-up: somebody has to sign up.",
        "Somebody who signed up before the first visit event of the window cannot do so again.",
        "A person has the country, channel and device of that event.",
    ),
    otherwise="Dividing the sign-ups of a day by all its visitors puts those who have an account already into the "
    "denominator and lowers the rate: visitors=all gives that number.",
    example=Example(
        events=(
            _event("v1", "page", "09:00:00", "u1"),
            _event("s1", "Signed Up", "09:05:00", "u1"),
            _event("v2", "page", "10:00:00", "u2"),
            _event("s3", "Signed Up", "08:00:00", "u3"),
            _event("v3", "page", "11:00:00", "u3"),
        ),
        query=_QUERY,
        expected={
            "value": 0.5,
            "numerator": 1,
            "denominator": 2,
            "maturity": 1.0,
            "excluded": {"already_signed_up": 1},
        },
    ),
)
