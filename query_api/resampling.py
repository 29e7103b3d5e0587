"""Counts a question over again with every person drawn as often as the bootstrap says, in the store: it hands back the
replicates of each cell, never a row a person.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from query_api import identity
from query_api.bootstrap import CUTS, FEWEST, ratios, replicates, survivals
from query_api.compile import UNBOUNDED, Statement, ages, in_numerator, segment_keys, statement
from query_api.figures import longest_horizon
from query_api.platforms import shares
from query_api.question import Cell, Question
from schemas.currencies import units_of
from schemas.metrics.metric import Shape
from schemas.ports import Store

_MILLION = 1_000_000
_SEPARATOR = "\x1f"
MOST_CURVES = 40
"""Of more cells than these only the total's curve is drawn again."""
_AGES = 5_000
"""Ages that all curves together tell apart: with more units than that, ages are taken in steps of the horizon."""

_BASE = "reinterpretAsUInt64(substring(MD5(concat({seed:String}, cluster)), 1, 8))"
_DRAWN = "arrayMap(b -> intHash64(base + b), range({replicates:UInt32}))"
_WEIGHTS = f"arrayMap(v -> toInt64({' + '.join(f'(v >= {cut})' for cut in CUTS)}), {_DRAWN})"
_CLUSTER = "if(actor = '', concat('unit ', id), person)"
"""Whose units are drawn together; one of nobody is drawn by itself."""

Segment = tuple[str | None, ...]


def _sides(question: Question) -> tuple[str, str, str, int]:
    """Of a person's units: which count, what they add above and below, and by how much the quotient is too large."""
    metric, counted = question.metric, "reason = ''"
    match metric.shape:
        case Shape.RATIO:
            over, under = metric.scales
            return counted, f"sum(toInt64(above) * {under})", "sum(toInt64(below))", over
        case Shape.MIX:
            return f"{counted} AND notEmpty(classes)", "countIf(has(classes, {headline:String}))", "count()", 1
        case Shape.DURATION:
            return "closed", "sum(toInt64(duration))", "count()", 1000
        case Shape.MONEY_AVERAGE:
            own = question.parameters.get("currency") or question.currency
            return f"{counted} AND currency = {{own_currency:String}}", "sum(toInt64(amount))", "count()", units_of(own)
        case Shape.PER_PERSON:
            return counted, "uniqExactIf(thing, thing != '')", "1", 1
        case Shape.SCORE:
            score = metric.score
            assert score is not None
            if score.pool == "net":
                up, down = (
                    f"score_sum >= {score.promotes_from} * score_of",
                    f"score_sum < {score.detracts_below} * score_of",
                )
                return counted, f"100 * (toInt64(countIf({up})) - toInt64(countIf({down})))", "count()", 1
            if score.pool == "mean":
                return counted, f"sum(intDiv(toInt64(score_sum) * {_MILLION}, score_of))", "count()", _MILLION
            return counted, "countIf(good)", "count()", 1
        case _:
            return counted, f"countIf({in_numerator(question)})", "count()", 1


def _seed(question: Question) -> str:
    return _SEPARATOR.join((question.tenant, question.metric.name, ""))


def _drawn(question: Question, columns: str, counted: str, by: str) -> str:
    """What each person has in total and in each segment, with the person's weights."""
    names, keys = segment_keys(question)
    is_total = f"toUInt8(grouping({', '.join(names)}) > 0)" if names else "toUInt8(1)"
    sets = f"({by}), ({', '.join(names)}, {by})" if names else f"({by})"
    return f"""SELECT *, {_BASE} AS base, {_WEIGHTS} AS weights FROM (
      SELECT {is_total} AS is_total, {keys}{_CLUSTER} AS cluster, {columns}
      FROM units WHERE {counted} GROUP BY GROUPING SETS ({sets}))"""


def resampling(question: Question, headline: str, number: int) -> tuple[Statement, int]:
    """The statement whose rows are is_total, segment values, stratum, people, and both sides in each replicate; and the
    scale of their quotient.
    """
    counted, above, below, scale = _sides(question)
    has_strata = question.metric.score is not None
    stratum = "toString(stratum)" if has_strata else "''"
    by = "cluster, stratum" if has_strata else "cluster"
    columns = f"{stratum} AS of_stratum, toInt64({above}) AS over, toInt64({below}) AS under"
    names, _ = segment_keys(question)
    listed = "".join(f"{name}, " for name in names)
    select = f"""SELECT is_total, {listed}of_stratum, count() AS people,
      sumForEach(arrayMap(w -> w * over, weights)), sumForEach(arrayMap(w -> w * under, weights))
    FROM ({_drawn(question, columns, counted, by)}) GROUP BY is_total, {listed}of_stratum"""
    extra = {
        "seed": _seed(question),
        "replicates": number,
        "headline": headline,
        "own_currency": question.parameters.get("currency") or question.currency,
    }
    return statement(question, select, extra), scale


