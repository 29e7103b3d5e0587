"""What a job counts: the windows of a metric as of one version, and what is published of them.

What adds up is counted once, in parts, and every window is made of these; the rest is asked window by window, each in
total and by all dimensions at once where units are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from query_api.answer import body
from query_api.bucketing import bucketing
from query_api.count import bucketed, count, count_with_cuts, run
from query_api.parameters import Query, Request, parse
from query_api.question import Cell
from query_api.rolling import kept
from query_api.rolling.adding import Bucket, added
from query_api.rolling.kept import ROLLING, Published, Shelf
from query_api.rolling.plan import WINDOWS, Place
from query_api.rolling.revisions import restated
from query_api.rolling.windows import SPANS, Closed, Span, closed_windows, edges
from schemas.metrics.metric import Metric, Shape
from schemas.ports import Store
from schemas.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Job:
    """What is counted at once: of one metric of a tenant the windows of a span, in total and by each dimension (of what
    is counted by people, these are jobs of their own, with `cuts`); or, with `closes`, the windows that have closed.
    """

    tenant: str
    metric: str
    span: Span
    cuts: tuple[str, ...] = ()
    closes: bool = False


def jobs_of(tenant: Tenant, metrics: Mapping[str, Metric]) -> Iterator[Job]:
    """All that is kept for a tenant."""
    for name, metric in metrics.items():
        for span in SPANS:
            if metric.adds_up:
                yield Job(tenant.id, name, span)
                continue
            if not _is_one(metric) or span is SPANS[0]:
                yield Job(tenant.id, name, span)
                if not metric.unit_by_unit:
                    yield Job(tenant.id, name, span, metric.dimensions)
            if not _is_one(metric) or span is not SPANS[0]:
                yield Job(tenant.id, name, span, closes=True)


@dataclass(frozen=True, slots=True)
class Count:
    """One job's metric and tenant, as of a version; `looked`: the version of the last time (0: not known)."""

    store: Store
    tenant: Tenant
    metric: Metric
    version: int
    looked: int = 0

    async def do(self, job: Job) -> None:
        """Count and publish. Raises what the store raises."""
        if job.closes:
            answers = await self._closed(job.span)
        elif self.metric.adds_up:
            answers = await self._in_parts(job.span)
        elif self.metric.unit_by_unit:
            answers = [each for window in job.span.windows for each in await self._with_cuts(window)]
        else:
            answers = await self._one_by_one(job)
        await kept.publish(self.store, self.tenant.id, self.version, answers)

    def _parsed(self, query: Query) -> Request:
        return parse(self.metric, query, self.tenant, self.version)

    def _published(self, window: str, cut: str, cells: list[Cell], before: list[Cell]) -> Published:
        request = self._parsed(_query(window, cut))
        content = body(request, cells, before, self.version, self.tenant.k_anon)
        return Published(Place(self.metric.name, window, cut), ROLLING, content)

    async def _in_parts(self, span: Span) -> list[Published]:
        """Count all parts at once, keep them, and answer for every window that they make up."""
        cuts = self.metric.dimensions
        grid = edges(span, self.version, self.tenant.timezone, self.tenant.week_start)
        question = replace(self._parsed([]).question, start=grid[0], end=grid[-1])
        statement, names = bucketing(question, grid[:-1], cuts)
        found = bucketed(question, names, cuts, grid, await run(self.store, question, statement))
        shelf = Shelf(self.tenant.id, self.metric.name, span.name)
        await kept.keep(self.store, shelf, self.version, grid, found)
        parts = list(pairwise(grid))

        def cells(cut: str, start: int, end: int) -> list[Cell]:
            inside = [
                Bucket(*part, [*total, *of_cut])
                for part, total, of_cut in zip(parts, found[""], found[cut] if cut else [()] * len(parts), strict=True)
                if start <= part[0] and part[1] <= end
            ]
            return added(question, inside, start)

        answers = []
        for window in span.windows:
            request = self._parsed(_query(window, ""))
            asked, previous = request.question, request.previous
            assert previous is not None
            before = (
                cells("", previous.start, previous.end)
                if previous.at == asked.at
                else await count(self.store, replace(previous, segments=()))
            )
            answers += [self._published(window, cut, cells(cut, asked.start, asked.end), before) for cut in ("", *cuts)]
        bodies = {
            closed: body(
                self._parsed(closed.query), cells("", closed.start, closed.end), None, self.version, self.tenant.k_anon
            )
            for closed in closed_windows(span, self.version, self.tenant)
        }
        return answers + await self._restated(bodies)

    async def _with_cuts(self, window: str) -> list[Published]:
        """A window in total and by each dimension."""
        request = self._parsed(_query(window, ""))
        assert request.previous is not None
        found = await count_with_cuts(self.store, request.question, self.metric.dimensions)
        before = await count(self.store, request.previous)
        return [self._published(window, cut, cells, before) for cut, cells in found.items()]

    async def _one_by_one(self, job: Job) -> list[Published]:
        """Each window and dimension by itself; states that look at days of their own have one answer for all."""
        answers = []
        for cut in job.cuts or ("",):
            content: dict[str, Any] = {}
            for window in WINDOWS if _is_one(self.metric) else job.span.windows:
                if not content or not _is_one(self.metric):
                    content = await self._asked(_query(window, cut))
                answers.append(Published(Place(self.metric.name, window, cut), ROLLING, content))
        return answers

    async def _closed(self, span: Span) -> list[Published]:
        """The window of each length that closed last, and those that were published before: they may have changed."""
        windows = [
            each
            for each in closed_windows(span, self.version, self.tenant)
            if each.window == "P1D" or not _is_one(self.metric)
        ]
        known = await kept.closed(self.store, self.tenant.id, self.metric.name)
        newest = {closed.window: closed for closed in windows}
        return await self._restated(
            {
                closed: await self._asked(closed.query)
                for closed in windows
                if (closed.window, closed.end) in known or newest[closed.window] is closed
            }
        )

    async def _restated(self, bodies: Mapping[Closed, Mapping[str, Any]]) -> list[Published]:
        return await restated(self.store, self.tenant.id, self.metric, (self.looked, self.version), bodies)

    async def _asked(self, query: Query) -> dict[str, Any]:
        """The answer to one question, counted by itself."""
        request = self._parsed(query)
        cells, before = await count(self.store, request.question), None
        if request.previous is not None:
            before = await count(self.store, replace(request.previous, segments=()))
        return body(request, cells, before, self.version, self.tenant.k_anon)


def _query(window: str, cut: str) -> list[tuple[str, str]]:
    return [("window", window), ("compare", "previous"), *([("segment", cut)] if cut else [])]


def _is_one(metric: Metric) -> bool:
    """Whether all windows with one end have one answer: states that look at days of their own."""
    return metric.shape in (Shape.DISTINCT, Shape.STICKINESS)
