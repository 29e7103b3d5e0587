"""Folds the archive from its beginning for facts that are younger than it is, while everything goes on.

In the order of the archive, tenant by tenant, name by name, by time, a batch at a time; after each batch the place is
kept, so that a run that ended anywhere goes on from there. Doing a part twice changes nothing: facts merge. What comes
in meanwhile is folded by who takes it in, if he knows the fact: rebuild after every process has the new version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schemas.ports import Store
from schemas.tables import REBUILDS
from stream_processors.processor import FACTS, Fold, Processor
from stream_processors.refold import FIELDS, archived
from stream_processors.refusing import put_or_refuse

Place = tuple[str, str, int, int, int]
BEGINNING: Place = ("", "", -1, 0, 0)
_UNKNOWN = 0
"""The run of a fact of which nothing is known."""
FOLDS = {fold.table.name: fold for fold in FACTS}


@dataclass(frozen=True, slots=True)
class Run:
    """The latest attempt to build a fact out of the whole archive."""

    fact: str
    number: int
    reached: Place
    is_done: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch did."""

    place: Place
    events: int


async def runs(store: Store) -> dict[str, Run]:
    """The latest run of each fact; one that was never built has one that has not begun."""
    rows = await store.query(
        "SELECT fact, run, max(reached) AS reached_, max(done) FROM rebuilds GROUP BY fact, run ORDER BY fact, run"
    )
    known = {fact: Run(fact, number, _place(reached), bool(done)) for fact, number, reached, done in rows}
    return {name: known.get(name) or Run(name, _UNKNOWN, BEGINNING, is_done=False) for name in FOLDS}


def _place(reached: Sequence[object]) -> Place:
    tenant, name, moment, event, own = reached
    return str(tenant), str(name), int(str(moment)), int(str(event)), int(str(own))


async def settle_empty(store: Store) -> None:
    """With an empty archive every fact is complete: say so, before anything comes in."""
    unknown = [run for run in (await runs(store)).values() if not run.is_done]
    if unknown and not await store.query("SELECT 1 FROM events LIMIT 1"):
        await _keep(store, unknown, BEGINNING, is_done=True)


async def begin(store: Store, facts: Iterable[str], number: int) -> None:
    """Begin a run (its number: the time, ms) that builds these facts anew, whatever is known of them."""
    await _keep(store, [Run(fact, number, BEGINNING, is_done=False) for fact in facts], BEGINNING, is_done=False)


async def rebuild(
    store: Store,
    until_ms: int,
    *,
    batch: int = 10_000,
    rest: float = 0.0,
    told: Callable[[Step], None] = lambda _: None,
) -> list[str]:
    """Build every fact that is not complete out of what the archive received up to `until_ms`; answers which.

    After each batch it rests `rest` times as long as that took. Raises what the store raises: call it again.
    """
    wanted = [run for run in (await runs(store)).values() if not run.is_done]
    if not wanted:
        return []
    walk = _Walk(store, [FOLDS[run.fact] for run in wanted], until_ms, batch)
    place = min(run.reached for run in wanted)
    for tenant, name in await _names(store):
        if (tenant, name) < place[:2] or not any(fold.names is None or name in fold.names for fold in walk.folds):
            continue
        place = place if (tenant, name) == place[:2] else (tenant, name, -1, 0, 0)
        while True:
            began = time.monotonic()
            done, place = await walk.onward(place)
            if done:
                await _keep(store, wanted, place, is_done=False)
                told(Step(place, done))
            if done < batch:
                break
            await asyncio.sleep((time.monotonic() - began) * rest)
    await _keep(store, wanted, place, is_done=True)
    return [run.fact for run in wanted]


async def _names(store: Store) -> list[tuple[str, str]]:
    """Tenants and the names of their events, in the order of Python, which is that of bytes."""
    rows = await store.query("SELECT DISTINCT tenant, name FROM events")
    return sorted((str(tenant), str(name)) for tenant, name in rows)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes through what was received up to `until_ms`, `batch` rows of one name at a time."""

    store: Store
    folds: Sequence[Fold]
    until_ms: int
    batch: int

    async def onward(self, place: Place) -> tuple[int, Place]:
        """Fold the next rows of one name after `place`; answers how many, and the place of the last."""
        tenant, name, moment, event, own = place
        rows = await self.store.query(
            f"""SELECT {", ".join(FIELDS)}, toUnixTimestamp64Milli(time) AS moment, toUInt128(event_id) AS event
            FROM events
            WHERE tenant = {{tenant:String}} AND name = {{name:String}}
              AND time >= fromUnixTimestamp64Milli({{moment:Int64}}, 'UTC')
              AND received_at <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC')
              AND (moment, event, hash) > ({{moment:Int64}}, {{event:UInt128}}, {{own:UInt64}})
            ORDER BY time, event, hash LIMIT {{batch:UInt32}}""",
            {
                "tenant": tenant,
                "name": name,
                "moment": moment,
                "event": event,
                "own": own,
                "until": self.until_ms,
                "batch": self.batch,
            },
        )
        if not rows:
            return 0, place
        records = [archived(row[:-2]) for row in rows]
        processor = Processor(self.store)
        await put_or_refuse(lambda part, _: processor.refold(part, self.folds), records)
        return len(rows), (tenant, name, rows[-1][-2], rows[-1][-1], records[-1].hash)


async def _keep(store: Store, of: Sequence[Run], place: Place, *, is_done: bool) -> None:
    await store.insert(
        REBUILDS.name,
        {
            "fact": [run.fact for run in of],
            "run": [run.number for run in of],
            "reached": [place for _ in of],
            "done": [int(is_done) for _ in of],
        },
    )