def _curves(question: Question, step: int) -> Statement:
    """The statement whose rows are is_total, segment values, an age, and how heavy those are who had their outcome at
    it or were watched up to it, in each replicate.
    """
    done, with_outcome, without = ages(question)
    age = f"intDiv(toInt64(if({done}, {with_outcome}, {without})), {step}) * {step}"
    columns = f"{age} AS age, toInt64(countIf({done})) AS out, toInt64(countIf(NOT ({done}))) AS watched"
    names, _ = segment_keys(question)
    listed = "".join(f"{name}, " for name in names)
    select = f"""SELECT is_total, {listed}age,
      sumForEach(arrayMap(w -> w * out, weights)), sumForEach(arrayMap(w -> w * watched, weights))
    FROM ({_drawn(question, columns, "reason = ''", "cluster, age")}) GROUP BY is_total, {listed}age"""
    return statement(question, select, {"seed": _seed(question), "replicates": FEWEST})


async def resampled(store: Store, question: Question, cells: Sequence[Cell]) -> list[Cell]:
    """The cells, each with its number in every replicate; none where there are not two people to draw."""
    total = cells[0]
    asked, scale = resampling(question, total.headline, replicates(total.n))
    strata: dict[Segment | None, dict[str, tuple[int, list[float | None]]]] = defaultdict(dict)
    for place, (stratum, people, above, below) in await _by_cell(store, question, asked):
        strata[place][stratum] = int(people), ratios(above, below, scale)
    found = {
        place: _pooled(question, {name: values for name, (_, values) in parts.items()})
        for place, parts in strata.items()
        if max(people for people, _ in parts.values()) > 1
    }
    is_young = question.metric.shape is Shape.RATE and question.metric.has_curve
    if is_young and any(cell.mature < cell.n for cell in cells):
        found |= await _estimated(store, question, cells, set(found))
    places: list[Segment | None] = [None, *(cell.segment for cell in cells[1:])]
    return [replace(cell, replicates=found.get(place, ())) for cell, place in zip(cells, places, strict=True)]


def _pooled(question: Question, parts: dict[str, list[float | None]]) -> Sequence[float | None]:
    """The number of each replicate: where there are strata, theirs by their weights among those that it drew."""
    score = question.metric.score
    if score is None or not score.by_stratum:
        (values,) = parts.values()
        return values
    pooled: list[float | None] = []
    for drawn in zip(*parts.values(), strict=True):
        known = {name: value for name, value in zip(parts, drawn, strict=True) if value is not None}
        told = shares(question, list(known))
        pooled.append(sum(float(told[name]) * known[name] for name in told) if told else None)
    return pooled


async def _estimated(
    store: Store, question: Question, cells: Sequence[Cell], among: set[Segment | None]
) -> dict[Segment | None, Sequence[float | None]]:
    """Replicates of the Kaplan–Meier estimate, for the cells that are not mature."""
    young: set[Segment | None] = {cell.segment for cell in cells[1:] if cell.mature < cell.n}
    asked = question
    if len(cells) > MOST_CURVES:
        asked, young = replace(question, segments=()), young & set()
    if cells[0].mature < cells[0].n:
        young.add(None)
    horizon = longest_horizon(question)
    kept = _AGES // len(cells)
    step = 1 if cells[0].n <= kept else max(1, -(-horizon // kept))
    rows: dict[Segment | None, list[tuple[int, list[int], list[int]]]] = defaultdict(list)
    for place, (age, out, watched) in await _by_cell(store, asked, _curves(asked, step)):
        rows[place].append((int(age), out, watched))
    until = UNBOUNDED if question.metric.own_horizons else horizon
    is_presence = question.metric.options["outcome"] == "presence"
    found: dict[Segment | None, Sequence[float | None]] = {}
    for place in young & among:
        by_age = sorted(rows[place], key=lambda row: row[0])
        at = [age for age, _, _ in by_age]
        out, watched = [each for _, each, _ in by_age], [each for _, _, each in by_age]
        curve = await asyncio.to_thread(survivals, at, out, watched, until)
        found[place] = [None if share is None else 1 - share for share in curve] if is_presence else curve
    # What could not be drawn again keeps the limits that it has.
    kept_out: dict[Segment | None, Sequence[float | None]] = {
        cell.segment: () for cell in cells[1:] if cell.mature < cell.n and cell.segment not in found
    }
    return {**kept_out, **found}


async def _by_cell(store: Store, question: Question, asked: Statement) -> list[tuple[Segment | None, tuple[Any, ...]]]:
    """Rows by the cell that they are of: None for the total."""
    width = len(question.segments)
    rows = await store.query(asked.sql, await identity.bound(store, asked, question.tenant, question.at))
    return [
        (None if is_total else tuple(value or None for value in rest[:width]), tuple(rest[width:]))
        for is_total, *rest in rows
    ]
