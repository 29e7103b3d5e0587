"""The routes of funnels without HTTP: the steps, and the people behind each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from query_api import cursor
from query_api.catalogue import cut_parameters, own_parameters, query_parameter, segments_of
from query_api.funnel_answer import funnel_body, is_filtered
from query_api.funnel_count import CountFunnel, FunnelCell, FunnelUnit, ListFunnel, count_funnel, list_funnel
from query_api.funnel_question import OUTCOMES, FunnelRequest, parse_funnel, parse_people
from query_api.parameters import MOST_SHOWN, TRAIT, Query, invalid, number
from query_api.question import Question
from query_api.suppression import Hidden, by_filters, small, suppressed
from schemas.metrics.funnels import FUNNELS
from schemas.periods import format_instant
from schemas.ports import Store
from schemas.tenants import Tenant

LISTED = 100


@dataclass(frozen=True, slots=True)
class Funnels:
    """The questions that can be asked of funnels; `watermark` is read before anything is counted, as for metrics."""

    store: Store
    watermark: Callable[[], int]
    count: CountFunnel = count_funnel
    list_units: ListFunnel = list_funnel

    async def value(self, query: Query, tenant: Tenant) -> dict[str, Any]:
        """Raises `Problem`, `StoreUnavailable`."""
        watermark = self.watermark()
        request = parse_funnel(query, tenant, watermark)
        cells = await self.count(self.store, request)
        hidden = await self._hidden(request, cells[0].n, tenant.k_anon)
        return funnel_body(request, cells, watermark, tenant.k_anon, hidden)

    async def people(self, query: Query, tenant: Tenant) -> dict[str, Any]:
        """The units that reached a step, that reached only the one before, or that were left out, a page at a time; the
        cursor fixes `at`. Raises `Problem`, `StoreUnavailable`.
        """
        pairs = list(query)
        given = dict(pairs)
        limit = number("limit", given.get("limit"), LISTED, MOST_SHOWN)
        place = None
        if "cursor" in given:
            try:
                place = cursor.read(given["cursor"])
                at = format_instant(place.at)
            except (cursor.BadCursor, OverflowError):
                raise invalid("cursor", "is not one of ours") from None
            pairs = [("at", at), *(pair for pair in pairs if pair[0] not in ("at", "cursor"))]
        request, step = parse_people(pairs, tenant, self.watermark())
        question = request.question
        if place:
            try:
                cursor.verify(question, place)
            except cursor.BadCursor:
                raise invalid("cursor", "belongs to another question") from None
        secret = await self._secret(request, tenant.k_anon)
        after = (place.entered, place.id) if place else None
        total, units = await self.list_units(self.store, request, after, limit + 1)
        shown = units[:limit]
        is_last = len(units) <= limit
        return {
            "metric": FUNNELS.name,
            "at": format_instant(question.at),
            "total": total,
            "next_cursor": None if is_last else cursor.write(question, shown[-1].entered, shown[-1].id),
            "rows": [_row(request, step, unit, secret) for unit in shown],
        }

    async def _sizes(self, request: FunnelRequest, question: Question) -> Sequence[FunnelCell]:
        cut = tuple(name for name in question.segments if not name.startswith(TRAIT))
        asked = replace(question, parameters={**question.parameters, "cut": cut})
        return await self.count(self.store, replace(request, question=asked))

    async def _hidden(self, request: FunnelRequest, n: int, k: int) -> Hidden:
        """What filters hide, those of the first step too: they must not leave out fewer than are shown."""
        parameters = request.question.parameters
        later = tuple(each for each in parameters["conditions"] if each[0])
        if k and len(later) < len(parameters["conditions"]):
            whole = replace(request.question, parameters={**parameters, "conditions": later}, segments=())
            if 0 < (await self._sizes(request, whole))[0].n - n < k:
                return Hidden(whole=True)
        return await by_filters(request.question, k, partial(self._sizes, request))

    async def _secret(self, request: FunnelRequest, k: int) -> set[tuple[str | None, ...]]:
        """The segments that a list must not name. Raises `Problem` suppressed where it must not be given at all."""
        if not k or not (is_filtered(request) or request.question.segments):
            return set()
        total, *cells = await self._sizes(request, request.question)
        hidden = await self._hidden(request, total.n, k)
        if hidden.whole or (is_filtered(request) and total.n < k):
            raise suppressed(k)
        return small({cell.segment: cell.n for cell in cells}, k, hidden.segments)


def _row(
    request: FunnelRequest, step: int, unit: FunnelUnit, secret: Collection[tuple[str | None, ...]]
) -> dict[str, Any]:
    """A unit as far as one step is concerned: its outcome is that step's event, counted from the step before."""
    counting = request.question.parameters["counting"]
    level = 0 if unit.reason else len(unit.times)
    reached = level >= step
    return {
        "entity": {"attempts": "attempt"}.get(counting, counting),
        "id": unit.id,
        "person": unit.person or None,
        "entered": format_instant(unit.entered),
        "level": level,
        "outcome": request.labels[step - 1] if reached else None,
        "outcome_id": unit.event_ids[step - 1] if reached else None,
        "outcome_at": format_instant(unit.times[step - 1]) if reached else None,
        "seconds": (unit.times[step - 1] - unit.times[step - 2]) / 1000 if reached and step > 1 else None,
        "counted": "excluded" if unit.reason else "numerator" if reached else "denominator",
        "reason": unit.reason or None,
        "segment": {} if unit.segment in secret else dict(zip(request.question.segments, unit.segment, strict=True)),
        "event_ids": list(unit.event_ids),
        "message_ids": list(unit.message_ids),
    }


def funnel_parameters() -> list[dict[str, Any]]:
    """In OpenAPI's words."""
    filters = {"type": "array", "items": {"type": "string"}}
    meaning = "`number:property:eq|ne|in|nin:values`: what an event needs to be that step; repeated: all of them."
    own = [*own_parameters(FUNNELS), query_parameter("step_filter", meaning, filters)]
    return own + cut_parameters(segments_of(FUNNELS))


def people_parameters() -> list[dict[str, Any]]:
    """The same, with which people, and a cursor."""
    return [
        query_parameter("step", "Whose people, from 1.", {"type": "integer", "minimum": 1}, "1"),
        query_parameter(
            "outcome",
            "Who reached the step, who reached the one before and not this one, or what was left out.",
            {"type": "string", "enum": list(OUTCOMES)},
            OUTCOMES[0],
        ),
        *funnel_parameters(),
        query_parameter("cursor", "`next_cursor` of the page before; it fixes `at`.", {"type": "string"}),
    ]
