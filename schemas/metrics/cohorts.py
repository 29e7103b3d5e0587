"""People by the period in which they begin: who entered which cohort, and whether they came back.

Whoever comes back does so by any copy of an event, as for dau; how often is a matter of different event ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.metrics.metric import Kind, Metric, Parameter, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS
from schemas.periods import PERIODS, period_edges, periods_beginning

_FIRST = ("id", "event_ids", "actor", "country", "channel", "device")


def _is(parameters: Mapping[str, Any], name: str) -> str:
    """Whether an event is one to start or to return by: one of those named, else anything that a person did."""
    return f"has({{{name}:Array(String)}}, toString(name))" if parameters[name] else "person_class"


def came(parameters: Mapping[str, Any], since: str, until: str, *, ever: bool) -> str:
    """Every copy of what people did between two instants that begins or continues something, and what nobody can be
    told to have done. `ever`: of the time before, that they did at all, one row for all that looks alike.
    """
    begins, returns = _is(parameters, "start_event"), _is(parameters, "return_event")
    look = """actor, toString(country) AS country, toString(channel) AS channel, toString(device) AS device"""
    opens = f"fromUnixTimestamp64Milli({{{since}:Int64}}, 'UTC')"
    rows = f"""
    SELECT toString(event_id) AS id, toUnixTimestamp64Milli(time) AS entered, [event_id] AS event_ids, {look},
      multiIf(bot, 'bot', actor = '', 'no_actor', '') AS reason, {begins} AS begins, {returns} AS returns
    FROM events WHERE tenant = {{tenant:String}} AND time >= {opens} AND time < {until} AND (begins OR returns)"""
    if not ever:
        return rows
    return f"""{rows}
    UNION ALL
    SELECT '' AS id, toUnixTimestamp64Milli(min(time)) AS entered, CAST([], 'Array(UUID)') AS event_ids, {look},
      '' AS reason, {begins} AS begins, {returns} AS returns
    FROM events WHERE tenant = {{tenant:String}} AND time < {opens} AND NOT bot AND actor != '' AND (begins OR returns)
    GROUP BY actor, country, channel, device, begins, returns"""


def came_to_cohorts(parameters: Mapping[str, Any]) -> str:
    """What cohorts of the window are made of: a first beginning is known by what was before."""
    return came(parameters, "start", "$at", ever=parameters["mode"] != "recurring")


def left_out(since: str) -> str:
    """What was left out from an instant on, each event once."""
    return f"""
    SELECT id, min(entered) AS first_entered, min(event_ids) AS own_ids, min(actor) AS own_actor,
      min(country) AS own_country, min(channel) AS own_channel, min(device) AS own_device, person $traits, reason
    FROM selected_rows WHERE reason != '' AND entered >= {{{since}:Int64}} AND entered < {{until:Int64}}
    GROUP BY id, person, reason $traits"""


LEFT_OUT = """id, first_entered AS entered, own_ids AS event_ids, own_actor AS actor, own_country AS country,
      own_channel AS channel, own_device AS device, person $traits, reason"""


def first(condition: str = "1") -> str:
    return ", ".join(f"argMinIf({name}, (entered, id), {condition}) AS first_{name}" for name in _FIRST)


def members(parameters: Mapping[str, Any]) -> str:
    """Who entered which cohort (`place`, from 1) by which event, and the returns of each: (ms, event id)."""
    again = parameters["mode"] == "recurring"
    within = "AND entered >= {begins:Array(Int64)}[1] AND entered < {closes:Array(Int64)}[-1]" if again else ""
    cohort = "arrayFirstIndex(edge -> {0} < edge, {{closes:Array(Int64)}})"
    own = f"""
    SELECT person $traits, {cohort.format("entered")} AS place, min(entered) AS first_entered, {first()}
    FROM selected_rows WHERE reason = '' AND begins {within} GROUP BY person, place $traits"""
    if not again:
        own = f"""
    SELECT *, {cohort.format("first_entered")} AS place FROM (
      SELECT person $traits, min(entered) AS first_entered, {first()}
      FROM selected_rows WHERE reason = '' AND begins GROUP BY person $traits)
    WHERE first_entered >= {{begins:Array(Int64)}}[1] AND place > 0"""
    return f"""
    SELECT m.*, r.returned AS returned FROM ({own}) AS m
    LEFT JOIN (
      SELECT person AS whose, groupUniqArray((entered, id)) AS returned FROM selected_rows
      WHERE reason = '' AND returns AND entered >= {{begins:Array(Int64)}}[1] GROUP BY person) AS r
    ON r.whose = m.person"""


def has_returned(parameters: Mapping[str, Any], opens: str, closes: str) -> str:
    """Whether a member returned often enough between two instants, not before it entered."""
    until = "{at:Int64}" if parameters["mode"] == "unbounded" else closes
    least = "{min_occurrences:Int64}"
    within = f"x -> x.1 >= greatest({opens}, first_entered) AND x.1 < {until}"
    if parameters["min_occurrences"] == 1:
        return f"arrayExists({within}, returned)"
    return f"length(arrayDistinct(arrayMap(x -> x.2, arrayFilter({within}, returned)))) >= {least}"


EVENTS = (
    Parameter(
        "start_event", Kind.NAMES, None, "Only these events begin; default all that a person does."
    ),
    Parameter(
        "return_event", Kind.NAMES, None, "Only these count as coming back; default all that a person does.",
    ),
    Parameter(
        "min_occurrences", Kind.INTEGER, "1", "How often somebody must come back in the period.", least=1, most=1000,
    ),
)  # fmt: skip


MODE = Parameter(
    "mode",
    Kind.CHOICE,
    "recurring",
    "Everyone enters the cohort of each period in which they begin, or only that of their first beginning; back in a "
    "period itself, or (`unbounded`, first beginnings too) in it or later.",
    ("recurring", "first_time", "unbounded"),
)


def triangle_days(start: int, end: int, tz: str, parameters: Mapping[str, Any]) -> list[date]:
    """The first day of each cohort: of the periods that begin in the window."""
    return periods_beginning(start, end, str(parameters["period"]), tz, str(parameters["week_start"]))


def triangle_edges(start: int, end: int, tz: str, parameters: Mapping[str, Any]) -> list[int]:
    """Where the cohorts' periods begin and, as one follows the other, end; up to when the last cell is settled."""
    days, periods = triangle_days(start, end, tz, parameters), int(parameters["periods"])
    behind = 2 * (periods - 1) if parameters["mode"] == "unbounded" else periods - 1
    return period_edges(days[0], str(parameters["period"]), len(days) + behind, tz) if days else []


