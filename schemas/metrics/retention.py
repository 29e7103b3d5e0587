"""Retention: which customers stayed under contract, and which people came back, by period and by cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.metrics.cohorts import (
    EVENTS,
    LEFT_OUT,
    MODE,
    came,
    came_to_cohorts,
    first,
    has_returned,
    left_out,
    members,
)
from schemas.metrics.contracts import COLUMNS, CONTRACT, customers, presence
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import ASIDE, ENTITY_DIMENSIONS, PENDING
from schemas.periods import PERIODS, period_edges, periods_beginning
from schemas.tenants import Tenant

_SEEN = "uniqExactIf(id, returns AND entered >= {start:Int64} AND entered < {until:Int64}) >= {min_occurrences:Int64}"
_BEFORE = "begins AND entered >= {preceding:Int64} AND entered < {start:Int64}"
_MADE_UP = ("active", "new", "retained", "resurrected", "lost")
_NO_OUTCOME = "toInt64(0) AS outcome_at, '' AS outcome_id"


def _came_again(parameters: Mapping[str, Any]) -> str:
    return came(parameters, "preceding", "$until", ever=True)


_AGAIN = f"""
    SELECT person AS id, if(was_there, first_entered, {{start:Int64}}) AS entered, first_event_ids AS event_ids,
      first_actor AS actor, first_country AS country, first_channel AS channel, first_device AS device, person $traits,
      if(was_there, '', '{ASIDE}') AS reason, is_there AS hit, {_NO_OUTCOME}, {{end:Int64}} - entered AS h,
      is_there AS active, is_there AND was_there AS retained, is_there AND NOT was_there AND was_known AS resurrected,
      is_there AND NOT was_there AND NOT was_known AS new, was_there AND NOT is_there AS lost
    FROM (
      SELECT person $traits, countIf({_BEFORE}) > 0 AS was_there, countIf(entered < {{start:Int64}}) > 0 AS was_known,
        {_SEEN} AS is_there, minIf(entered, {_BEFORE}) AS first_entered, {first(_BEFORE)}
      FROM selected_rows WHERE reason = '' AND entered < {{until:Int64}} GROUP BY person $traits)
    WHERE was_there OR is_there
    UNION ALL
    SELECT {LEFT_OUT}, 0 AS hit, {_NO_OUTCOME},
      toInt64(0) AS h, 0 AS active, 0 AS retained, 0 AS resurrected, 0 AS new, 0 AS lost
    FROM ({left_out("preceding")})"""


def _cohorts(parameters: Mapping[str, Any]) -> str:
    there = has_returned(parameters, "{nth_begins:Array(Int64)}[place]", "{nth_closes:Array(Int64)}[place]")
    return f"""
    SELECT concat(toString({{begins:Array(Int64)}}[place]), ' ', person) AS id, first_entered AS entered,
      first_event_ids AS event_ids, first_actor AS actor, first_country AS country, first_channel AS channel,
      first_device AS device, person $traits,
      if({{at:Int64}} >= {{nth_closes:Array(Int64)}}[place], '', '{PENDING}') AS reason, {there} AS hit,
      {_NO_OUTCOME}, {{settled:Array(Int64)}}[place] - first_entered AS h
    FROM ({members(parameters)})
    UNION ALL
    SELECT {LEFT_OUT}, 0 AS hit, {_NO_OUTCOME},
      toInt64(0) AS h
    FROM ({left_out("start")})"""


def _calendar(start: int, end: int, tz: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of each cohort that begins in the window its begin and end, those of its Nth period, and when that is settled."""
    grain, nth = str(parameters["grain"]), int(parameters["nth"])
    length = (2 * nth if parameters["mode"] == "unbounded" else nth) + 1
    days = periods_beginning(start, end, grain, tz, str(parameters["week_start"]))
    edges = period_edges(days[0], grain, len(days) + length, tz) if days else []
    places = {"begins": 0, "closes": 1, "nth_begins": nth, "nth_closes": nth + 1, "settled": length}
    return {name: edges[place : place + len(days)] for name, place in places.items()}


def _week_start(tenant: Tenant, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """What cuts the weeks of cohorts."""
    del parameters
    return {"week_start": tenant.week_start}


def _contracted(parameters: Mapping[str, Any]) -> str:
    return f"""
    SELECT {COLUMNS}, if(reason = '' AND NOT present, '{ASIDE}', reason) AS reason, NOT is_lost AS hit, {_NO_OUTCOME},
      own AND is_lost AS lost, own AND is_new AS joined
    FROM ({presence(customers(parameters))})"""


def _event(message_id: str, name: str, time: str, account: str) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-{time}Z",
        "properties": {"subscription_id": f"of {account}", "account_id": account},
    }


RETENTION_RATE = Metric(
    name="retention_rate",
    title="Retention rate",
    meaning="Of the customers under contract at the start of the window, the share that was not lost in it.",
    formula="customers at the start and not lost / customers at the start",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    units=_contracted,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        *(replace(each, definitions=("default",)) for each in CONTRACT),
        *(replace(each, definitions=("activity", "cohort")) for each in EVENTS),
        replace(MODE, definitions=("cohort",)),
        Parameter(
            "grain", Kind.CHOICE, "week", "How wide a cohort and its periods are.", PERIODS, definitions=("cohort",)
        ),
        Parameter(
            "nth",
            Kind.INTEGER,
            "1",
            "Which period after that of the cohort.",
            least=0,
            most=366,
            definitions=("cohort",),
        ),
    ),
    variants=(
        Variant(
            "activity",
            "Of the people who were active in the preceding period, the share that was in the window too; `active` = "
            "`new` + `retained` + `resurrected`, and `retained` + `lost` = those of the preceding period.",
            {
                "formula": "people active in the preceding period and in the window / in the preceding period",
                "selects": _came_again,
                "units": _AGAIN,
                "details": _MADE_UP,
                "excluded": ("bot", "no_actor"),
                "options": {"entity": "person", "outcome": "mark"},
            },
        ),
        Variant(
            "cohort",
            "Of the people of all cohorts that begin in the window, the share that came back in the cohort's Nth "
            "period; only cohorts whose Nth period is over.",
            {
                "formula": "members who came back in period N / members",
                "selects": came_to_cohorts,
                "units": _cohorts,
                "details": (),
                "excluded": ("bot", "no_actor"),
                "binds": _week_start,
                "calendar": _calendar,
                "options": {"entity": "person", "outcome": "mark", "own_horizons": True},
            },
        ),
    ),
    excluded=("bot",),
    details=("lost", "joined"),
    options={"entity": "customer", "outcome": "mark", "own_horizons": True},
    otherwise="Some products pad periods that are not over with zeros, count a day as 24 hours from a person's own "
    "first event, or take a return at any later time (unbounded) for one in the period. Of customers, end "
    "/ start lets newcomers hide losses.",
    edges=(
        "Whoever is lost and comes back within the grace was never lost; later it is a new contract.",
        "Neither newcomers nor those who were won back hide a loss: (end - new) / start, not end / start.",
        "A cohort's period that is not over for all counts for nobody: never a zero.",
        "An unbounded return is settled only when as many periods again have passed.",
    ),
    example=Example(
        events=(
            _event("s1", "Subscription Started", "10-01T10:00:00", "g1"),
            _event("s2", "Subscription Started", "10-01T10:00:00", "g2"),
            _event("c2", "Subscription Cancelled", "11-05T10:00:00", "g2"),
        ),
        query={"from": "2026-11-01", "to": "2026-12-01", "at": "2026-12-20T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "details": {"lost": 1, "joined": 0}},
    ),
)
