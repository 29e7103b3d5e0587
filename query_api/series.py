"""A number over time: the contract once over the whole window, and a point for each step of the calendar in it.

A point is, by construction, the body of the same question over the point's window, cut to what a chart needs. The
points part the window: its edges cut the first and the last one short, so that what is additive adds up to the whole. A
point that begins at `at` or later is empty, all of it null: nobody can know anything of it yet. Segments are those that
the contract over the whole window lists; of a state, those of its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

from query_api.answer import body
from query_api.figures import figure
from query_api.parameters import Query, Request, invalid, over, parse
from query_api.question import Cell, Question
from query_api.rolling import layers
from query_api.rolling.plan import asked, facts
from query_api.service import Answers
from query_api.suppression import SUPPRESSED
from schemas.errors import Problem
from schemas.metrics.metric import Metric
from schemas.periods import format_instant
from schemas.steps import DEFAULT_STEP, STEPS, edges, is_edge
from schemas.tenants import Tenant

MOST_POINTS = 1500
MOST_IN_ALL = 15_000
"""Points of the total and of all segments together."""
AT_ONCE = 2
"""Points of one series that are counted at the same time, so that a tenant's other questions get their turns."""
_EVERY = 1_000_000
"""Segments of one point: none of them is left out there."""
_NUMBERS = ("value", "numerator", "denominator", "n")


@dataclass(frozen=True, slots=True)
class Point:
    """One step: [start, end), and whether the window's edges or `at` cut it short."""

    start: int
    end: int
    partial: bool


def parted(request: Request, step: str, week_start: str) -> list[Point]:
    """The steps of the window that was asked for. Raises `Problem` too_many_points."""
    window, tz = request.window, request.question.tz
    cuts = list(islice(edges(window.start, window.end, step, tz, week_start), MOST_POINTS + 2))
    lines = 1 + (request.limit if request.question.segments else 0)
    if len(cuts) > MOST_POINTS + 1:
        raise Problem(
            "too_many_points", f"more than {MOST_POINTS}: ask for a longer step or a shorter window", field="step"
        )
    if (len(cuts) - 1) * lines > MOST_IN_ALL:
        raise Problem(
            "too_many_points", f"more than {MOST_IN_ALL} with those of the segments: lower limit", field="limit"
        )
    whole = [is_edge(edge, step, tz, week_start) for edge in (cuts[0], cuts[-1])]
    points = [Point(start, end, end > request.question.at) for start, end in pairwise(cuts)]
    if points and not whole[0]:
        points[0] = replace(points[0], partial=True)
    if points and not whole[1]:
        points[-1] = replace(points[-1], partial=True)
    return points


