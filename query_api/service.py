"""Answers without HTTP: a metric's name, a query and a tenant in, the object to send out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from query_api import cursor, sql
from query_api.answer import body
from query_api.count import Unit
from query_api.damaged import Damages, watched
from query_api.paging import page
from query_api.parameters import LONGEST_TEXT, Query, Request, invalid, names_list, parse
from query_api.question import Cell, Question
from query_api.rolling import layers
from query_api.rolling.plan import Plan, asked
from query_api.story import story, why
from query_api.suppression import NOTHING, Hidden, by_filters, is_listed, suppressed
from schemas.errors import Problem, problem_object
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric
from schemas.periods import format_instant
from schemas.ports import Store
from schemas.tenants import Tenant

MOST_METRICS = 50
AT_ONCE = 4
"""Metrics of one question that are asked for at the same time, so that a tenant's other questions get their turns."""

Count = Callable[[Store, Question], Awaitable[Sequence[Cell]]]


CountApart = Callable[[Store, Question, Sequence[int]], Awaitable[Sequence[Sequence[Cell]]]]


class Explain(Protocol):
    def __call__(
        self, store: Store, question: Question, after: tuple[int, str] | None, limit: int
    ) -> Awaitable[tuple[int, Sequence[Unit]]]: ...


@dataclass(frozen=True, slots=True)
class Lag:
    """What the processors have not counted yet; None: nobody knows how many."""

    records: int | None = 0
    oldest_seconds: float = 0.0


def metric_named(name: str) -> Metric:
    """Raises `Problem` unknown_metric."""
    if name not in METRICS:
        raise Problem("unknown_metric", f"there is no metric {name[:100]!r}; /v1/metrics lists them all")
    return METRICS[name]


def refuse_all(query: Query) -> None:
    """For resources without parameters. Raises `Problem` unknown_parameter."""
    for name, _ in query:
        raise Problem("unknown_parameter", f"there is no parameter {name[:100]!r}", field=name[:100])


