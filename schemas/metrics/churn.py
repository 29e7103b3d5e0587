"""Churn: which customers were lost, how fast customers are lost, and what revenue went with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.metrics.contracts import COLUMNS, CONTRACT, USUAL_TAU_MS, buyers, customers, presence
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import ASIDE, ENTITY_DIMENSIONS
from schemas.periods import DAY_MS

MONTH_MS = 3044 * DAY_MS // 100
"""A month of exposure: 30.44 days."""
_MONTHS_A_YEAR = 12
_CONTRACTED = ("default", "named", "exposure", "net_change", "revenue_gross", "revenue_net")
_REVENUE = ("revenue_gross", "revenue_net")
_LOST = f"""
    SELECT {COLUMNS}, if(reason = '' AND NOT present, '{ASIDE}', reason) AS reason, is_lost AS hit,
      if(is_lost, first_spell.2, 0) AS outcome_at, if(is_lost, id, '') AS outcome_id,
      own AND is_back AS reactivated, own AND NOT present AND notEmpty(ends) AS joined_and_churned
    FROM ({{0}})"""


def _named(parameters: Mapping[str, Any]) -> str:
    return _LOST.format(presence(customers(parameters)))


def _non_contractual(parameters: Mapping[str, Any]) -> str:
    return _LOST.format(presence(buyers(parameters), until_tau=True))


def _exposure(parameters: Mapping[str, Any]) -> str:
    return f"""
    SELECT {COLUMNS}, reason, toInt64(length(ends)) AS above, exposure AS below
    FROM ({presence(customers(parameters))})"""


def _net_change(parameters: Mapping[str, Any]) -> str:
    return f"""
    SELECT {COLUMNS}, reason, toInt64(present) - toInt64(is_there) AS above, toInt64(present) AS below,
      own AND is_back AS reactivated, own AND NOT present AND notEmpty(ends) AS joined_and_churned
    FROM ({presence(customers(parameters))})"""


def _revenue(parameters: Mapping[str, Any], *, net: bool) -> str:
    gained = "if(is_lost, 0, greatest(worth_after - worth_before, 0))" if net else "0"
    return f"""
    SELECT {COLUMNS}, reason, toInt64(if(present, worth_before, 0)) AS below,
      toInt64(if(below > 0, if(is_lost, worth_before, greatest(worth_before - worth_after, 0)) - {gained}, 0)) AS above,
      own AND present AND has_other_currency AS other_currency,
      own AND is_back AS reactivated, own AND NOT present AND notEmpty(ends) AS joined_and_churned
    FROM ({presence(customers(parameters, revenue=True))})"""


def _gross(parameters: Mapping[str, Any]) -> str:
    return _revenue(parameters, net=False)


def _net(parameters: Mapping[str, Any]) -> str:
    return _revenue(parameters, net=True)


def _event(message_id: str, name: str, time: str, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-{time}Z",
        "userId": user,
        "properties": {"subscription_id": f"of {user}", **properties},
    }


_OPTIONS: Mapping[str, Any] = {
    "entity": "customer",
    "outcome": "mark",
    "outcome_label": "end",
    "own_horizons": True,
}
_WEIGHED: Mapping[str, Any] = {"shape": Shape.WEIGHED, "horizon": None}
_IN_MONEY: Mapping[str, Any] = {
    **_WEIGHED,
    "excluded": ("bot", "other_currency"),
    "options": {"entity": "customer", "per_money": _MONTHS_A_YEAR, "also_excluded": ("other_currency",)},
}
CHURN_RATE = Metric(
    name="churn_rate",
    title="Customer churn rate",
    meaning="Of the customers under contract at the start of the window, the share whose service ended in it. Over a "
    "rolling window (a length of time, not dates or a calendar period) the default is `exposure`: ends per month of "
    "being a customer, so that those who joined on the way count for as long as they were there.",
    formula="customers lost in the window / customers at its start; rolling: ends / customer-months",
    unit="ratio",
    direction="lower_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    units=_named,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        *(replace(each, definitions=_CONTRACTED) for each in CONTRACT),
        Parameter(
            "tau",
            Kind.DURATION,
            "P90D",
            "After how long without a purchase a buyer is lost; `auto`: the 95th percentile of the times between the "
            "orders of those who bought again.",
            ("auto",),
            least=1,
            definitions=("non_contractual",),
        ),
        Parameter(
            "currency",
            Kind.CURRENCY,
            None,
            "Only contracts in this currency; default the tenant's.",
            definitions=_REVENUE,
        ),
    ),
    rolling="exposure",
    variants=(
        Variant("named", "Lost of those at the start, whatever the window.", {}),
        Variant(
            "exposure",
            "Ends of service per month (30.44 days) of being a customer, with the exact Poisson interval; "
            "`monthly` and `annualised` are the shares lost at that pace.",
            {
                "formula": "ends of service / customer-months",
                "unit": "per month",
                "units": _exposure,
                "details": ("monthly", "annualised"),
                **_WEIGHED,
                "attribution": "completion",
                "options": {"entity": "customer", "below_unit": MONTH_MS, "interval": "garwood"},
            },
        ),
        Variant(
            "net_change",
            "How much smaller the number of customers became, as some articles define churn: it can be negative.",
            {"formula": "(customers at the start - at the end) / at the start", "units": _net_change, **_WEIGHED},
        ),
        Variant(
            "revenue_gross",
            "Of the monthly revenue of the customers at the start, the share lost: by ends and by paying less.",
            {"formula": "monthly revenue lost / monthly revenue at the start", "units": _gross, **_IN_MONEY},
        ),
        Variant(
            "revenue_net",
            "The same, less what those who stayed pay more: it can be negative.",
            {"formula": "(monthly revenue lost - gained) / at the start", "units": _net, **_IN_MONEY},
        ),
        Variant(
            "non_contractual",
            "Of those who buy without a contract, the share whose last purchase became older than `tau`.",
            {
                "formula": "buyers lost / buyers there at the start",
                "units": _non_contractual,
                "horizon": "tau",
                "excluded": (),
                "options": {**_OPTIONS, "usual_horizon": USUAL_TAU_MS},
            },
        ),
    ),
    excluded=("bot",),
    details=("reactivated", "joined_and_churned"),
    options=_OPTIONS,
    sources=(
        "5-7 % a year for large and about 5 % a month for small customers are quoted for software; definitions differ",
    ),
    otherwise="Some articles print (start - end) / start, in which newcomers hide losses (definition=net_change), "
    "or count by the day on which somebody asked to end rather than by the end of the service. Per month, "
    "per year and of revenue are three numbers: 5 % a month is 46 % a year.",
    edges=(
        "A failed payment, or a status of past due, ends the service after the grace.",
        "A status that is not known to be on is not; an update leaves what it does not tell, the status too.",
        "Taken up again within the grace is not lost; later is `reactivated`.",
        "A change of plan or a pause is no end, a trial no customer, the accounts of one parent are one customer.",
        "Until an end may no longer be undone, it is immature; buyers are known only `tau` after the window.",
    ),
    example=Example(
        events=(
            _event("s1", "Subscription Started", "10-01T10:00:00", "u1"),
            _event("s2", "Subscription Started", "10-01T10:00:00", "u2"),
            _event("c2", "Subscription Cancelled", "11-05T10:00:00", "u2", ends_at="2026-11-20T10:00:00Z"),
        ),
        query={"from": "2026-11-01", "to": "2026-12-01", "at": "2026-12-20T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "maturity": 1.0},
    ),
)
