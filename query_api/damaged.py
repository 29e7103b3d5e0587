"""Marks answers that lost rows may have changed: with a warning, and provisional while a fact is made again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from query_api.answer import in_each
from query_api.rolling.reads import tables_read
from schemas.damage import Damage
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.tables import ACTIVITY, EVENTS, IDENTITY_LINKS, TABLES, TRAITS, Source
from schemas.tenants import Tenant

Damages = Callable[[], Sequence[Damage]]
REBUILDING, LOST = "facts_incomplete", "events_lost"
_ALWAYS_READ = {IDENTITY_LINKS.name, TRAITS.name}
"""Who somebody is, and what is told of them: nearly every answer may need it."""
_OF_JOURNEYS = _ALWAYS_READ | {EVENTS.name, ACTIVITY.name}
"""What funnels and retention read beside."""


async def watched(asking: Awaitable[dict[str, Any]], damages: Damages, tenant: Tenant) -> dict[str, Any]:
    """The answer, marked by what was known to be lost before it was counted or after: a fact that is whole again by the
    end may have been counted while it lacked rows.
    """
    before = damages()
    content = await asking
    return marked(content, [*before, *(each for each in damages() if each not in before)], tenant)


def marked(content: dict[str, Any], damages: Sequence[Damage], tenant: Tenant) -> dict[str, Any]:
    """The answer (or each of several) with what is to be said of it; the same if nothing was lost that it reads."""
    if not damages:
        return content
    content = in_each(content, lambda answer: marked(answer, damages, tenant))
    if not isinstance(content.get("warnings"), list):  # the catalogue says there what each warning means
        return content
    warnings = _warnings(content, damages, tenant)
    if not warnings:
        return content
    told = {**content, "warnings": sorted({*content["warnings"], *warnings})}
    if REBUILDING in warnings and "status" in content:
        told["status"] = "provisional"
    return told


def _warnings(content: dict[str, Any], damages: Sequence[Damage], tenant: Tenant) -> set[str]:
    metric = METRICS.get(str(content.get("metric")))
    reads = _ALWAYS_READ | tables_read(metric, tenant) if metric else _OF_JOURNEYS
    window = content.get("window") or {}
    start = parse_instant(window["start"], "UTC") if "start" in window else 0
    at = parse_instant(content["at"], "UTC") if "at" in content else max(each.last for each in damages) + 1
    found = set()
    for each in damages:
        if each.table not in reads:
            continue
        if TABLES[each.table].source is Source.ARCHIVE:
            found.add(REBUILDING)
        elif each.touches(start, at):
            found.add(LOST)
    return found
