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
    # Of who has to come back once, the last time in each period says it: a cohort's period is one of them.
    times = "[(max(entered), '')]" if parameters["min_occurrences"] == 1 else "groupUniqArray((entered, id))"
    return f"""
    SELECT m.*, r.returned AS returned FROM ({own}) AS m
    LEFT JOIN (
      SELECT whose, groupUniqArrayArray(of_period) AS returned FROM (
        SELECT person AS whose, arrayCount(edge -> edge <= entered, {{nth_closes:Array(Int64)}}) AS period,
          {times} AS of_period
        FROM selected_rows WHERE reason = '' AND returns AND entered >= {{begins:Array(Int64)}}[1]
        GROUP BY whose, period) GROUP BY whose) AS r
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


def _by_period(parameters: Mapping[str, Any]) -> str:
    """One row of each person a period that they did something in (0: before the first cohort): when they first began in
    it, when they last came back in it, how often, and how often since they began. So a cohort is told from a handful of
    numbers a person, however much that person did. What was left out has one row for all periods, and counts `aside`.
    """
    if parameters["min_occurrences"] == 1:
        seen = "toUInt64(countIf(returns) > 0) AS often, toUInt64(latest > first) AS own"
    else:
        seen = """groupUniqArrayIf((entered, id), returns AND reason = '') AS returned,
      length(arrayDistinct(arrayMap(x -> x.2, returned))) AS often,
      length(arrayDistinct(arrayMap(x -> x.2, arrayFilter(x -> x.1 >= first, returned)))) AS own"""
    return f"""
    SELECT reason, person, if(reason = '', arrayCount(edge -> edge <= entered, {{edges:Array(Int64)}}), 0) AS period,
      minIf(entered, begins) AS first, countIf(begins) > 0 AS begun, maxIf(entered + 1, returns) AS latest, {seen},
      uniqExactIf(id, reason != '' AND entered >= {{start:Int64}} AND entered < {{until:Int64}}) AS aside
    FROM selected_rows GROUP BY reason, person, period"""


def _by_person(parameters: Mapping[str, Any]) -> str:
    """One row a person: the cohorts (place from 1, when entered, how often back since then in its own period), and how
    often they came back in each period.
    """
    entered = "(period, first, own)"
    if parameters["mode"] == "recurring":
        cohorts = f"groupArrayIf({entered}, begun)"
    else:
        cohorts = f"[argMinIf({entered}, first, begun)]"
    every = "arrayFlatten(groupArray(returned))" if parameters["min_occurrences"] > 1 else "[]"
    return f"""
    SELECT reason, any(reason = '') AS counts, {cohorts} AS of_person,
      groupArrayInsertAt(often, toUInt32(period)) AS seen,
      max(latest) AS last, {every} AS returned, if(counts, 1, sum(aside)) AS people,
      if(counts, arrayFilter(x -> x.1 BETWEEN 1 AND length({{closes:Array(Int64)}}), of_person),
        [(toUInt64(0), toInt64(0), toUInt64(0))]) AS cohorts
    FROM ({_by_period(parameters)}) GROUP BY reason, person"""


def _triangle(parameters: Mapping[str, Any]) -> str:
    least = "{min_occurrences:Int64}"
    opens = "greatest({edges:Array(Int64)}[cohort.1 + n], cohort.2)"
    if parameters["mode"] != "unbounded":
        there = f"if(n = 0, cohort.3, seen[cohort.1 + n + 1]) >= {least}"
    elif parameters["min_occurrences"] == 1:
        there = f"last > {opens}"
    else:
        there = f"length(arrayDistinct(arrayMap(x -> x.2, arrayFilter(x -> x.1 >= {opens}, returned)))) >= {least}"
    return f"""
    SELECT toUInt32(cohort.1) AS place, reason, people,
      arrayMap(n -> toUInt8({there}), range(if(counts, {{periods:UInt32}}, 0))) AS there
    FROM ({_by_person(parameters)}) ARRAY JOIN cohorts AS cohort"""


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
