"""Restated values of closed windows: what was published, what it is now, and why.

A value is restated when it was complete (maturity 1) and is another one now. The reason is what was stored since: a
refund, where the metric counts money; events dated before the old answer; a merge of people; else something that came
later, such as a ticket that was opened again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from query_api.parameters import MOST_SHOWN, Query, invalid, number
from query_api.rolling import kept
from query_api.rolling.kept import Before, Published
from query_api.rolling.plan import Place
from query_api.rolling.windows import Closed
from schemas.errors import Problem
from schemas.metrics.metric import Metric
from schemas.periods import format_instant, parse_instant
from schemas.ports import Store
from schemas.tables import REVISIONS
from schemas.tenants import Tenant

SHOWN = 100
REFUND, LATE, MERGE, LATER = "refund", "late_event", "merge", "later_event"
WHY = (LATE, MERGE, REFUND, LATER)
_LINKING = "(name IN ('identify', 'alias', 'unalias') OR (anonymous_id != '' AND user_id != ''))"
_SINCE = f"""SELECT countIf(name IN ('order_refunded', 'order_cancelled')) AS refunds,
  countIf(time < fromUnixTimestamp64Milli({{version:Int64}}, 'UTC') AND name NOT IN
    ('order_refunded', 'order_cancelled', 'identify', 'alias', 'unalias')) AS late,
  countIf({_LINKING}) AS merges
FROM events WHERE tenant = {{tenant:String}} AND received_at >= fromUnixTimestamp64Milli({{version:Int64}}, 'UTC')"""
_LISTED = """SELECT at, start, end, segment, old, new, why FROM revisions FINAL
WHERE tenant = {tenant:String} AND metric = {metric:String}
  AND (at, start, end) < ({at:Int64}, {start:Int64}, {end:Int64})
ORDER BY at DESC, start DESC, end DESC LIMIT {limit:UInt32}"""
_LAST = 2**62


async def restated(
    store: Store, tenant: str, metric: Metric, versions: tuple[int, int], bodies: Mapping[Closed, Mapping[str, Any]]
) -> list[Published]:
    """The answers that have to be published, because they are new or others than before; the values that were complete
    and changed are written down as revisions. `versions`: that of the last look (0: not known) and that of the bodies.
    Raises what the store raises.
    """
    looked, version = versions
    if not bodies:
        return []
    before = await kept.closed(store, tenant, metric.name)
    changed: list[Published] = []
    rows: list[tuple[Any, ...]] = []
    for closed, content in bodies.items():
        old = before.get((closed.window, closed.end))
        if old is not None and (old.version >= version or not _differs(old, content)):
            continue
        changed.append(Published(Place(metric.name, closed.window), closed.end, content))
        if old is not None and _is_restated(old, content):
            why = await _why(store, tenant, metric, max(looked, old.version))
            window = (parse_instant(content["window"][edge], "UTC") for edge in ("start", "end"))
            rows.append((tenant, metric.name, *window, "", old.version, version, old.value, content["value"], why))
    if rows:
        names = [column.name for column in REVISIONS.columns]
        await store.insert(REVISIONS.name, dict(zip(names, zip(*rows, strict=True), strict=True)))
    return changed


def _differs(old: Before, content: Mapping[str, Any]) -> bool:
    known = (old.value, old.n, old.maturity, old.declared)
    return known != (content["value"], content["n"] or 0, content["maturity"], content["version"])


def _is_restated(old: Before, content: Mapping[str, Any]) -> bool:
    """Whether a complete value has changed, and not only how the metric is declared."""
    return old.maturity == 1 and old.declared == content["version"] and old.value != content["value"]


async def _why(store: Store, tenant: str, metric: Metric, version: int) -> str:
    ((refunds, late, merges),) = await store.query(_SINCE, {"tenant": tenant, "version": version})
    if metric.money and refunds:
        return REFUND
    return LATE if late else MERGE if merges else REFUND if refunds else LATER


async def listed(store: Store, metric: Metric, query: Query, tenant: Tenant) -> dict[str, Any]:
    """The body of `/revisions`: the latest first. Raises `Problem`, `StoreUnavailable`."""
    given: dict[str, str] = {}
    for name, text in query:
        if name not in ("cursor", "limit"):
            raise Problem("unknown_parameter", f"there is no parameter {name[:100]!r}", field=name[:100])
        if name in given:
            raise invalid(name, "is given twice")
        given[name] = text
    limit = number("limit", given.get("limit"), SHOWN, MOST_SHOWN)
    place = _place(given["cursor"]) if "cursor" in given else (_LAST, 0, 0)
    bound = {"tenant": tenant.id, "metric": metric.name, "limit": limit + 1}
    rows = await store.query(_LISTED, {**bound, **dict(zip(("at", "start", "end"), place, strict=True))})
    shown = rows[:limit]
    return {
        "metric": metric.name,
        "revisions": [
            {
                "window": {"start": format_instant(start), "end": format_instant(end)},
                "segment": None,
                "old": old,
                "new": new,
                "why": why,
                "at": format_instant(at),
            }
            for at, start, end, _, old, new, why in shown
        ],
        "next_cursor": None if len(rows) <= limit else "-".join(str(each) for each in shown[-1][:3]),
    }


def _place(text: str) -> tuple[int, int, int]:
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise invalid("cursor", "is not one of ours")
    at, start, end = map(int, parts)
    return at, start, end
