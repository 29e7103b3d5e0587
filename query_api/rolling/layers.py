"""Finds what is kept for a question and answers from it, if the plan says so; the caller asks the facts otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from query_api.answer import body
from query_api.count import count
from query_api.parameters import Request, parse
from query_api.question import Cell, Question
from query_api.rolling import kept
from query_api.rolling.adding import Bucket, added
from query_api.rolling.kept import Grid, Shelf
from query_api.rolling.plan import Asked, Kept, Plan, choose, edges_of, is_usual, place
from query_api.rolling.windows import SPANS
from schemas.metrics.metric import Metric
from schemas.ports import Store
from schemas.tenants import Tenant

_DRIFT = "drift"
"""The detail that belongs to a comparison."""


@dataclass(frozen=True, slots=True)
class Found:
    """What buckets hold of one question: the version they are as of, and the parts that it is made of."""

    request: Request
    buckets: Sequence[Bucket]
    version: int

    def cells(self, start: int, end: int) -> list[Cell]:
        """Of one window that the buckets make up."""
        inside = [each for each in self.buckets if start <= each.start and each.end <= end]
        return added(self.request.question, inside, start)

    async def before(self, store: Store, previous: Question) -> list[Cell]:
        """Of the window that it is compared with: counted where that is as of another instant than the buckets."""
        if previous.at != self.request.question.at:
            return (await count(store, replace(previous, segments=())))[:1]
        return self.cells(previous.start, previous.end)[:1]


async def answer(
    store: Store, metric: Metric, wanted: Asked, tenant: Tenant, watermark: int
) -> tuple[Plan, dict[str, Any] | None]:
    """The plan, and the answer if it is not the facts that give it. Raises `Problem`, `StoreUnavailable`."""
    spot = place(metric, wanted.query) if wanted.max_age else None
    published = await kept.point(store, tenant.id, spot) if spot else None
    plan = choose(wanted, Kept(published[0] if published else None), watermark, ())
    if published and plan.layer == "points":
        return plan, _as_asked(published[1], wanted)
    found, plan = await in_buckets(store, metric, wanted, tenant, watermark, otherwise=plan)
    if found is None:
        return plan, None
    request = found.request
    cells = found.cells(request.question.start, request.question.end)
    previous = request.previous
    before = None if previous is None else await found.before(store, previous)
    return plan, body(request, cells, before, found.version, tenant.k_anon)


async def in_buckets(
    store: Store,
    metric: Metric,
    wanted: Asked,
    tenant: Tenant,
    watermark: int,
    *,
    otherwise: Plan,
    cuts: Callable[[Request], Sequence[int]] = edges_of,
) -> tuple[Found | None, Plan]:
    """The buckets of a question and the plan that chose them; `cuts` says where else it cuts the time."""
    if not wanted.max_age or not metric.adds_up or any(name == "at" for name, _ in wanted.query):
        return None, otherwise
    for span in SPANS:
        grid = await kept.grid(store, Shelf(tenant.id, metric.name, span.name))
        if grid is None:
            continue
        request = parse(metric, wanted.query, tenant, grid.version)
        if not is_usual(request.question, tenant):
            return None, otherwise
        plan = choose(wanted, _kept(grid), watermark, [*edges_of(request), *cuts(request)])
        otherwise = plan
        if plan.layer == "buckets":
            cut = "".join(request.question.segments)
            start, end = min(edges_of(request)), max(edges_of(request))
            buckets = await kept.buckets(store, grid, cut, start, end)
            if buckets:
                return Found(request, buckets, grid.version), plan
            otherwise = Plan("facts", None, "the buckets were being replaced")
    return None, otherwise


def _kept(grid: Grid) -> Kept:
    return Kept(buckets=grid.version, edges=grid.edges)


def _as_asked(published: dict[str, Any], wanted: Asked) -> dict[str, Any]:
    """The published answer, which has a comparison, without it where none was asked for."""
    if any(name == "compare" for name, _ in wanted.query):
        return published
    details = {name: value for name, value in published["details"].items() if name != _DRIFT}
    return {**published, "comparison": None, "details": details}
