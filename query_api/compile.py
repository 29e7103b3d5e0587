"""Compiles a question into SQL: the only place that assembles any (`differences` sets such statements side by side).

Pure: a metric's SELECT of units, the relations that it names, the tenant and every value as bound parameters.
Identifiers come from the registry; what a caller wrote reaches the text of a statement nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from query_api.question import Filter, Question
from query_api.story import moments
from schemas.currencies import MINOR_DIGITS, STORED_DIGITS
from schemas.events import names_of_family
from schemas.events.in_sql import told
from schemas.facts import QUARTER_MS, copies_apart, named_in, with_person
from schemas.metrics.metric import Shape
from schemas.metrics.units import ASIDE, PENDING
from schemas.periods import local_day_ends

TRAIT = "trait."
_EVENT_COLUMNS = (
    "name",
    "actor",
    "country",
    "channel",
    "device",
    "bot",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its bound parameters; `identities` says that those of `identity.resolve` must be added."""

    sql: str
    parameters: Mapping[str, Any]
    identities: bool


def trait_names(question: Question) -> list[str]:
    asked = [*question.segments, *(each.dimension for each in question.filters)]
    return sorted({name.removeprefix(TRAIT) for name in asked if name.startswith(TRAIT)})


def _column(question: Question, dimension: str) -> str:
    if dimension.startswith(TRAIT):
        return f"trait_{trait_names(question).index(dimension.removeprefix(TRAIT))}"
    return dimension


def _condition(question: Question, number: int, each: Filter) -> str:
    """A filter over its column: absent values are '' there; `ne` and `nin` let them pass."""
    column, bound = _column(question, each.dimension), f"{{filter_{number}:Array(String)}}"
    match each.operator:
        case "eq" | "in":
            return f"has({bound}, toString({column}))"
        case _:
            return f"NOT has({bound}, toString({column}))"


def _conditions(question: Question) -> str:
    return " AND ".join(_condition(question, *each) for each in enumerate(question.filters)) or "1"


def _traits(question: Question) -> dict[str, str]:
    """One relation a trait: person to the latest value before `at`."""
    return {
        f"trait_values_{number}": f"""
    SELECT if(p.person != '', p.person, t.row.1) AS whose,
      argMax(t.row.2, (t.row.3, t.row.4, UUIDToNum(t.event_id))) AS value
    FROM (SELECT event_id, argMin((actor, value, toUnixTimestamp64Milli(time), sequence), (time, hash)) AS row
          FROM traits WHERE tenant = {{tenant:String}} AND trait = {{trait_{number}:String}} AND time < $at
          GROUP BY event_id) AS t
    LEFT JOIN people AS p ON p.actor = t.row.1
    GROUP BY whose"""
        for number, _ in enumerate(trait_names(question))
    }


def _with_person(question: Question, rows: str) -> str:
    """`rows` with `person` ("" without actor) and a column for each trait that is asked for."""
    traits = range(len(trait_names(question)))
    columns = "".join(f", v{number}.value AS trait_{number}" for number in traits)
    joins = "".join(f" LEFT JOIN trait_values_{number} AS v{number} ON v{number}.whose = r.person" for number in traits)
    return f"SELECT r.*{columns} FROM ({with_person(rows)}) AS r{joins}"


def _selected_events(question: Question) -> str:
    """The events that an event metric reads, filtered: canonical copies, or every copy where a fact keeps every one."""
    options = question.metric.options
    names = _names_condition(question)
    own_columns = (*_EVENT_COLUMNS, *options.get("columns", ()))
    columns = ", ".join([*_EVENT_COLUMNS, *_properties(question)])
    if options.get("every_copy"):
        rows = f"""SELECT event_id, toUnixTimestamp64Milli(time) AS entered, name AS event, {columns}
        FROM events WHERE tenant = {{tenant:String}} AND time >= $low AND time < $until AND person_class {names}"""
    else:
        own = ", ".join(f"own_{column} AS {column}" for column in own_columns)
        rows = f"SELECT event_id, entered, own_name AS event, {own} FROM ({copies_apart(own_columns)})"
        if "lookahead" in options:
            rows = rows.replace("$until", "$reach")
        if names:  # after the copies are told apart: a copy may carry another name
            rows = f"SELECT * FROM ({rows}) WHERE {names.removeprefix('AND ')}"
    if _needs_people(question):
        rows = _with_person(question, rows)
    return f"SELECT * FROM ({rows}) WHERE {_conditions(question)}"


