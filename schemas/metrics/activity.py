"""Who is active: distinct people over 1, 7 or 28 local days, and how the daily number relates to the monthly one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.facts import with_person
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS, PROPERTY_DIMENSIONS

_ROWS = """
    SELECT person AS id, person, entered, actor, multiIf(bot, 'bot', actor = '', 'no_actor', '') AS reason, event_id,
      event, country, channel, device $traits
    FROM selected_events WHERE entered >= {start:Int64}"""
_FROM_FACTS = f"""
    SELECT person AS id, person, {{start:Int64}} AS entered, actor, place AS day, '' AS reason,
      toUUID('00000000-0000-0000-0000-000000000000') AS event_id
    FROM ({with_person("SELECT * FROM active_in")})
    UNION ALL
    SELECT '' AS id, '' AS person, toUnixTimestamp64Milli(time) AS entered, actor, 0 AS day,
      if(bot, 'bot', 'no_actor') AS reason, event_id
    FROM events
    WHERE tenant = {{tenant:String}} AND time >= $start AND time < $until AND person_class AND (bot OR actor = '')"""
"""The same rows from the activity facts, when no dimension, name or number of events is asked for."""
_OPTIONS: Mapping[str, Any] = {
    "source": "events",
    "entity": "person",
    "every_copy": True,
    "people": True,
    "units_from_facts": _FROM_FACTS,
}
_EDGES = (
    "Days are cut in the tenant's zone; the last one is the one that contains the instant before T.",
    "Only what a person did counts: not replies of agents, status changes, e-mails or identify.",
    "Joining two actors to one person lowers past values too; parting them restores them.",
)
_SIGNED_IN = tuple(
    {
        "messageId": f"s{index}",
        "event": "Signed In",
        "timestamp": f"2026-11-{day:02}T09:00:00Z",
        "userId": user,
    }
    for index, (day, user) in enumerate(((18, "u1"), (18, "u2"), (17, "u1"), (16, "u3"), (1, "u4")))
)
_QUERY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"}


def _active(name: str, title: str, days: int, expected: int, otherwise: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        meaning=f"Distinct people with at least one qualifying event in the last {days} local "
        f"day{'s' if days > 1 else ''} up to T.",
        formula="distinct people who did something",
        unit="people",
        direction="higher_is_better",
        shape=Shape.DISTINCT,
        attribution="state",
        units=_ROWS,
        segments=ENTITY_DIMENSIONS,
        parameters=(
            Parameter("events", Kind.NAMES, None, "Only these events qualify; default all that a person does."),
            Parameter(
                "min_events", Kind.INTEGER, "1", "How many a person needs in the whole span.", least=1, most=1000
            ),
            Parameter("days", Kind.INTEGER, str(days), "The span in local days.", least=1, most=366),
        ),
        excluded=("bot", "no_actor"),
        options=_OPTIONS,
        edges=_EDGES,
        otherwise=otherwise,
        example=Example(events=_SIGNED_IN, query=_QUERY, expected={"value": expected, "n": expected}),
    )


AUDIENCE = replace(
    _active("audience", "Audience", 1, 0, ""),
    segments=(*ENTITY_DIMENSIONS, *PROPERTY_DIMENSIONS),
    options={**_OPTIONS, "properties": PROPERTY_DIMENSIONS},
    example=None,
)
"""Who came in a window: what coverage divides by. Not served under a name of its own."""

DAU = _active(
    "dau",
    "Daily active users",
    1,
    2,
    "Tools that count devices or cookies, or anything that was done to a user (e-mails, replies), count more; "
    "those that only count people who are logged in count fewer. Days are the tenant's, not UTC's.",
)
WAU = _active(
    "wau",
    "Weekly active users",
    7,
    3,
    "A calendar week is not the last seven days, and the sum of seven DAU counts a person up to seven times.",
)
MAU = _active(
    "mau",
    "Monthly active users",
    28,
    4,
    "A calendar month has 28 to 31 days, and a window of 30 days has four or five weekends; 28 days always "
    "have four. The sum of DAU counts a person many times.",
)

STICKINESS = Metric(
    name="stickiness",
    title="Stickiness",
    meaning="How much of the monthly audience comes on a day: the mean of the daily active people over 28 local days, "
    "divided by the people active in them.",
    formula="sum of DAU over 28 days / (28 x MAU)",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.STICKINESS,
    attribution="state",
    units=_ROWS,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        Parameter(
            "variant",
            Kind.CHOICE,
            "mean",
            "Mean DAU / MAU, today's DAU / MAU, or WAU / MAU.",
            ("mean", "same_day", "wau_mau"),
        ),
    ),
    excluded=("bot", "no_actor"),
    options={**_OPTIONS, "days": 28},
    edges=(*_EDGES, "Younger than 28 days: the empty days count as days without anyone."),
    otherwise="Dividing one day's DAU by MAU depends on the day of the week: variant=same_day gives that number. "
    "Averages over a calendar month divide by other days.",
    example=Example(
        events=_SIGNED_IN,
        query=_QUERY,
        expected={"value": 5 / (28 * 4), "numerator": 5, "denominator": 112, "n": 4},
    ),
)
