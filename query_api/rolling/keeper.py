"""Keeps the rolling windows: buckets, published answers and revisions, computed again and again from the facts.

Nothing is incremented: a job counts a metric's windows anew as of the watermark that it reads first, and writes them
under this version, so that whoever does it, twice or after another's death, leaves the same. A job is due when its
answers are older than they should be; the one that is the longest overdue comes first, and a job that takes long comes
less often.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from query_api.rolling import kept
from query_api.rolling.jobs import Count, Job, jobs_of
from query_api.rolling.reads import Names, names_read
from query_api.statistics import distributions
from schemas import signals
from schemas.errors import Problem
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)
SHARE = 0.5
"""Of the time, how much may be spent on keeping: the rest of it belongs to the events and to those who ask."""
SHARE_OF_THE_BUSY = 0.2
"""What is left of it while more events wait than are counted at once: they come first."""
TICK_SECONDS = 1.0
MOST_SAVED_SECONDS = 2.0
"""Time that was not needed is kept for later up to this."""
MOST_OFTEN = 10
"""A job comes at most every so many times of what it takes."""
NEVER_SECONDS = 3_600.0
"""As how old an answer counts that has never been given: each is given once before others are given anew."""
IDLE_SECONDS = 300.0
"""How old an answer may get while nothing is stored: only the window has moved."""
MARGIN_MS = 10_000
"""Frames are stored out of the order of their receipt by as much."""

OF_OTHERS = 10.0
"""How many times older an answer may be while only events are stored that it is not made of."""

_STORED = """SELECT tenant, name, toUnixTimestamp64Milli(max(received_at)) FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') GROUP BY tenant, name"""


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
    is_busy: Callable[[], bool] = lambda: False
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
        share = self.share * (SHARE_OF_THE_BUSY if self.is_busy() else 1)
        self._left = min(self._left + share * (began - self._ticked), MOST_SAVED_SECONDS)
        self._ticked = began
        self._began = self._began or began
        try:
            await self._look()
        except Problem:
            return  # there is no watermark yet
        for tenant in self.tenants.all:
            if tenant.id not in self._inherited:
                await self._inherit(tenant)
        await asyncio.to_thread(distributions)  # imported at the first tick, beside all else
        for job in self._due():
            if self._left <= 0:
                break
            await self.do(job)
            self._left -= self.done[job].seconds
            self.seconds += self.done[job].seconds

    def forget(self) -> None:
        """Do every job again as if it had never been done: what was kept is gone, or was counted from too little."""
        self.done.clear()

    async def all(self, tenant: Tenant) -> int:
        """Everything of one tenant anew, once; how many jobs that were."""
        found = list(jobs_of(tenant, self.metrics))
        for job in found:
            await self.do(job)
        return len(found)

    async def do(self, job: Job) -> None:
        """One job; a failure is told, and the job waits its time."""
        began = self.clock()
        done = self.done.setdefault(job, Done(began))
        try:
            done.version = await self._compute(job, done.version)
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
        for job in jobs_of(tenant, self.metrics):
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
        now = self.clock()  # once: whoever is looked at later must not seem to have waited longer
        overdue = {job: self._overdue(job, now) for tenant in tenants for job in jobs_of(tenant, self.metrics)}
        return iter(sorted((job for job in overdue if overdue[job] >= 1), key=lambda job: -overdue[job]))

    def _overdue(self, job: Job, now: float) -> float:
        """How many times older its answers are than they should be."""
        done = self.done.get(job, Done(self._began - NEVER_SECONDS))
        patience = max(job.span.patience(job.cuts, job.closes), MOST_OFTEN * done.seconds)
        if not self._is_new(job, done.version):
            others = self._newest(job.tenant, None) >= done.version - MARGIN_MS
            patience = max(patience, min(patience * OF_OTHERS, IDLE_SECONDS) if others else IDLE_SECONDS)
        return (now - done.at) / patience

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

    async def _compute(self, job: Job, looked: int) -> int:
        """The version as of which it was done; `looked`: that of the last time."""
        version = self.watermark()
        tenant = self.tenants.by_id(job.tenant)
        if tenant is not None:  # else the tenants file has changed
            await Count(self.store, tenant, self.metrics[job.metric], version, looked).do(job)
        return version
