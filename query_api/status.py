"""How far counting is, at `/v1/status`: it waits for no question, and is counted once for all who ask meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from query_api.parameters import Query
from query_api.service import Answers, refuse_all
from schemas.damage import Damage
from schemas.periods import format_instant
from schemas.ports import Queries
from schemas.tenants import Tenant

_EVENTS = "SELECT uniqExact(event_id) FROM events WHERE tenant = {tenant:String}"
_DEAD_LETTERS = """SELECT uniqExact(received_at, reason, topic, partition, offset, index, digest) FROM dead_letters
WHERE tenant = {tenant:String}"""


@dataclass(slots=True)
class Status:
    """Answers from a store connection that no question uses."""

    store: Queries
    answers: Answers
    _counting: dict[str, asyncio.Task[dict[str, Any]]] = field(default_factory=dict)

    async def answer(self, query: Query, tenant: Tenant) -> dict[str, Any]:
        """Raises `Problem`, `StoreUnavailable`."""
        refuse_all(query)
        counting = self._counting.get(tenant.id)
        if counting is None:
            counting = self._counting[tenant.id] = asyncio.create_task(self._count(tenant.id), name="status")
            counting.add_done_callback(lambda _: self._counting.pop(tenant.id))
        return await asyncio.shield(counting)

    async def _count(self, tenant: str) -> dict[str, Any]:
        watermark, lag = self.answers.watermark(), self.answers.lag()
        bound = {"tenant": tenant}
        stored, dead = await asyncio.gather(self.store.query(_EVENTS, bound), self.store.query(_DEAD_LETTERS, bound))
        return {
            "watermark": format_instant(watermark),
            "events_stored": int(stored[0][0]),
            "dead_letters": int(dead[0][0]),
            "lag_records": lag.records,
            "oldest_unprocessed_seconds": lag.oldest_seconds,
            "damages": [_told(each) for each in self.answers.damages()],
        }


def _told(damage: Damage) -> dict[str, Any]:
    """A loss as `/v1/status` shows it; of unknown rows and times nothing."""
    return {
        "table": damage.table,
        "reason": damage.reason,
        "rows": damage.rows or None,
        "from": None if damage.is_of_any_time else format_instant(damage.first),
        "to": None if damage.is_of_any_time else format_instant(damage.last),
        "found_at": format_instant(damage.found_at),
    }
