"""Referral: which purchases somebody else brought, and how many customers bring others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.facts import with_person
from schemas.metrics.metric import Band, Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.orders import MINOR, ORDER_DIMENSIONS, ORDER_MONEY
from schemas.metrics.purchases import OWN_EVENTS
from schemas.metrics.units import ENTITY_DIMENSIONS

_SOON = "completed_at + {refund_window:Int64}"
_GIVEN_BACK = f"""{ORDER_MONEY},
      arrayFilter(x -> x.1 < {_SOON}, back_) AS soon,
      voided_at < {{at:Int64}} AND voided_at < {_SOON} AS is_undone,
      is_undone OR (notEmpty(soon) AND arraySum(x -> {MINOR.format("x.5")}, soon) >= gross) AS is_given_back"""
"""Of orders: whether all of it was given back soon enough to be no purchase."""
_STOOD = f"SELECT * FROM (SELECT id, person, completed_at, {_GIVEN_BACK} FROM orders_ever) WHERE NOT is_given_back"
_CUSTOMERS = f"SELECT DISTINCT person AS whose FROM ({_STOOD}) WHERE completed_at < {{until:Int64}}"
_CODES = "groupArrayIf((said_at, sequence, UUIDToNum(event_id), code), code != '')"
_OF_PERSON = f"""
    SELECT person AS whose, {_CODES} AS codes FROM referral_events
    WHERE kind IN ('referred', 'ordered') AND actor != '' AND NOT bot GROUP BY person"""
_OF_ORDER = f"""
    SELECT order_id AS of_order, {_CODES} AS codes,
      argMinIf(payment, (said_at, UUIDToNum(event_id)), payment != '') AS payment
    FROM referral_events WHERE kind = 'ordered' GROUP BY order_id"""
_OWNERS = """
    SELECT code AS of_code, argMin(person, (said_at, UUIDToNum(event_id))) AS owner
    FROM referral_events WHERE kind = 'invited' AND code != '' GROUP BY code"""
_INSTRUMENTS = f"""
    SELECT person AS whose, groupUniqArray(payment) AS instruments
    FROM ({
    with_person(
        '''SELECT order_id, argMinIf(payment, (said_at, UUIDToNum(event_id)), payment != '') AS payment,
        argMinIf(actor, (said_at, UUIDToNum(event_id)), actor != '') AS actor
      FROM referral_events WHERE kind = 'ordered' GROUP BY order_id'''
    )
}) WHERE payment != '' AND actor != '' GROUP BY person"""
_ORDERS = with_person(f"""
    SELECT id, completed_at AS entered, event_ids, {ORDER_DIMENSIONS}, bot, {_GIVEN_BACK}
    FROM orders_at WHERE completed_at < {{until:Int64}}""")
_FIELDS = "id, entered, event_ids, actor, country, channel, device"
_FLAGGED = ("self_referral", "same_payment", "refund_currency")
_JUDGED = f"""
    SELECT j.*, w.owner AS owner,
      owner != '' AND owner = buyer AS is_own, j.payment != '' AND has(i.instruments, j.payment) AS is_paid_alike,
      reason = '' AND has_refund_aside AS refund_currency,
      reason = '' AND code != '' AND is_own AS self_referral,
      reason = '' AND code != '' AND NOT is_own AND is_paid_alike AS same_payment,
      reason = '' AND code != '' AND NOT is_own AND NOT is_paid_alike AS is_referred
    FROM (
      SELECT o.* EXCEPT (person), o.person AS buyer, n.payment AS payment,
        multiIf(o.bot != '', 'bot', o.is_given_back, 'refunded', '') AS reason,
        arraySort(arrayFilter(x -> x.1 <= o.entered AND o.entered < x.1 + {{lookback:Int64}},
                              arrayConcat(p.codes, n.codes)))[-1].4 AS code
      FROM ({_ORDERS}) AS o
      LEFT JOIN ({_OF_PERSON}) AS p ON p.whose = o.person
      LEFT JOIN ({_OF_ORDER}) AS n ON n.of_order = o.id) AS j
    LEFT JOIN ({_OWNERS}) AS w ON w.of_code = j.code
    LEFT JOIN ({_INSTRUMENTS}) AS i ON i.whose = w.owner"""
"""The orders of the window, each with the code that brought it and whether that counts."""
_FLAGS = ", ".join(_FLAGGED)
_NO_OUTCOME = "toInt64(0) AS outcome_at, '' AS outcome_id"

_PURCHASES = f"""
    SELECT {_FIELDS}, reason, {_FLAGS}, is_referred AS hit, {_NO_OUTCOME},
      {{refund_window:Int64}} AS h
    FROM ({_JUDGED})"""
_FIRST_PURCHASES = f"""
    SELECT {_FIELDS}, if(reason = '' AND actor = '', 'no_actor', reason) AS reason, {_FLAGS},
      is_referred AS hit, {_NO_OUTCOME}, {{refund_window:Int64}} AS h
    FROM ({_JUDGED}) AS j
    LEFT JOIN (SELECT argMin(id, (completed_at, id)) AS first_id FROM ({_STOOD}) GROUP BY person) AS f
      ON f.first_id = j.id
    WHERE reason != '' OR f.first_id != ''"""
_ACTIVE = f"""
    SELECT argMin(id, (entered, id)) AS first_id, min(entered) AS first_entered,
      argMin(event_ids, (entered, id)) AS ids,
      argMin(actor, (entered, id)) AS own_actor, argMin(country, (entered, id)) AS own_country,
      argMin(channel, (entered, id)) AS own_channel, argMin(device, (entered, id)) AS own_device, person $traits
    FROM (SELECT r.* FROM selected_rows AS r INNER JOIN ({_CUSTOMERS}) AS c ON c.whose = r.person
          WHERE r.kind = 'active')
    GROUP BY person $traits"""
"""Active customers. Joined: the engine does not wait for a materialised relation that only an IN reads."""
_AS_UNIT = """first_id AS id, first_entered AS entered, ids AS event_ids, own_actor AS actor, own_country AS country,
      own_channel AS channel, own_device AS device, person $traits, '' AS reason"""
_REFERRERS = f"""
    SELECT {_AS_UNIT}, {_NO_OUTCOME}, toInt64(0) AS h, person IN (
        SELECT person FROM referral_events
        WHERE kind = 'invited' AND NOT bot AND said_at >= {{start:Int64}} AND said_at < {{until:Int64}}) AS hit
    FROM ({_ACTIVE})"""
_K_FACTOR = f"""
    SELECT {_AS_UNIT}, 0 AS above, 1 AS below FROM ({_ACTIVE})
    UNION ALL
    SELECT {_FIELDS}, person $traits, '' AS reason, 1 AS above, 0 AS below FROM selected_rows WHERE kind = 'brought'"""
_OWN = f"SELECT 'active' AS kind, * FROM ({OWN_EVENTS})"
_OWN_OR_BROUGHT = f"""{_OWN} UNION ALL
    SELECT 'brought' AS kind, {_FIELDS} FROM ({_FIRST_PURCHASES}) WHERE reason = '' AND hit"""
_OF_CUSTOMERS: Mapping[str, Any] = {"attribution": "completion", "by_entry": False, "horizon": None, "excluded": ()}


def _event(message_id: str, name: str, time: str, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-{time}Z",
        "userId": user,
        "properties": properties,
    }


REFERRAL_RATE = Metric(
    name="referral_rate",
    title="Referral rate",
    meaning="Of the purchases of the window, the share whose buyer came by the referral code of somebody else.",
    formula="referred purchases / purchases",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="completion",
    by_entry=True,
    units=_PURCHASES,
    segments=ENTITY_DIMENSIONS,
    horizon="refund_window",
    parameters=(
        Parameter(
            "lookback",
            Kind.DURATION,
            "P30D",
            "How long a referral lasts: the latest one counts.",
            least=1,
            definitions=("default", "new_customers", "k_factor"),
        ),
        Parameter(
            "refund_window", Kind.DURATION, "P30D", "A purchase wholly given back within this time after it is none."
        ),
    ),
    variants=(
        Variant(
            "new_customers",
            "Of the customers whose first purchase fell in the window, the share that it was referred of.",
            {
                "formula": "referred new customers / new customers",
                "units": _FIRST_PURCHASES,
                "excluded": ("bot", "no_actor", "refund_currency", "refunded", "same_payment", "self_referral"),
            },
        ),
        Variant(
            "referrers",
            "Of the customers who were there in the window, the share that invited somebody in it.",
            {
                "formula": "customers who invited / active customers",
                "selects": _OWN,
                "units": _REFERRERS,
                "options": {"entity": "person", "outcome": "mark"},
                **_OF_CUSTOMERS,
            },
        ),
        Variant(
            "k_factor",
            "New customers that an active customer brings: invitations per customer x new customers per invitation.",
            {
                "formula": "referred new customers / active customers",
                "shape": Shape.RATIO,
                "selects": _OWN_OR_BROUGHT,
                "units": _K_FACTOR,
                "options": {"entity": "person"},
                **_OF_CUSTOMERS,
            },
        ),
    ),
    excluded=("bot", "refund_currency", "refunded", "same_payment", "self_referral"),
    clustered=True,
    options={"entity": "order", "outcome": "mark", "also_excluded": _FLAGGED},
    bands=(Band("average or better", 0.023, "Vendors quote 2.3 % on average"),),
    edges=(
        "The latest referral wins and is judged then: by one's own code, or paid like its owner pays, it is none.",
        "A code that nobody sent is good.",
        "Younger than the refund window: observed, because nothing predicts when a refund will come.",
    ),
    otherwise="Vendors quote referred purchases, referred customers, inviting customers or the viral coefficient "
    "under one name, and count purchases by one's own code: the others are definitions, the last is no "
    "referral.",
    example=Example(
        events=(
            _event("i1", "Invite Sent", "10T09:00:00", "u1", referral_code="R1"),
            _event("v2", "page", "11T09:00:00", "u2", referral_code="R1"),
            _event("o2", "Order Completed", "18T09:00:00", "u2", order_id="o2", total=5),
            _event("o1", "Order Completed", "18T10:00:00", "u1", order_id="o1", total=5, referral_code="R1"),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-12-20T00:00:00Z"},
        expected={
            "value": 0.5,
            "numerator": 1,
            "denominator": 2,
            "maturity": 1.0,
            "excluded": {"self_referral": 1},
        },
    ),
)
