"""Asks the store: a question's cells (total and segments), and the units behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from query_api import identity
from query_api.bucketing import bucketing
from query_api.compile import Statement, counting, events_behind, explaining
from query_api.mix import most_frequent
from query_api.question import Cell, Question, Scored
from query_api.resampling import resampled
from query_api.statistics import quantile
from query_api.story import Happened
from schemas.metrics.metric import Metric, Shape
from schemas.periods import HOUR_MS
from schemas.ports import Store


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit behind a number; times in ms, `outcome_at` None where there is none."""

    id: str
    entered: int
    person: str
    reason: str | None
    outcome_id: str | None
    outcome_at: int | None
    duration: int | None
    counted: str
    event_ids: list[str]
    message_ids: list[str]
    horizon: int = 0
    moments: Sequence[int] = ()
    events: Sequence[Happened] = ()


async def run(store: Store, question: Question, statement: Statement) -> list[tuple[Any, ...]]:
    """The rows of a statement; who is who is looked up first, where it asks for people."""
    return await store.query(statement.sql, await identity.bound(store, statement, question.tenant, question.at))


async def count(store: Store, question: Question) -> list[Cell]:
    """The total first, then one cell per combination of segment values."""
    statement, names = counting(question)
    total, cells = _cells(question, names, await run(store, question, statement))
    found_cells = await _finished(store, question, total, cells)
    return await resampled(store, question, found_cells) if question.interval else found_cells


async def count_with_cuts(store: Store, question: Question, cuts: Sequence[str]) -> dict[str, list[Cell]]:
    """What `count` finds in total ("") and by each of several dimensions, by one statement. For metrics that count a
    unit at a time (`Metric.unit_by_unit`).
    """
    statement, names = bucketing(question, [question.start], cuts)
    edges = [question.start, max(question.until, question.start + 1)]
    found = bucketed(question, names, cuts, edges, await run(store, question, statement))
    (total,) = await _finished(store, question, _of_one_part(found[""][0][0]), ())
    return {"": [total]} | {
        cut: [total, *(replace(_of_one_part(cell), longer=total.longer) for cell in found[cut][0])] for cut in cuts
    }


def _of_one_part(cell: Cell) -> Cell:
    """Where all units are of one part, all that has to be known is whether there is one before of the same person."""
    return replace(cell, persons=cell.n - bool(cell.persons))


async def _finished(store: Store, question: Question, total: Cell, cells: Sequence[Cell]) -> list[Cell]:
    """With what is counted beside the units, and what is made of it."""
    metric = question.metric
    if metric.beside:
        found = {name: await _beside(store, question, other) for name, other in metric.beside.items()}
        total = replace(total, details={**total.details, **found})
    if metric.longer:
        longer = {name: await _longer(store, question, length) for name, length in metric.longer.items()}
        total, cells = replace(total, longer=longer), [replace(cell, longer=longer) for cell in cells]
    whole = {**total.details, "n": total.n, "hours": (question.until - question.start) / HOUR_MS}
    derived = {name: derive(whole) for name, derive in metric.derived.items()}
    return [replace(total, details={**total.details, **derived}), *cells]


async def count_apart(store: Store, question: Question, starts: Sequence[int]) -> list[list[Cell]]:
    """What `count` finds in the whole window, then in the part from each of `starts` to the next, by one statement.

    For metrics whose units are counted by their entry alone (`Metric.by_entry`).
    """
    statement, names = counting(question, starts)
    found: dict[int | None, list[tuple[Any, ...]]] = {place: [] for place in (None, *starts)}
    for place, *row in await run(store, question, statement):
        found[place].append(tuple(row))
    parts = [_cells(question, names, rows) for rows in found.values()]
    return [[total, *cells] for total, cells in parts]


def bucketed(
    question: Question, names: Sequence[str], cuts: Sequence[str], edges: Sequence[int], rows: Iterable[tuple[Any, ...]]
) -> dict[str, list[list[Cell]]]:
    """From the rows of `bucketing`: for the total ("") and each cut its cells of each part that `edges` make."""
    parts = len(edges) - 1
    nothing = _cells(question, names, ())[0]
    found: dict[str, list[list[Cell]]] = {"": [[nothing] for _ in range(parts)]}
    found |= {cut: [[] for _ in range(parts)] for cut in cuts}
    places = {edge: place for place, edge in enumerate(edges[:-1])}
    for start, number, value, *values in rows:
        counted = dict(zip(names, values, strict=True))
        if not number:
            found[""][places[start]] = [_cell(question, (), counted)]
            continue
        cell = _cell(question, (value or None,), counted)
        if cell.n or cell.events or cell.censored:
            found[cuts[number - 1]][places[start]].append(cell)
    return found