def _properties(question: Question) -> list[str]:
    """Dimensions that events carry in their properties, where a filter asks for them."""
    known: Mapping[str, str] = question.metric.options.get("properties", {})
    asked = {each.dimension for each in question.filters}
    return [f"{told(known[name])} AS {name}" for name in sorted(asked & set(known))]


def _names(question: Question) -> list[str] | None:
    """The only event names that count, or None for all."""
    family = question.metric.options.get("family")
    if family:
        return sorted(names_of_family(family))
    chosen = question.parameters.get("events")
    return None if chosen is None else sorted(chosen)


def _names_condition(question: Question) -> str:
    return "" if _names(question) is None else "AND name IN {names:Array(String)}"


def uses_activity_facts(question: Question) -> bool:
    """Whether the quarter-hours of the activity facts answer exactly: nothing that they lack is asked for, and days are
    cut at quarter-hours (every zone of today; some of long ago are not).
    """
    parameters = question.parameters
    return (
        "units_from_facts" in question.metric.options
        and not question.segments
        and not question.filters
        and parameters.get("events") is None
        and parameters.get("min_events", 1) == 1
        and question.start < question.until
        and all(edge % QUARTER_MS == 0 for edge in (question.start, *_day_ends(question)[:-1]))
    )


def _day_ends(question: Question) -> list[int]:
    return local_day_ends(question.start, question.until, question.tz)


