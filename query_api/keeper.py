"""Keeps the rolling windows: buckets, published answers and revisions, computed again and again from the facts.

Nothing is incremented: a job counts a metric's windows anew as of the watermark that it reads first, and writes them
under this version, so that whoever does it, twice or after another's death, leaves the same. What adds up is counted
once, in parts, and every window is made of these; the rest is asked window by window. A job is due when its answers are
older than they should be; the one that is the longest overdue comes first, and a job that takes long comes less often.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from query_api import kept
from query_api.adding import Bucket, added
from query_api.answer import body
from query_api.bucketing import bucketing
from query_api.count import bucketed, count, count_with_cuts, run
from query_api.kept import ROLLING, Published, Shelf
from query_api.parameters import Query, parse
from query_api.plan import WINDOWS, Place
from query_api.question import Cell
from query_api.reads import Names, names_read
from query_api.revisions import restated
from query_api.windows import SPANS, Closed, Span, closed_windows, edges
from schemas import signals
from schemas.errors import Problem
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric, Shape
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)
SHARE = 0.5
"""Of the time, how much may be spent on keeping: the rest of it belongs to the events and to those who ask."""
TICK_SECONDS = 1.0
MOST_SAVED_SECONDS = 2.0
"""Time that was not needed is kept for later up to this."""
MOST_OFTEN = 10
"""A job comes at most every so many times of what it takes."""
NEVER_SECONDS = 60.0
"""As how old an answer counts that has never been given, when the owner begins."""
IDLE_SECONDS = 300.0
"""How old an answer may get while nothing is stored: only the window has moved."""
MARGIN_MS = 10_000
"""Frames are stored out of the order of their receipt by as much."""

OF_OTHERS = 10.0
"""How many times older an answer may be while only events are stored that it is not made of."""

_STORED = """SELECT tenant, name, toUnixTimestamp64Milli(max(received_at)) FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') GROUP BY tenant, name"""


@dataclass(frozen=True, slots=True)
class Job:
    """What is computed at once: of one metric of a tenant the windows of a span, in total and by each dimension (of
    what is counted by people, these are jobs of their own, with `cuts`); or, with `closes`, the windows that closed.
    """

    tenant: str
    metric: str
    span: Span
    cuts: tuple[str, ...] = ()
    closes: bool = False