def _cells(question: Question, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> tuple[Cell, list[Cell]]:
    """The total, and the cells of the segments, from rows of one window."""
    width, metric = len(question.segments), question.metric
    total, cells = _cell(question, (), {name: _nothing(name) for name in names}), []
    for is_total, *values in rows:
        counted = dict(zip(names, values[width:], strict=True))
        if is_total:
            total = _cell(question, (), counted)
        else:
            cell = _cell(question, tuple(value or None for value in values[:width]), counted)
            if cell.n or cell.events or cell.censored:
                cells.append(cell)
    if metric.details and not total.details:
        nothing = {name: _NO_DETAIL.get(name, 0) for name in metric.summed}
        total = replace(total, details={**nothing, **{name: made({}) for name, made in metric.tallied.items()}})
    if metric.shape is Shape.MIX:
        headline = question.bound["wanted"] or most_frequent(total.classes)
        total, cells = (replace(total, headline=headline), [replace(cell, headline=headline) for cell in cells])
    return total, cells


_NOTHING: Mapping[str, Any] = {
    **{name: {} for name in ("excluded", "amounts", "counts", "scores", "classes")},
    "durations": (),
    **dict.fromkeys(("events", "censored", "values"), ((), ())),
}
"""What is counted where there are no units, if it is not 0."""


def _nothing(name: str) -> Any:
    return {} if name.startswith("tally_") else _NOTHING.get(name, 0)


async def _longer(store: Store, question: Question, length: int | None) -> Sequence[Scored]:
    """The scores of a window that ends where this one does."""
    start = 0 if length is None else max(0, question.end - length)
    whole = replace(question.metric, longer={}, beside={}, derived={})
    return (await count(store, replace(question, metric=whole, start=start, segments=(), interval="")))[0].scores


async def _beside(store: Store, question: Question, other: Metric) -> int:
    """How many units of another metric, its parameters at their defaults, the same window and filters find."""
    parameters = {own.name: None if own.default is None else int(own.default) for own in other.parameters}
    asked = replace(question, metric=other, parameters=parameters, segments=(), bound={}, interval="")
    return (await count(store, asked))[0].n


_NO_DETAIL: dict[str, Any] = {"age_median_seconds": None}


def _cell(question: Question, segment: tuple[str | None, ...], counted: Mapping[str, Any]) -> Cell:
    excluded = {key: int(value) for key, value in sorted(counted["excluded"].items()) if value}
    excluded |= {
        name.removeprefix("also_"): value for name, value in counted.items() if name.startswith("also_") and value
    }
    details = {name.removeprefix("detail_"): value for name, value in counted.items() if name.startswith("detail_")}
    details |= {
        name: made({value: int(n) for value, n in counted[f"tally_{name}"].items()})
        for name, made in question.metric.tallied.items()
    }
    cell = Cell(segment=segment, n=counted["n"], numerator=counted["n"], excluded=excluded, details=details)
    match question.metric.shape:
        case Shape.MONEY:
            return _money(question, cell, counted)
        case Shape.MONEY_AVERAGE | Shape.PER_PERSON | Shape.MEAN:
            return _valued(question, cell, counted)
        case Shape.RATIO:
            return replace(
                cell, numerator=counted["numerator"], denominator=counted["denominator"], mature=counted["mature"]
            )
        case Shape.WEIGHED:
            names = ("numerator", "denominator", "mature", "last_known")
            return replace(cell, **{name: counted[name] for name in names})
        case Shape.RATE:
            return replace(
                cell,
                numerator=counted["numerator"],
                denominator=cell.n,
                mature=counted["mature"],
                members=counted["members"],
                last_known=counted["last_known"],
                persons=counted["persons"],
                events=_times(counted["events"]),
                censored=_times(counted["censored"]),
            )
        case Shape.DURATION:
            return replace(
                cell,
                numerator=counted["numerator"],
                denominator=len(counted["durations"]),
                mature=counted["mature"],
                durations=counted["durations"],
                events=_times(counted["events"]),
                censored=_times(counted["censored"]),
            )
        case Shape.SCORE:
            return replace(
                cell,
                mature=counted["mature"],
                persons=counted["persons"],
                scores=[_scored(key, int(n)) for key, n in sorted(counted["scores"].items())],
            )
        case Shape.MIX:
            classes = {name: int(n) for name, n in sorted(counted["classes"].items()) if n}
            return replace(cell, persons=counted["persons"], classes=classes)
        case Shape.LEVEL:
            ages = counted["durations"]
            middle = quantile(ages, 0.5) / 1000 if ages else None
            return replace(cell, details={**details, "age_median_seconds": middle})
        case Shape.STICKINESS:
            variant = question.parameters["variant"]
            people = {"mean": "person_days", "same_day": "last_day", "wau_mau": "last_week"}[variant]
            days = question.metric.options["days"] if variant == "mean" else 1
            return replace(cell, numerator=counted[people], denominator=days * cell.n)
        case _:
            return cell


def _times(tallied: tuple[Sequence[int], Sequence[int]]) -> dict[int, int]:
    """How often each value occurs."""
    return {int(value): int(n) for value, n in zip(*tallied, strict=True)}


def _scored(key: str, n: int) -> Scored:
    total, of, good, stratum = key.split("/", 3)
    return Scored(stratum, Fraction(int(total), int(of)), good == "1", n)


def _valued(question: Question, cell: Cell, counted: Mapping[str, Any]) -> Cell:
    own = (question.parameters.get("currency") or question.currency) if question.metric.money else ""
    found: dict[str, dict[int, int]] = {own: {}}
    for (currency, value), n in zip(*counted["values"], strict=True):
        found.setdefault(currency, {})[int(value)] = int(n)
    values = found.pop(own)
    n = sum(values.values())
    total = sum(value * times for value, times in values.items())
    return replace(cell, n=n, numerator=total, denominator=n, values=values, other_values=found)


def _money(question: Question, cell: Cell, counted: Mapping[str, Any]) -> Cell:
    own = question.parameters.get("currency") or question.currency
    others = {
        currency: (int(amount), int(counted["counts"][currency]))
        for currency, amount in sorted(counted["amounts"].items())
        if currency != own
    }
    amount, n = counted["amounts"].get(own, 0), counted["counts"].get(own, 0)
    return replace(cell, n=int(n), numerator=int(amount), by_currency=others)


async def explain(
    store: Store, question: Question, after: tuple[int, str] | None, limit: int
) -> tuple[int, list[Unit]]:
    """How many units there are, and up to `limit` of them by (entered, id) after a place."""
    rows = await run(store, question, explaining(question, after, limit))
    wanted = sorted({event_id for row in rows for event_id in row[8]})
    behind = await run(store, question, events_behind(question.tenant, wanted)) if wanted else []
    found = {event_id: (message_id, Happened(at, name, event_id, by)) for event_id, message_id, name, at, by in behind}
    units = [_unit(question, row, found) for row in rows]
    return (rows[0][-1] if rows else 0), units


def _unit(question: Question, row: tuple[Any, ...], found: Mapping[str, tuple[str, Happened]]) -> Unit:
    unit_id, entered, person, reason, outcome_at, outcome_id, is_hit, duration, event_ids, horizon, times, _ = row
    known = [found[event_id] for event_id in event_ids if event_id in found]
    shape = question.metric.shape
    has_outcome = outcome_at > 0
    if reason:
        counted = "excluded"
    elif shape is Shape.RATE:
        counted = "numerator" if is_hit else "denominator"
    elif shape is Shape.DURATION:
        counted = "numerator" if has_outcome else "denominator"
    else:
        counted = "numerator" if is_hit else "denominator"
    elapsed = None
    if has_outcome:
        elapsed = duration if shape is Shape.DURATION else outcome_at - entered
    return Unit(
        id=unit_id,
        entered=entered,
        person=person,
        reason=reason or None,
        outcome_id=outcome_id or None,
        outcome_at=outcome_at if has_outcome else None,
        duration=elapsed,
        counted=counted,
        event_ids=event_ids,
        message_ids=[message_id for message_id, _ in known],
        horizon=horizon,
        moments=times,
        events=[happened for _, happened in known],
    )