def _intervals(question: Question) -> dict[str, Any]:
    """The intervals of `active_in`, in quarter-hours: local days for stickiness, else the whole span."""
    ends = _day_ends(question) if question.metric.shape is Shape.STICKINESS else [question.until]
    begun = question.until // QUARTER_MS * QUARTER_MS
    return {
        "interval_starts": [edge // QUARTER_MS for edge in (question.start, *ends[:-1])],
        "interval_ends": [edge // QUARTER_MS for edge in (*ends[:-1], begun)],
        "begun": begun,
    }


def _needs_people(question: Question) -> bool:
    metric = question.metric
    return bool(metric.options.get("people") or metric.clustered or question.interval or trait_names(question))


def _has_person(question: Question) -> bool:
    """Whether the units come with their person."""
    metric = question.metric
    if metric.options.get("source") == "events":
        return bool(metric.options.get("people"))
    return bool(metric.selects) or _needs_people(question)


def _rows(question: Question) -> str:
    """The units with person, traits and filters applied."""
    rows = question.metric.units_sql(question.parameters)
    if question.metric.selects or question.metric.options.get("source") == "events":
        return rows.replace("$traits", "".join(f", trait_{n}" for n, _ in enumerate(trait_names(question))))
    if _needs_people(question):
        rows = _with_person(question, rows)
    return f"SELECT * FROM ({rows}) WHERE {_conditions(question)}"


def _units(question: Question) -> dict[str, str]:
    """The units, and what they are chosen from where it depends on the others which of them count."""
    rows, narrowed = _rows(question), question.metric.narrowed
    return {"units": rows} if narrowed is None else {"filtered": rows, "units": narrowed(question.parameters)}


def _selected(question: Question) -> dict[str, str]:
    """What filters choose from before units are made of it."""
    if question.metric.options.get("source") == "events":
        return {"selected_events": _selected_events(question)}
    if question.metric.selects:
        rows = _with_person(question, question.metric.selects_sql(question.parameters))
        if question.metric.options.get("marks"):  # what is not selected matters too
            return {"selected_rows": f"SELECT *, {_conditions(question)} AS is_selected FROM ({rows})"}
        return {"selected_rows": f"SELECT * FROM ({rows}) WHERE {_conditions(question)}"}
    return {}


def _reach(question: Question) -> int:
    """Up to when something can still matter to a unit of the window."""
    ahead = question.metric.options.get("lookahead", 0)
    length = int(question.parameters[ahead]) if isinstance(ahead, str) else ahead
    return max(question.until, min(question.at, question.end + length)) if length else question.until


def _calendar(question: Question) -> Mapping[str, Any]:
    calendar = question.metric.calendar
    told = {**question.parameters, **question.bound}
    return {} if calendar is None else calendar(question.start, question.end, question.tz, told)


def _bound(question: Question) -> dict[str, Any]:
    metric = question.metric
    values: dict[str, Any] = {
        "tenant": question.tenant,
        "start": question.start,
        "until": question.until,
        "end": question.end,
        "preceding": question.preceding,
        "at": question.at,
        "tz": question.tz,
        "entity": "cart",
        "reach": _reach(question),
        "low": question.start - int(metric.options.get("lookback", 0)),
        "tenant_currency": question.currency,
        "scaled_currencies": list(MINOR_DIGITS),
        "scales": [10 ** (STORED_DIGITS - digits) for digits in MINOR_DIGITS.values()],
        "names": _names(question) or [],
        **question.bound,
        **_calendar(question),
    }
    for name, value in question.parameters.items():
        match value:
            case None:
                values[name] = ""
            case bool():
                values[name] = int(value)
            case tuple():
                values[name] = list(value)
            case _:
                values[name] = value
    for number, trait in enumerate(trait_names(question)):
        values[f"trait_{number}"] = trait
    for number, each in enumerate(question.filters):
        values[f"filter_{number}"] = list(each.values) or [""]
    return values


def _defined(name: str, body: str, named: Mapping[str, str], select: str) -> str:
    """A relation that is read once is left to the optimiser, which drops what nobody reads of it; others are kept."""
    uses = sum(len(re.findall(rf"\b{name}\b", text)) for text in (*named.values(), select))
    return f"{name} AS {'MATERIALIZED ' if uses > 1 else ''}({body})"


def statement(
    question: Question, select: str, extra: Mapping[str, Any] | None = None, units: str | None = None
) -> Statement:
    """`select` reads `units`; the relations that are needed come before it, each computed once."""
    parts = {"units": units} if units else {**_selected(question), **_units(question)}
    parts = {**_traits(question), **parts}
    needed = named_in(" ".join([*parts.values(), select]))
    named = {**{relation.name: relation.sql for relation in needed}, **parts}
    sql = "WITH " + ",\n".join(_defined(name, body, named, select) for name, body in named.items()) + "\n" + select
    values = {**_bound(question), **(extra or {})}
    for name in ("start", "until", "at", "low", "begun", "reach"):
        sql = sql.replace(f"${name}", f"fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')")
    bound = {name: value for name, value in values.items() if f"{{{name}:" in sql}
    return Statement(sql, bound, "people" in named)


COUNTED = "reason = ''"
_KNOWABLE = f"reason IN ('', '{PENDING}')"
_MOST_EVENTS = 100
"""Events listed to explain one person."""


def aggregates(question: Question, *, apart: bool = False) -> dict[str, str]:
    """What is computed of the units, by the name of the `Cell` field that it fills. `apart`: of a part, so that the
    ages of the settled are needed too, for a whole that has younger parts.
    """
    metric = question.metric
    excluded = f"sumMapIf(map(reason, toUInt64(1)), reason NOT IN ('', '{ASIDE}', '{PENDING}'))"
    also = {f"also_{name}": f"countIf({name})" for name in metric.options.get("also_excluded", ())}
    nothing = {"excluded": excluded, **also}
    details = {f"detail_{name}": f"toInt64(sum({name}))" for name in metric.summed if not name.endswith("_seconds")}
    match metric.shape:
        case Shape.COUNT:
            return {"n": f"countIf({COUNTED})", **nothing, **details}
        case Shape.MEAN:
            return {
                "n": f"countIf({COUNTED})",
                "values": f"sumMapIf([('', toInt64(amount))], [toUInt64(1)], {COUNTED})",
                **nothing,
                **details,
            }
        case Shape.MONEY:
            return {
                "n": f"countIf({COUNTED})",
                "amounts": f"sumMapIf(map(toString(currency), toInt64(amount)), {COUNTED})",
                "counts": f"sumMapIf(map(toString(currency), toInt64(1)), {COUNTED})",
                **nothing,
            }
        case Shape.WEIGHED:
            return {
                "n": f"countIf({COUNTED} AND below > 0)",
                "numerator": f"toInt64(sumIf(above, {COUNTED}))",
                "denominator": f"toInt64(sumIf(below, {COUNTED}))",
                "mature": f"countIf({COUNTED} AND below > 0 AND {{at:Int64}} >= entered + h)",
                "last_known": f"maxIf(entered + h, {COUNTED})",
                **nothing,
                **details,
            }
        case Shape.MONEY_AVERAGE:
            return {
                "n": f"countIf({COUNTED})",
                "values": f"sumMapIf([(toString(currency), toInt64(amount))], [toUInt64(1)], {COUNTED})",
                **nothing,
            }
        case Shape.RATIO:
            return {
                "n": f"countIf({COUNTED} AND below != 0)",
                "denominator": f"toInt64(sumIf(below, {COUNTED}))",
                "mature": f"countIf({COUNTED} AND below != 0 AND {{at:Int64}} >= entered + {_longest(question)})",
                "numerator": f"toInt64(sumIf(above, {COUNTED}))",
                **nothing,
                **details,
            }
        case Shape.PER_PERSON:
            return {
                "n": "countIf(is_counted)",
                "values": "sumMapIf([('', toInt64(things))], [toUInt64(1)], is_counted)",
                "excluded": "sumMap(left_out)",
            }
        case Shape.RATE:
            done, hit = _DONE, _hit(question)
            young = f"countIf({COUNTED} AND {{at:Int64}} < entered + h) > 0" if metric.has_curve else "0"
            young = "1" if apart and metric.has_curve else young
            nobody = "(emptyArrayInt64(), emptyArrayUInt64())"
            died, left = f"{COUNTED} AND {done}", f"{COUNTED} AND NOT ({done})"
            return {
                "n": f"countIf({COUNTED})",
                "numerator": f"countIf({COUNTED} AND {hit})",
                "mature": f"countIf({_KNOWABLE} AND {{at:Int64}} >= entered + h)",
                "members": f"countIf({_KNOWABLE})",
                "events": f"if({young}, {_tallied('outcome_at - entered', died)}, {nobody})",
                "last_known": f"maxIf(entered + h, {COUNTED})" if metric.own_horizons else "toInt64(0)",
                "censored": f"if({young}, {_tallied(_censored_age(question), left)}, {nobody})",
                "persons": f"uniqExactIf(if(actor = '', id, person), {COUNTED})" if metric.clustered else "0",
                **nothing,
                **details,
                **{
                    f"tally_{name}": f"sumMapIf(mapFromArrays({name}, arrayMap(x -> toUInt64(1), {name})), {COUNTED})"
                    for name in metric.tallied
                },
            }
        case Shape.DURATION:
            return {
                "n": "countIf(counted)" if question.by_cohort else "countIf(closed)",
                "mature": "countIf(counted AND closed)",
                "numerator": "toInt64(sumIf(duration, closed))",
                "durations": "arraySort(groupArrayIf(toInt64(duration), closed))",
                "events": _tallied("age", "km = 1"),
                "censored": _tallied("age", "km = 2"),
                **nothing,
            }
        case Shape.SCORE:
            score = "concat(toString(score_sum), '/', toString(score_of), '/', toString(good), '/', stratum)"
            respondents = f"uniqExactIf(person, {COUNTED} AND actor != '')"
            return {
                "n": f"countIf({COUNTED})",
                "mature": f"countIf({COUNTED} AND {{at:Int64}} >= entered + h)",
                "persons": f"uniqExactIf(if(actor = '', id, person), {COUNTED})",
                "scores": f"sumMapIf(map({score}, toUInt64(1)), {COUNTED})",
                **nothing,
                **({"detail_respondents": respondents} if "respondents" in metric.details else {}),
            }
        case Shape.MIX:
            answered = f"{COUNTED} AND notEmpty(classes)"
            return {
                "n": f"countIf({answered})",
                "persons": f"uniqExactIf(if(actor = '', id, person), {answered})",
                "classes": "sumMap(mapFromArrays(classes, arrayMap(c -> toUInt64(1), classes)))",
                **nothing,
                **details,
            }
        case Shape.LEVEL:
            return {
                "n": "countIf(counted)",
                "durations": "arraySort(groupArrayIf(toInt64(age), counted))",
                **nothing,
                **details,
            }
        case Shape.DISTINCT:
            return {"n": f"uniqExactIf(person, {_qualified(question)})", "excluded": _excluded_events()}
        case Shape.STICKINESS:
            return {
                "n": f"uniqExactIf(person, {COUNTED})",
                "person_days": f"uniqExactIf((person, day), {COUNTED})",
                "last_week": f"uniqExactIf(person, {COUNTED} AND day > {{days:Int64}} - 7)",
                "last_day": f"uniqExactIf(person, {COUNTED} AND day = {{days:Int64}})",
                "excluded": _excluded_events(),
            }


def _tallied(age: str, condition: str) -> str:
    """How many units that meet the condition have each age."""
    return f"sumMapIf([toInt64({age})], [toUInt64(1)], {condition})"


UNBOUNDED = 10**15
"""Longer than any age (ms): where horizons are the units' own, one past its own has no outcome at any age."""
_DONE = "outcome_at > 0 AND outcome_at - entered < h"


def _hit(question: Question) -> str:
    """Whether a unit of a rate counts in its numerator."""
    return {"presence": _DONE, "absence": f"NOT ({_DONE})", "mark": "hit"}[question.metric.options["outcome"]]


def _censored_age(question: Question) -> str:
    """How long a unit without outcome was watched. One past its own horizon is known to have none, so it stays at risk
    to the longest horizon: leaving it out there would let the few units that may take longer speak for all.
    """
    if not question.metric.has_curve:
        return "toInt64(0)"
    if question.metric.own_horizons:
        return f"if({{at:Int64}} - entered >= h, toInt64({UNBOUNDED}), {{at:Int64}} - entered)"
    return f"if({{at:Int64}} - entered >= h, {_longest(question)}, {{at:Int64}} - entered)"


def _longest(question: Question) -> str:
    """The longest of the horizons, 0 if there is none."""
    return f"greatest({', '.join(['toInt64(0)', *(f'{{{name}:Int64}}' for name in question.metric.horizons)])})"


_FREQUENT = f"""SELECT person FROM units WHERE {COUNTED} GROUP BY person
    HAVING uniqExact(event_id) >= {{min_events:Int64}}"""


def _qualified(question: Question) -> str:
    if question.parameters["min_events"] == 1:
        return COUNTED
    return f"{COUNTED} AND person IN ({_FREQUENT})"


def _excluded_events() -> str:
    each = ", ".join(f"'{key}', toUInt64(uniqExactIf(event_id, reason = '{key}'))" for key in ("bot", "no_actor"))
    return f"mapFilter((k, v) -> v > 0, map({each}))"


def segment_keys(question: Question) -> tuple[list[str], str]:
    """The names under which segment values are grouped, and the columns that give them, each with a comma after it."""
    names = [f"segment_{number}" for number, _ in enumerate(question.segments)]
    keys = "".join(
        f"toString({_column(question, dimension)}) AS {name}, "
        for name, dimension in zip(names, question.segments, strict=True)
    )
    return names, keys


def in_numerator(question: Question) -> str:
    """Whether a counted unit stands in the numerator."""
    return _hit(question) if question.metric.shape is Shape.RATE else _good(question)


def ages(question: Question) -> tuple[str, str, str]:
    """Of a unit of a rate: whether it had its outcome, at what age, and else how long it was watched."""
    return _DONE, "outcome_at - entered", _censored_age(question)


def counting(question: Question, starts: Sequence[int] = ()) -> tuple[Statement, tuple[str, ...]]:
    """The statement that counts, and the names of its columns after `is_total` and the segment's values. With `starts`,
    also of the units that enter from each of them to the next: one more column comes first, where they enter (null: in
    the whole window).
    """
    counted = aggregates(question)
    rows = "units"
    extra: dict[str, Any] = {}
    units: str | None = None
    if question.metric.shape is Shape.STICKINESS:
        edges = _day_ends(question)
        extra = {"edges": edges, "days": len(edges)}
    if uses_activity_facts(question):
        units = question.metric.options["units_from_facts"]
        extra |= _intervals(question)
    elif question.metric.shape is Shape.STICKINESS:
        rows = "(SELECT *, arrayFirstIndex(edge -> entered < edge, {edges:Array(Int64)}) AS day FROM units)"
    names, keys = segment_keys(question)
    together = ", ".join(names)
    is_total = f"toUInt8(grouping({together}) > 0)" if names else "1"
    grouped = f"GROUP BY GROUPING SETS ((), ({together}))" if names else ""
    values = ", ".join(f"{sql} AS out_{name}" for name, sql in counted.items())
    if question.metric.shape is Shape.PER_PERSON:
        rows = f"({_of_each_person(f'{is_total} AS is_total, {keys}', names)})"
        grouped, is_total, keys = (
            f"GROUP BY {', '.join(['is_total', *names])}",
            "is_total",
            "".join(f"{n}, " for n in names),
        )
    where = ""
    if starts:
        extra["starts"] = list(starts)
        rows = f"(SELECT *, roundDown(toInt64(entered), {{starts:Array(Int64)}}) AS step FROM {rows})"
        where = "if(grouping(step) > 0, NULL, step) AS entered_from, "
        cut = f", ({together}), (step, {together})" if names else ""
        grouped = f"GROUP BY GROUPING SETS ((), (step){cut})"
    select = f"SELECT {where}{is_total} AS is_total, {keys}{values} FROM {rows} {grouped}"
    return statement(question, select, extra, units), tuple(counted)


_HEADLINE = f"""if({{wanted:String}} != '', {{wanted:String}}, (
    SELECT if(count() = 0, '', argMin(name, (-times, name))) FROM (
      SELECT arrayJoin(classes) AS name, toInt64(count()) AS times FROM units WHERE {COUNTED} GROUP BY name)))"""


def _good(question: Question) -> str:
    """Whether a counted unit is in the numerator, where not all of them are."""
    if question.metric.shape is Shape.MIX:
        return f"has(classes, {_HEADLINE})"
    if question.metric.shape in (Shape.RATIO, Shape.WEIGHED):
        return "above != 0"
    score = question.metric.score
    return "good" if score is not None and score.pool in ("share", "wilson_lower") else "1"


def _of_each_person(keys: str, names: Sequence[str]) -> str:
    """What each person has, in total and under each combination of segment values."""
    cut = f", ({', '.join([*names, 'person'])})" if names else ""
    return f"""SELECT {keys}person, uniqExactIf(thing, {COUNTED} AND thing != '') AS things,
      countIf({COUNTED}) > 0 AS is_counted, sumMapIf(map(reason, toUInt64(1)), reason != '') AS left_out
      FROM units GROUP BY GROUPING SETS ((person){cut})"""


def listing(question: Question) -> str:
    """A SELECT of the units, counted or left out, as they are shown; it reads `units`."""
    shape = question.metric.shape
    shown = {
        Shape.DURATION: "counted OR reason != ''",
        Shape.LEVEL: "counted",
        Shape.RATE: f"reason NOT IN ('{ASIDE}', '{PENDING}')",
        Shape.WEIGHED: "reason != '' OR above != 0 OR below != 0",
        Shape.MIX: "reason != '' OR notEmpty(classes)",
    }.get(shape, "1")
    rows = f"SELECT * FROM units WHERE {shown}"
    if shape in (Shape.DISTINCT, Shape.STICKINESS):
        chosen = _qualified(question) if shape is Shape.DISTINCT else COUNTED
        rows = f"""SELECT if(reason = '', person, toString(event_id)) AS id, min(entered) AS entered, person, reason,
          arraySlice(arraySort(groupUniqArray(event_id)), 1, {_MOST_EVENTS}) AS event_ids
          FROM units WHERE reason != '' OR ({chosen}) GROUP BY id, person, reason"""
    if not _has_person(question):
        rows = with_person(rows)
    if shape is Shape.PER_PERSON:
        rows = f"""SELECT whose AS id, min(entered) AS entered, person, reason,
          arraySlice(arraySort(groupUniqArrayArray(event_ids)), 1, {_MOST_EVENTS}) AS event_ids
          FROM (SELECT *, if(reason = '', person, id) AS whose FROM ({rows})) GROUP BY whose, person, reason"""
    columns = {
        "id": "id",
        "entered": "entered",
        "person": "person",
        "reason": "reason",
        "outcome_at": "outcome_at" if shape in (Shape.RATE, Shape.DURATION) else "toInt64(0)",
        "outcome_id": "outcome_id" if shape in (Shape.RATE, Shape.DURATION) else "''",
        "is_hit": f"toUInt8({in_numerator(question)})",
        "duration": "toInt64(duration)" if shape is Shape.DURATION else "toInt64(0)",
        "event_ids": "arrayMap(e -> toString(e), event_ids)",
        "horizon": "toInt64(h)" if shape is Shape.RATE else "toInt64(0)",
        "moments": f"[{', '.join(f'toInt64({moment.at})' for moment in moments(question))}]",
    }
    listed = ", ".join(f"{sql} AS out_{name}" for name, sql in columns.items())
    only = " WHERE id = {unit_id:String}" if question.unit_id else ""
    return f"SELECT {listed} FROM ({rows}){only}"


def explaining(question: Question, after: tuple[int, str] | None, limit: int) -> Statement:
    """The statement that lists units by (entered, id) after a place; each row carries the total."""
    place = "WHERE (out_entered, out_id) > ({after_entered:Int64}, {after_id:String})" if after else ""
    sql = f"""SELECT * FROM (SELECT *, count() OVER () AS total FROM ({listing(question)})) {place}
    ORDER BY out_entered, out_id LIMIT {{limit:UInt32}}"""
    extra: dict[str, Any] = {"limit": limit, "unit_id": question.unit_id}
    if after:
        extra |= {"after_entered": after[0], "after_id": after[1]}
    return statement(question, sql, extra)


def events_behind(tenant: str, event_ids: Sequence[str]) -> Statement:
    """Of some events the producers' id, the name, the time, and the request that brought it."""
    sql = """SELECT toString(event_id), min(message_id), argMin(name, (time, hash)), toUnixTimestamp64Milli(min(time)),
      argMin(request_id, (time, hash))
    FROM events
    WHERE tenant = {tenant:String} AND event_id IN (SELECT toUUID(arrayJoin({ids:Array(String)}))) GROUP BY event_id"""
    return Statement(sql, {"tenant": tenant, "ids": list(event_ids)}, False)