@dataclass(slots=True)
class Done:
    """When a job was done last (s, of a clock that nobody sets), as of which version (ms), and how long it took (s)."""

    at: float
    version: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Keeper:
    """The owner's work. `watermark` raises `Problem` while there is none; `folded`: of what events a table is made."""

    store: Store
    tenants: Tenants
    watermark: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    share: float = SHARE
    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    done: dict[Job, Done] = field(default_factory=dict)
    folded: Mapping[str, Names] = field(default_factory=dict)
    stored: dict[str, dict[str, int]] = field(default_factory=dict)
    jobs: int = 0
    failures: int = 0
    seconds: float = 0.0
    _names: dict[str, Names] = field(default_factory=dict)
    _inherited: set[str] = field(default_factory=set)
    _looked: int = 0
    _left: float = 0.0
    _ticked: float = 0.0
    _began: float = 0.0

    async def tick(self) -> None:
        """Do what is due while there is time for it: the share of what has passed, less what jobs have taken. Raises
        what the store raises when it is asked what is new.
        """
        began = self.clock()
        self._left = min(self._left + self.share * (began - self._ticked), MOST_SAVED_SECONDS)
        self._ticked = began
        self._began = self._began or began
        try:
            await self._look()
        except Problem:
            return  # there is no watermark yet
        for tenant in self.tenants.all:
            if tenant.id not in self._inherited:
                await self._inherit(tenant)
        for job in self._due():
            if self._left <= 0:
                break
            await self.do(job)
            self._left -= self.done[job].seconds
            self.seconds += self.done[job].seconds

    async def all(self, tenant: Tenant) -> int:
        """Everything of one tenant anew, once; how many jobs that were."""
        found = list(self._jobs(tenant))
        for job in found:
            await self.do(job)
        return len(found)

    async def do(self, job: Job) -> None:
        """One job; a failure is told, and the job waits its time."""
        began = self.clock()
        done = self.done.setdefault(job, Done(began))
        try:
            done.version = await self._compute(job)
        except (StoreRejected, StoreUnavailable, Problem) as error:
            self.failures += 1
            logger.warning("%s of %s over %s: not kept: %s", job.metric, job.tenant, job.span.name, error)
        except Exception:
            self.failures += 1
            logger.exception("%s of %s over %s: not kept", job.metric, job.tenant, job.span.name)
        self.jobs += 1
        done.at = self.clock()
        done.seconds = done.at - began

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells: nothing of one who has never done anything, for somebody else is the owner."""
        if not self.jobs:
            return {}
        now = self.watermark()
        rolling = [done.version for job, done in self.done.items() if done.version and not job.closes]
        return {
            signals.KEPT: self.jobs,
            signals.KEEPING_FAILURES: self.failures,
            signals.KEEPING_SECONDS: self.seconds,
            **({signals.KEPT_AGE: max(0, now - min(rolling)) / 1000} if rolling else {}),
        }

    async def _inherit(self, tenant: Tenant) -> None:
        """Go on where another owner has stopped: what it has published is as old as its version says."""
        now = self.watermark()
        versions = await kept.versions(self.store, tenant.id)
        for job in self._jobs(tenant):
            wanted = [(job.metric, window, cut) for window in job.span.windows for cut in job.cuts or ("",)]
            if not job.closes and all(each in versions for each in wanted):
                version = min(versions[each] for each in wanted)
                self.done[job] = Done(self.clock() - (now - version) / 1000, version)
        self._inherited.add(tenant.id)

    async def _look(self) -> None:
        """When the newest event of each name was received."""
        watermark = self.watermark()
        since = self._looked - MARGIN_MS if self._looked else 0
        for tenant, name, received in await self.store.query(_STORED, {"since": max(0, since)}):
            own = self.stored.setdefault(tenant, {})
            own[name] = max(own.get(name, 0), int(received))
        self._looked = watermark

    def _due(self) -> Iterator[Job]:
        """The jobs that are overdue, the one that is it most first."""
        tenants = [tenant for tenant in self.tenants.all if tenant.id in self.stored]
        overdue = {job: self._overdue(job) for tenant in tenants for job in self._jobs(tenant)}
        return iter(sorted((job for job in overdue if overdue[job] >= 1), key=lambda job: -overdue[job]))

    def _overdue(self, job: Job) -> float:
        """How many times older its answers are than they should be."""
        done = self.done.get(job, Done(self._began - NEVER_SECONDS))
        patience = max(job.span.patience(job.cuts, job.closes), MOST_OFTEN * done.seconds)
        if not self._is_new(job, done.version):
            others = self._newest(job.tenant, None) >= done.version - MARGIN_MS
            patience = patience * OF_OTHERS if others else max(patience * OF_OTHERS, IDLE_SECONDS)
        return (self.clock() - done.at) / patience

    def _is_new(self, job: Job, version: int) -> bool:
        """Whether events have been stored that the metric is made of."""
        tenant = self.tenants.by_id(job.tenant)
        if tenant is None:
            return False
        if job.metric not in self._names:
            self._names[job.metric] = names_read(self.metrics[job.metric], tenant, self.folded)
        return self._newest(job.tenant, self._names[job.metric]) >= version - MARGIN_MS

    def _newest(self, tenant: str, names: Names) -> int:
        """When the newest event of these names was received."""
        stored = self.stored[tenant]
        return max((at for name, at in stored.items() if names is None or name in names), default=0)

    def _jobs(self, tenant: Tenant) -> Iterator[Job]:
        """All that is kept for a tenant."""
        for name, metric in self.metrics.items():
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

    async def _compute(self, job: Job) -> int:
        version = self.watermark()
        tenant, metric = self.tenants.by_id(job.tenant), self.metrics[job.metric]
        versions = self.done[job].version, version
        if tenant is None:  # the tenants file has changed
            return version
        if job.closes:
            await self._publish_closed(tenant, metric, versions, job.span)
        elif metric.adds_up:
            await self._in_parts(tenant, metric, versions, job.span)
        else:
            await self._window_by_window(tenant, metric, version, job)
        return version

    async def _in_parts(self, tenant: Tenant, metric: Metric, versions: tuple[int, int], span: Span) -> None:
        """Count all parts at once, keep them, and publish every window that they make up."""
        version = versions[1]
        cuts = metric.dimensions
        grid = edges(span, version, tenant.timezone, tenant.week_start)
        asked = parse(metric, [], tenant, version).question
        question = replace(asked, start=grid[0], end=grid[-1])
        statement, names = bucketing(question, grid[:-1], cuts)
        found = bucketed(question, names, cuts, grid, await run(self.store, question, statement))
        await kept.keep(self.store, Shelf(tenant.id, metric.name, span.name), version, grid, found)
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
            for cut in ("", *cuts):
                request = parse(metric, _query(window, cut), tenant, version)
                assert request.previous is not None
                now = cells(cut, request.question.start, request.question.end)
                before = cells("", request.previous.start, request.previous.end)
                content = body(request, now, before, version, tenant.k_anon)
                answers.append(Published(Place(metric.name, window, cut), ROLLING, content))
        bodies: dict[Closed, Mapping[str, Any]] = {}
        for closed in closed_windows(span, version, tenant):
            request = parse(metric, closed.query, tenant, version)
            now = cells("", closed.start, closed.end)
            bodies[closed] = body(request, now, None, version, tenant.k_anon)
        answers += await restated(self.store, tenant.id, metric, versions, bodies)
        await kept.publish(self.store, tenant.id, version, answers)

    async def _window_by_window(self, tenant: Tenant, metric: Metric, version: int, job: Job) -> None:
        answers = []
        if metric.unit_by_unit:
            for window in job.span.windows:
                answers += await self._in_one(metric, window, tenant, version)
            await kept.publish(self.store, tenant.id, version, answers)
            return
        for cut in job.cuts or ("",):
            content: dict[str, Any] = {}
            for window in _windows(metric, job.span):
                if not content or not _is_one(metric):
                    content = await self._asked(metric, _query(window, cut), tenant, version)
                answers.append(Published(Place(metric.name, window, cut), ROLLING, content))
        await kept.publish(self.store, tenant.id, version, answers)

    async def _in_one(self, metric: Metric, window: str, tenant: Tenant, version: int) -> list[Published]:
        """A window in total and by each dimension, counted at once."""
        request = parse(metric, _query(window, ""), tenant, version)
        assert request.previous is not None
        found = await count_with_cuts(self.store, request.question, metric.dimensions)
        before = await count(self.store, request.previous)
        answers = []
        for cut, cells in found.items():
            asked = parse(metric, _query(window, cut), tenant, version)
            content = body(asked, cells, before, version, tenant.k_anon)
            answers.append(Published(Place(metric.name, window, cut), ROLLING, content))
        return answers

    async def _publish_closed(self, tenant: Tenant, metric: Metric, versions: tuple[int, int], span: Span) -> None:
        """The window of each length that closed last, and those that were published before: they may have changed."""
        version = versions[1]
        windows = [
            each for each in closed_windows(span, version, tenant) if each.window == "P1D" or not _is_one(metric)
        ]
        known = await kept.closed(self.store, tenant.id, metric.name)
        newest = {closed.window: closed for closed in windows}
        bodies: dict[Closed, Mapping[str, Any]] = {}
        for closed in windows:
            if (closed.window, closed.end) in known or newest[closed.window] is closed:
                bodies[closed] = await self._asked(metric, closed.query, tenant, version)
        answers = await restated(self.store, tenant.id, metric, versions, bodies)
        await kept.publish(self.store, tenant.id, version, answers)

    async def _asked(self, metric: Metric, query: Query, tenant: Tenant, version: int) -> dict[str, Any]:
        request = parse(metric, query, tenant, version)
        cells, before = await count(self.store, request.question), None
        if request.previous is not None and any(name == "compare" for name, _ in query):
            before = await count(self.store, replace(request.previous, segments=()))
        return body(request, cells, before, version, tenant.k_anon)


def _query(window: str, cut: str) -> list[tuple[str, str]]:
    return [("window", window), ("compare", "previous"), *([("segment", cut)] if cut else [])]


def _is_one(metric: Metric) -> bool:
    """Whether all windows with one end have one answer: states that look at days of their own."""
    return metric.shape in (Shape.DISTINCT, Shape.STICKINESS)


def _windows(metric: Metric, span: Span) -> Iterable[str]:
    return WINDOWS if _is_one(metric) else span.windows
