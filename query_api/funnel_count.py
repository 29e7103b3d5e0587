"""Asks the store about a funnel: how far its units came, in total and by segment, and which units these are."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from query_api.compile import TRAIT, Statement, events_behind, statement, trait_names
from query_api.count import run
from query_api.funnel_question import FunnelRequest
from query_api.question import Question
from schemas.ports import Store

_COUNTED = "reason = ''"


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many reached a step, after how long from the one before (ascending, ms), and of those who did not: since
    when they wait (ascending, ms), and how many can no longer.
    """

    people: int = 0
    ages: Sequence[int] = ()
    young: Sequence[int] = ()
    past: int = 0


@dataclass(frozen=True, slots=True)
class FunnelCell:
    """The counts of the total (`segment` empty) or of one combination of segment values."""

    segment: tuple[str | None, ...] = ()
    n: int = 0
    mature: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    steps: Sequence[StepCount] = ()


@dataclass(frozen=True, slots=True)
class FunnelUnit:
    """One unit: when it reached each step, by which events; times in ms."""

    id: str
    entered: int
    person: str
    reason: str
    times: Sequence[int]
    event_ids: Sequence[str]
    message_ids: Sequence[str]
    segment: tuple[str | None, ...]


class CountFunnel(Protocol):
    def __call__(self, store: Store, request: FunnelRequest) -> Awaitable[Sequence[FunnelCell]]: ...


class ListFunnel(Protocol):
    def __call__(
        self, store: Store, request: FunnelRequest, after: tuple[int, str] | None, limit: int
    ) -> Awaitable[tuple[int, Sequence[FunnelUnit]]]: ...


def _segment_columns(question: Question) -> list[str]:
    """The values of the asked segments of a unit, by its first event or by its last."""
    columns = ["person", *question.parameters["cut"], *(TRAIT + name for name in trait_names(question))]
    of = "last_of" if question.parameters["breakdown"] == "last" else "first_of"
    return [f"toString({of}.{columns.index(name) + 1})" for name in question.segments]


def counting_funnel(request: FunnelRequest) -> Statement:
    """One row for the total and one a segment: `is_total`, the segment's values, n, mature, excluded; the ages at each
    step from the second on; by the last step that was reached the waits of those who may go on, and how many cannot.

    Few expressions, as the engine plans each over the whole of so deep a query, and no `if`, before which it would put
    off and repeat the work of a unit's chain.
    """
    question = request.question
    names = [f"segment_{number}" for number, _ in enumerate(question.segments)]
    columns = "".join(f", {sql} AS {name}" for sql, name in zip(_segment_columns(question), names, strict=True))
    together = ", ".join(names)
    is_total = f"toUInt8(grouping({together}) > 0)" if names else "1"
    grouped = f"GROUP BY GROUPING SETS ((), ({together}))" if names else ""
    select = f"""SELECT {is_total} AS is_total, {"".join(f"{name}, " for name in names)}sum(counted) AS n,
      sum(is_mature) AS mature, sumMap(left_out) AS excluded,
      arrayMap(a -> arraySort(a), groupArrayForEach(gaps)) AS ages,
      mapApply((k, a) -> (k, arraySort(a)), groupArrayMap(waiting)) AS young, sumMap(gone) AS past
    FROM (
      SELECT reason = '' AS counted, length(times) AS level, {{at:Int64}} - times[1] AS age,
        counted * (age >= {max(request.limits)}) AS is_mature,
        counted * (level < {len(request.labels)}) * (1 + (age >= {{limits:Array(Int64)}}[level + 1])) AS stays,
        arrayFilter(x -> x.1 != '', [(reason, toUInt64(1))])::Map(String, UInt64) AS left_out,
        arrayPopFront(arrayDifference(times)) AS gaps,
        arrayFilter((x, s) -> s = 1, [(level, {{at:Int64}} - times[-1])], [stays])::Map(UInt64, Int64) AS waiting,
        arrayFilter((x, s) -> s = 2, [(level, toUInt64(1))], [stays])::Map(UInt64, UInt64) AS gone{columns}
      FROM units) {grouped}"""
    return statement(question, select)


async def count_funnel(store: Store, request: FunnelRequest) -> list[FunnelCell]:
    """The total first, then one cell per combination of segment values that anything was counted under."""
    width, steps = len(request.question.segments), range(1, len(request.labels))
    total, cells = FunnelCell(steps=(StepCount(),) * len(request.labels)), []
    for is_total, *row in await run(store, request.question, counting_funnel(request)):
        n, mature, excluded, ages, young, past = row[width:]
        reached = [*ages, *[()] * len(steps)]
        cell = FunnelCell(
            segment=() if is_total else tuple(value or None for value in row[:width]),
            n=n,
            mature=mature,
            excluded={key: int(value) for key, value in sorted(excluded.items()) if value},
            steps=[
                StepCount(n),
                *(StepCount(len(reached[k - 1]), reached[k - 1], young.get(k, ()), past.get(k, 0)) for k in steps),
            ],
        )
        if is_total:
            total = cell
        elif n:
            cells.append(cell)
    return [total, *cells]


def listing_funnel(request: FunnelRequest, after: tuple[int, str] | None, limit: int) -> Statement:
    """The statement that lists units by (entered, id) after a place; each row carries the total."""
    question = request.question
    step, outcome = question.parameters["step"], question.parameters["outcome"]
    chosen = {
        "reached": f"{_COUNTED} AND length(times) >= {step}",
        "dropped": f"{_COUNTED} AND length(times) = {step - 1}",
        "excluded": f"NOT ({_COUNTED})",
    }[outcome]
    by_event = "1" if question.parameters["counting"] == "attempts" else f"NOT ({_COUNTED})"
    segments = ", ".join(_segment_columns(question))
    place = "WHERE (entered, id) > ({after_entered:Int64}, {after_id:String})" if after else ""
    dimensions = f"[{segments}]" if segments else "emptyArrayString()"
    select = f"""SELECT * FROM (
      SELECT if({by_event}, toString(event_id), whose) AS id, times[1] AS entered, first_of.1 AS person, reason,
        times, arrayMap(e -> toString(e), chain_ids) AS event_ids, {dimensions} AS of,
        count() OVER () AS total
      FROM units WHERE {chosen}) {place}
    ORDER BY entered, id LIMIT {{limit:UInt32}}"""
    extra: dict[str, Any] = {"limit": limit}
    if after:
        extra |= {"after_entered": after[0], "after_id": after[1]}
    return statement(question, select, extra)


async def list_funnel(
    store: Store, request: FunnelRequest, after: tuple[int, str] | None, limit: int
) -> tuple[int, list[FunnelUnit]]:
    """How many units there are, and up to `limit` of them by (entered, id) after a place."""
    question = request.question
    rows = await run(store, question, listing_funnel(request, after, limit))
    wanted = sorted({event_id for row in rows for event_id in row[5]})
    behind = await run(store, question, events_behind(question.tenant, wanted)) if wanted else []
    found = {event_id: message_id for event_id, message_id, *_ in behind}
    units = [
        FunnelUnit(
            unit_id, entered, person, reason, times, event_ids,
            [found[event_id] for event_id in event_ids if event_id in found],
            tuple(value or None for value in of),
        )
        for unit_id, entered, person, reason, times, event_ids, of, _ in rows
    ]  # fmt: skip
    return (rows[0][-1] if rows else 0), units