@dataclass(frozen=True, slots=True)
class Series:
    """Answers one series at a time from many questions."""

    answers: Answers

    async def series(self, metric: Metric, query: Query, tenant: Tenant) -> dict[str, Any]:
        """Raises `Problem`, `StoreUnavailable`."""
        pairs = list(query)
        steps = [text for name, text in pairs if name == "step"]
        if len(steps) > 1:
            raise invalid("step", "is given twice")
        step = steps[0] if steps else DEFAULT_STEP
        if step not in STEPS:
            raise invalid("step", f"expected one of {', '.join(STEPS)}")
        watermark = self.answers.watermark()
        wanted = asked([pair for pair in pairs if pair[0] != "step"])
        request = parse(metric, wanted.query, tenant, watermark)
        points = parted(request, step, tenant.week_start)
        found, plan = await layers.in_buckets(
            self.answers.store,
            metric,
            wanted,
            tenant,
            watermark,
            otherwise=facts("no buckets make up these steps, or an answer of now was asked for (max_age is not given)"),
            cuts=lambda kept: [
                edge for point in parted(kept, step, tenant.week_start) for edge in (point.start, point.end)
            ],
        )
        if found is not None:
            request, watermark = found.request, found.version
            points = parted(request, step, tenant.week_start)
        begun = [point for point in points if point.start < request.question.at]
        if found is not None:
            previous = request.previous
            before = None if previous is None else await found.before(self.answers.store, previous)
            whole, *bodies = _from_buckets(request, found, before, begun, tenant)
        elif self._is_by_entry(request.question, tenant) and begun:
            whole, *bodies = await self._by_entry(request, begun, watermark, tenant)
        else:
            turns = asyncio.Semaphore(AT_ONCE)
            whole, *bodies = await _all(
                self.answers.body(request, watermark, tenant),
                *(self._at(request, point, watermark, tenant, turns) for point in begun),
            )
        known = list(zip(begun, bodies, strict=True))
        for segment in whole["segments"]:
            cut = segment["segment"]
            hides = SUPPRESSED in segment["warnings"]
            own = [
                _shown(point, None if hides else _of_segment(request, point, found, cut), found["status"])
                for point, found in known
            ]
            segment["points"] = _several(own) + [_shown(point) for point in points[len(begun) :]]
        shown = _several([_shown(point, found, found["status"]) for point, found in known])
        if wanted.shows_plan:
            whole["plan"] = await self.answers.plan(plan, None if found is not None else request.question)
        return {**whole, "step": step, "points": shown + [_shown(point) for point in points[len(begun) :]]}

    def _is_by_entry(self, question: Question, tenant: Tenant) -> bool:
        """Whether one statement counts all points; what filters hide is found out point by point."""
        guarded = tenant.k_anon and question.filters
        return bool(question.metric.by_entry and not question.interval and self.answers.count_apart and not guarded)

    async def _by_entry(
        self, request: Request, points: Sequence[Point], watermark: int, tenant: Tenant
    ) -> list[dict[str, Any]]:
        """The body over the whole window and those over the points', from one statement."""
        answers, before = self.answers, None
        assert answers.count_apart is not None
        whole, *parts = await answers.count_apart(answers.store, request.question, [point.start for point in points])
        if request.previous is not None:
            before = await answers.count(answers.store, replace(request.previous, segments=()))
        return [
            body(request, whole, before, watermark, tenant.k_anon),
            *(
                body(_asked(request, point), cells, None, watermark, tenant.k_anon)
                for point, cells in zip(points, parts, strict=True)
            ),
        ]

    async def _at(
        self, request: Request, point: Point, watermark: int, tenant: Tenant, turns: asyncio.Semaphore
    ) -> dict[str, Any]:
        """The body over one point's window."""
        async with turns:
            return await self.answers.body(_asked(request, point), watermark, tenant)


def _from_buckets(
    request: Request, found: layers.Found, before: Sequence[Cell] | None, points: Sequence[Point], tenant: Tenant
) -> list[dict[str, Any]]:
    """The body over the whole window and those over the points', from the buckets that make them up."""
    question = request.question
    return [
        body(request, found.cells(question.start, question.end), before, found.version, tenant.k_anon),
        *(
            body(_asked(request, point), found.cells(point.start, point.end), None, found.version, tenant.k_anon)
            for point in points
        ),
    ]


def _asked(request: Request, point: Point) -> Request:
    """The same over one point's window, with all its segments."""
    return replace(request, question=over(request, point.start, point.end), previous=None, limit=_EVERY)


async def _all(*asked: Coroutine[Any, Any, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every answer in its place; after the first failure nothing more is asked."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _several(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With another point hidden where only one is: the whole less the others would give it away."""
    told = [point for point in points if point["n"]]
    if sum(point["n"] is None and point["maturity"] is None for point in points) == 1 and told:
        least = min(told, key=lambda point: (point["n"], point["start"]))
        least.update(dict.fromkeys((*_NUMBERS, "low", "high", "maturity")))
    return points


def _of_segment(
    request: Request, point: Point, found: Mapping[str, Any], cut: Mapping[str, str | None]
) -> Mapping[str, Any]:
    """What the body says of one segment; one that it does not list has no units in it."""
    for segment in found["segments"]:
        if segment["segment"] == cut:
            listed: Mapping[str, Any] = segment
            return listed
    nothing = figure(over(request, point.start, point.end), Cell())
    return {name: getattr(nothing, name) for name in (*_NUMBERS, "interval", "maturity")}


def _shown(point: Point, found: Mapping[str, Any] | None = None, status: str = "provisional") -> dict[str, Any]:
    """A point as it is sent; without a number all of it is null."""
    told = found or {}
    interval = told.get("interval") or {}
    return {
        "start": format_instant(point.start),
        "end": format_instant(point.end),
        **{name: told.get(name) for name in _NUMBERS},
        "low": interval.get("low"),
        "high": interval.get("high"),
        "status": status,
        "maturity": told.get("maturity"),
        "partial": point.partial,
    }