@dataclass(frozen=True, slots=True)
class Answers:
    """The questions that can be asked. `watermark` is read before anything is counted, never after; while there is
    none it raises `Problem`.
    """

    store: Store
    watermark: Callable[[], int]
    count: Count
    explaining: Explain
    lag: Callable[[], Lag] = Lag
    count_apart: CountApart | None = None
    damages: Damages = tuple

    async def value(self, metric: Metric, query: Query, tenant: Tenant) -> dict[str, Any]:
        """From the layer that the plan chooses. Raises `Problem`, `StoreUnavailable`."""
        watermark, wanted = self.watermark(), asked(query)
        plan, content = await layers.answer(self.store, metric, wanted, tenant, watermark)
        counted = None
        if content is None:
            request = parse(metric, wanted.query, tenant, watermark)
            content = await self.body(request, watermark, tenant)
            counted = request.question
        return {**content, "plan": await self.plan(plan, counted)} if wanted.shows_plan else content

    async def plan(self, plan: Plan, counted: Question | None) -> dict[str, Any]:
        """What chose the answer, with the statement that counted it, where one did."""
        statement = None if counted is None else await sql.shown(self.store, counted)
        return {**plan.shown(), "statement": statement}

    async def body(self, request: Request, watermark: int, tenant: Tenant) -> dict[str, Any]:
        """The answer to what was understood. Raises `StoreUnavailable`."""
        if request.previous is None:
            cells, before = await self.count(self.store, request.question), None
        else:
            cells, before = await asyncio.gather(
                self.count(self.store, request.question),
                self.count(self.store, replace(request.previous, segments=())),
            )
        hidden = (
            await self.hidden(request.question, tenant),
            NOTHING if request.previous is None else await self.hidden(request.previous, tenant),
        )
        return body(request, cells, before, watermark, tenant.k_anon, hidden=hidden)

    async def watched(self, asking: Awaitable[dict[str, Any]], tenant: Tenant) -> dict[str, Any]:
        """What is sent out of any answer: marked by what was lost meanwhile."""
        return await watched(asking, self.damages, tenant)

    async def hidden(self, question: Question, tenant: Tenant) -> Hidden:
        """What the tenant does not show of an answer because of its filters."""
        return await by_filters(question, tenant.k_anon, self.sizes)

    async def sizes(self, question: Question) -> Sequence[Cell]:
        """How many units there are, in total and by segment."""
        return await self.count(self.store, question)

    async def values(self, query: Query, tenant: Tenant) -> dict[str, Any]:
        """Several metrics (`metrics=a,b`; all, if it is not given) with the same query: each a body or a problem."""
        pairs = list(query)
        given = [text for name, text in pairs if name == "metrics"]
        if len(given) > 1:
            raise invalid("metrics", "is given twice")
        names = names_list("metrics", given[0]) if given else list(METRICS)
        if len(names) > MOST_METRICS:
            raise invalid("metrics", f"at most {MOST_METRICS}")
        rest = [pair for pair in pairs if pair[0] != "metrics"]
        few = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> dict[str, Any]:
            async with few:
                return await self._body_or_problem(name, rest, tenant)

        return {"values": await asyncio.gather(*(one(name) for name in names))}

    async def _body_or_problem(self, name: str, query: Query, tenant: Tenant) -> dict[str, Any]:
        try:
            return await self.value(metric_named(name), query, tenant)
        except Problem as problem:
            return problem_object(problem)

    async def explain(self, metric: Metric, query: Query, tenant: Tenant) -> dict[str, Any]:
        """The units behind a number, a page at a time; the cursor fixes `at`. Raises `Problem`."""
        pairs = list(query)
        unit_id = _unit_id(pairs)
        wanted = page([pair for pair in pairs if pair[0] != "id"])
        question = parse(metric, wanted.query, tenant, self.watermark()).question
        if not await is_listed(question, tenant.k_anon, self.sizes):
            raise suppressed(tenant.k_anon)
        question = replace(question, unit_id=unit_id)
        total, units = await self.explaining(self.store, question, wanted.after(question), wanted.limit + 1)
        shown = units[: wanted.limit]
        is_last = len(units) <= wanted.limit
        return {
            "metric": metric.name,
            "at": format_instant(question.at),
            "total": total,
            "next_cursor": None if is_last else cursor.write(question, shown[-1].entered, shown[-1].id),
            "rows": [_row(question, unit) for unit in shown],
        }


def _unit_id(pairs: Sequence[tuple[str, str]]) -> str:
    """Of the only entity that is to be explained, "" if all are. Raises `Problem`."""
    ids = [text for name, text in pairs if name == "id"]
    if not ids:
        return ""
    if len(ids) > 1 or not 0 < len(ids[0]) <= LONGEST_TEXT:
        raise invalid("id", f"expected once, with 1 to {LONGEST_TEXT} characters")
    return ids[0]


def _row(question: Question, unit: Unit) -> dict[str, Any]:
    options = question.metric.options
    has_outcome = unit.outcome_at is not None
    row = {
        "entity": question.entity,
        "id": unit.id,
        "person": unit.person or None,
        "entered": format_instant(unit.entered),
        "outcome": options.get("outcome_label") if has_outcome else None,
        "outcome_id": unit.outcome_id,
        "outcome_at": None if unit.outcome_at is None else format_instant(unit.outcome_at),
        "seconds": None if unit.duration is None else unit.duration / 1000,
        "counted": unit.counted,
        "reason": unit.reason,
        "event_ids": list(unit.event_ids),
        "message_ids": list(unit.message_ids),
    }
    if question.unit_id:
        row["story"] = story(question, unit.moments, unit.events)
        row["why"] = why(question, unit.reason, unit.entered, unit.horizon, unit.outcome_at)
    return row