def _triangle_calendar(start: int, end: int, tz: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    rows, edges = len(triangle_days(start, end, tz, parameters)), triangle_edges(start, end, tz, parameters)
    return {"begins": edges[:rows], "closes": edges[1 : rows + 1], "edges": edges}


def _triangle(parameters: Mapping[str, Any]) -> str:
    there = has_returned(parameters, "{edges:Array(Int64)}[place + n]", "{edges:Array(Int64)}[place + n + 1]")
    return f"""
    SELECT toUInt32(place) AS place, '' AS reason, arrayMap(n -> toUInt8({there}), range({{periods:UInt32}})) AS there
    FROM ({members(parameters)})
    UNION ALL
    SELECT toUInt32(0) AS place, reason, CAST([], 'Array(UInt8)') AS there FROM ({left_out("start")})"""


TRIANGLE = Metric(
    name="retention",
    title="Retention by cohort",
    meaning="Who began in which period, and how many of them came back in it and in each one after it. A cell is "
    "null until its period is over for every member.",
    formula="members of a cohort who came back in its period N",
    unit="people",
    direction="higher_is_better",
    shape=Shape.COUNT,
    attribution="cohort",
    selects=came_to_cohorts,
    units=_triangle,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        Parameter("period", Kind.CHOICE, "day", "How wide a cohort and its periods are.", PERIODS),
        Parameter(
            "periods", Kind.INTEGER, "8", "How many periods to follow, the first one included.", least=1, most=366
        ),
        *EVENTS[:2],
        MODE,
        EVENTS[2],
    ),
    excluded=("bot", "no_actor"),
    calendar=_triangle_calendar,
    options={"entity": "person"},
    edges=(
        "Column 0 counts what members did from their beginning on, so it may be less than the size.",
        "Rows are the calendar periods that begin in the window; without one, the last `periods` of them.",
        "The filter chooses events, those that begin and those that continue.",
        "Unbounded: a cell may still grow until as many periods again have passed, and is flagged till then.",
        "Some products fill a period that is not over with zeros; here it is null.",
    ),
)
"""What `/v1/retention` serves: not a metric with a value, but declared as one."""
