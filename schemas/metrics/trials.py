"""Trials: which of them were paid for in the end, each by the end that it was told to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events.words import SUBSCRIPTION_STATUSES
from schemas.facts import canonical, with_person
from schemas.limits import NEVER_MS
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import ENTITY_DIMENSIONS

_TOLD = """FROM (SELECT * FROM (
        SELECT *, toUnixTimestamp64Milli(time) AS told_at, (told_at, UUIDToNum(event_id)) AS place
        FROM subscription_events WHERE tenant = {tenant:String} AND time < $at) WHERE name IN """
_FIRST = "argMinIf({0}, place, {0} != '') AS own_{0}"
_TRIALS = with_person(f"""
    SELECT id, own_actor AS actor, own_account AS account, own_country AS country, own_channel AS channel,
      own_device AS device, is_bot, own_card = 'true' AS is_opt_out, event_ids,
      if(least_start < {NEVER_MS}, least_start, began) AS start,
      arrayFilter(x -> x.5 < {NEVER_MS}, {canonical("told_ends")}) AS told,
      arraySort(x -> (x.1, x.2, UUIDToNum(x.3), x.5), told) AS ends,
      if(notEmpty(ends), ends[-1].5, start + {{length:Int64}}) AS end
    FROM (
      SELECT multiIf(trial_id != '', trial_id, subscription_id != '', subscription_id, account != '',
                     concat('g:', account), actor) AS id,
        {", ".join(_FIRST.format(name) for name in ("actor", "account", "country", "channel", "device", "card"))},
        argMin(bot, place) AS is_bot, groupUniqArray(event_id) AS event_ids,
        minIf(starts_at, name = 'trial_started') AS least_start, minIf(told_at, name = 'trial_started') AS began,
        groupUniqArray((told_at, sequence, event_id, hash,
          if(ends_at = {NEVER_MS} AND name = 'trial_ended', told_at, ends_at))) AS told_ends
      {_TOLD} ('trial_started', 'trial_extended', 'trial_ended'))
      GROUP BY id HAVING id != '' AND countIf(name = 'trial_started') > 0)""")
_ONCE = (
    "name",
    "actor",
    "account",
    "trial_id",
    "subscription_id",
    "status",
    "has_amount",
    "amount",
    "currency",
    "bot",
    "told_at",
)


def _money(names: str, condition: str) -> str:
    """Payments or refunds, each event once, under every key by which it may be found."""
    own = ", ".join(f"argMin({name}, (time, hash)) AS own_{name}" for name in _ONCE)
    rows = with_person(f"""
      SELECT event_id, {", ".join(f"own_{name} AS {name}" for name in _ONCE)}
      FROM (SELECT event_id, {own} {_TOLD} ({names})) GROUP BY event_id) WHERE {condition}""")
    return f"""SELECT *, if(account != '', concat('g:', account), person) AS holder,
        arrayDistinct(arrayFilter(x -> x NOT IN ('of ', 'id '),
          [concat('of ', holder), concat('id ', trial_id), concat('id ', subscription_id)])) AS keys
      FROM ({rows})"""


_MONEY_OF = "if({0} = '', {{tenant_currency:String}}, {0})"
_PAYMENTS = _money(
    "'subscription_started', 'subscription_renewed'",
    f"NOT bot AND {SUBSCRIPTION_STATUSES.in_sql('status')} IN ('', 'active') AND (NOT has_amount OR amount > 0)",
)
_REFUNDS = _money("'payment_refunded'", "1")
_CHARGES = f"""
    SELECT c.event_id AS event_id, any(c.told_at) AS charged_at, any(c.keys) AS keys, any(c.amount) AS charged,
      any({_MONEY_OF.format("c.currency")}) AS charged_in,
      arrayFilter(x -> x.1 >= charged_at AND x.1 < charged_at + {{refund_window:Int64}},
                  groupUniqArrayIf((r.told_at, r.event_id, r.has_amount, r.amount, r.currency), r.found)) AS soon,
      arrayFilter(x -> NOT x.3 OR x.5 IN ('', charged_in), soon) AS back,
      length(back) < length(soon) AS has_other_money,
      notEmpty(back) AND (arrayExists(x -> NOT x.3, back)
        OR arraySum(x -> toInt128(abs(x.4)), back) >= charged) AS is_given_back
    FROM (
      SELECT *, arrayJoin(arrayDistinct([concat('of ', holder), concat('id ', subscription_id)])) AS key
      FROM ({_PAYMENTS})) AS c
    LEFT JOIN (SELECT *, arrayJoin(keys) AS key, 1 AS found FROM ({_REFUNDS})) AS r ON r.key = c.key
    GROUP BY c.event_id"""
_PAID = f"""
    SELECT t.id AS id,
      argMin((c.charged_at, c.is_given_back, toString(c.event_id), c.has_other_money),
             (c.charged_at, UUIDToNum(c.event_id))) AS first_charge
    FROM (SELECT *, arrayJoin(arrayFilter(x -> x != 'of ', [concat('of ', holder), concat('id ', id)])) AS key
          FROM held) AS t
    INNER JOIN (SELECT *, arrayJoin(keys) AS key FROM ({_CHARGES})) AS c ON c.key = t.key
    WHERE c.charged_at >= t.start AND c.charged_at < t.end + {{grace:Int64}}
    GROUP BY t.id"""
_IN_WINDOW = "{0} >= {{start:Int64}} AND {0} < {{until:Int64}}"


def _units(parameters: Mapping[str, Any]) -> str:
    attribution = parameters["attribution"]
    held = f"""
      SELECT * EXCEPT (person), if(account != '', concat('g:', account), person) AS holder,
        min(if(is_bot, (toInt64({NEVER_MS}), ''), (start, id))) OVER (PARTITION BY holder) AS first_one
      FROM ({_TRIALS})"""
    rows = f"""
    SELECT h.id AS id, h.actor AS actor, h.country AS country, h.channel AS channel, h.device AS device,
      h.event_ids AS event_ids, h.start AS entered, h.end + {{grace:Int64}} - h.start AS h,
      if(p.first_charge.1 > 0 AND NOT p.first_charge.2, p.first_charge.1, 0) AS outcome_at,
      if(outcome_at > 0, p.first_charge.3, '') AS outcome_id,
      reason = '' AND p.first_charge.4 AS refund_currency,
      multiIf(h.is_bot, 'bot', h.holder = '', 'no_actor', h.first_one != (h.start, h.id), 'second_trial',
              h.is_opt_out != ({{kind:String}} = 'opt_out'), 'other_kind', '') AS reason,
      {_IN_WINDOW.format("h.end" if attribution == "end" else "h.start")} AS below,
      {_IN_WINDOW.format("outcome_at")} AS above
    FROM ({held}) AS h LEFT JOIN ({_PAID.replace("FROM held", f"FROM ({held})")}) AS p ON p.id = h.id"""
    kept = "below OR (above AND reason = '')" if attribution == "completion" else "below"
    return f"SELECT * FROM ({rows}) WHERE {kept}"


def _paid_in_the_window(parameters: Mapping[str, Any]) -> str:
    return f"SELECT * FROM ({_units({**parameters, 'attribution': 'completion'})}) WHERE above AND reason = ''"


def _event(message_id: str, name: str, day: int, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-{day:02}T10:00:00Z",
        "userId": user,
        "properties": properties,
    }


TRIAL_TO_PAID_RATE = Metric(
    name="trial_to_paid_rate",
    title="Trial-to-paid rate",
    meaning="Of the trials begun in the window, the share that was paid for by its end and a time of grace; while some "
    "have not come to that, the Kaplan–Meier estimate by their age.",
    formula="trials paid by their end + grace / trials begun",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=_units,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        Parameter("grace", Kind.DURATION, "P7D", "How long after its end a trial may be paid."),
        Parameter("length", Kind.DURATION, "P14D", "How long a trial lasts if it names no end.", least=1),
        Parameter(
            "kind",
            Kind.CHOICE,
            "opt_in",
            "Trials without or with a card up front: never pooled.",
            ("opt_in", "opt_out"),
        ),
        Parameter(
            "refund_window", Kind.DURATION, "P14D", "A first charge given back within this time after it is none."
        ),
        Parameter(
            "attribution",
            Kind.CHOICE,
            "cohort",
            "Trials begun in the window, those that ended in it, or payments in it per trial begun in it.",
            ("cohort", "end", "completion"),
            definitions=("default",),
        ),
    ),
    variants=(
        Variant(
            "articles",
            "What some articles print: how many trials were paid for in the window, whenever they began.",
            {
                "formula": "trials paid in the window",
                "unit": "trials",
                "shape": Shape.COUNT,
                "attribution": "completion",
                "units": _paid_in_the_window,
                "options": {"entity": "trial", "also_excluded": ("refund_currency",)},
            },
        ),
    ),
    under={
        ("attribution", "end"): {"by_entry": False},
        ("attribution", "completion"): {
            "by_entry": False,
            "shape": Shape.RATIO,
            "formula": "trials paid in the window / trials begun in it",
            "options": {"entity": "trial", "also_excluded": ("refund_currency",)},
        },
    },
    excluded=("bot", "no_actor", "other_kind", "refund_currency", "second_trial"),
    options={
        "entity": "trial",
        "outcome": "presence",
        "outcome_label": "paid",
        "horizons": ("length", "grace"),
        "also_excluded": ("refund_currency",),
        "own_horizons": True,
    },
    edges=(
        "An extension moves the end; a payment before the end counts.",
        "An account has one trial, whichever member begins it or pays.",
        "A second trial of the same holder is left out, whenever the first one was.",
    ),
    otherwise="Some call a count of conversions a rate, or divide the conversions of a month by the trials of the "
    "same month, which is too low under growth; many pool trials that took a card up front with those "
    "that did not. Here each trial is followed to its end and some days more, and the kinds stay apart.",
    example=Example(
        events=(
            _event("t1", "Trial Started", 1, "u1", trial_id="t1"),
            _event("p1", "Subscription Started", 10, "u1", subscription_id="s1", amount=20, currency="EUR"),
            _event("t2", "Trial Started", 1, "u2", trial_id="t2"),
        ),
        query={"from": "2026-11-01", "to": "2026-11-02", "at": "2026-12-01T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "maturity": 1.0},
    ),
)
