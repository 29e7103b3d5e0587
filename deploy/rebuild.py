"""The command `sojourn rebuild`: builds what is derived again, facts from the archive and rolling windows from facts.

With separate services it runs beside them. The one process builds what is missing by itself, between its requests, and
locks its folder: there the command is for when it is stopped.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from deploy.clock import clock
from deploy.open_store import open_store
from deploy.opening import is_embedded, lock_folder, open_tenants
from deploy.reported_watermark import NOBODY, ReportedWatermark
from deploy.store import ClickHouseStore
from query_api.rolling.keeper import Keeper
from schemas.periods import format_instant
from schemas.ports import Store, StoreUnavailable
from schemas.settings import Settings
from schemas.tables import LEDGER, TABLES, Source
from schemas.topics import EVENTS
from stream_processors.rebuild import FOLDS, Step, begin, rebuild

GENTLE_BATCH = 1_000
"""Beside requests: so few that folding them holds up nobody."""
GENTLE_REST = 1.0
AGAIN_SECONDS = 5.0


def facts(settings: Settings, again: Sequence[str] | None) -> str:
    """Build what is missing, and the facts named by `again` from the beginning (none named: all; None: no fact).

    Raises `CannotStart`, `StoreUnavailable`, `StoreRejected`; what was done is kept, and the next run goes on.
    """

    async def told() -> str:
        async with AsyncExitStack() as stack:
            if is_embedded(settings):
                lock_folder(settings, stack)
            store, _ = await open_store(settings, stack)
            if again is not None:
                await begin(store, again or FOLDS, clock())
            folded = _Progress()
            done = await rebuild(store, clock(), told=folded.show)
        return f"{folded.events} events folded for {', '.join(done)}" if done else "every fact is complete"

    return asyncio.run(told())


_EMPTY = ("ALTER TABLE metric_buckets DELETE WHERE 1", "ALTER TABLE metric_points DELETE WHERE end = 0")
"""What was published of closed windows stays: what they are now is held against it."""


async def forget_windows(store: ClickHouseStore) -> None:
    """Drop what is counted of the rolling windows, and from the ledger the parts that go with it."""
    for statement in _EMPTY:
        await store.command(statement)
    names = [table.name for table in TABLES.values() if table.source is Source.FACTS]
    await store.insert(LEDGER.name, {"table": names, "version": [clock()] * len(names), "parts": [[] for _ in names]})


def windows(settings: Settings) -> str:
    """Forget what is kept of the rolling windows and count all of it anew; readers ask the facts in the meantime.

    Raises `CannotStart`, `StoreUnavailable`, `StoreRejected`.
    """

    async def told() -> str:
        async with AsyncExitStack() as stack:
            if is_embedded(settings):
                lock_folder(settings, stack)
            tenants = open_tenants(settings.tenants)
            store, _ = await open_store(settings, stack)
            watermark = await _watermark(settings, store)
            await forget_windows(store)
            keeper = Keeper(store, tenants, lambda: watermark)
            for tenant in tenants.all:
                print(f"{tenant.id}: {await keeper.all(tenant)} counts", file=sys.stderr)
            if keeper.failures:
                raise StoreUnavailable(
                    f"{keeper.failures} of {keeper.jobs} counts failed; the next run does them again"
                )
            return f"{keeper.jobs} counts of rolling windows as of {format_instant(watermark)}"

    return asyncio.run(told())


async def _watermark(settings: Settings, store: ClickHouseStore) -> int:
    """Up to when all is counted: until now, where one process has stored all that it took and was ended."""
    if is_embedded(settings):
        return clock()
    reported = ReportedWatermark(store, EVENTS.full_name(settings.topic_prefix))
    await reported.read()
    if reported.at is None:
        raise StoreUnavailable(NOBODY)
    return reported.at


class _Progress:
    """Counts what was folded and shows a person where it is."""

    def __init__(self) -> None:
        self.events = 0

    def show(self, step: Step) -> None:
        self.events += step.events
        tenant, name, moment, *_ = step.place
        print(f"{self.events} events: {tenant}, {name}, {format_instant(moment)}", file=sys.stderr)


class Missing:
    """What the one process does beside its requests until no fact is incomplete."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since = clock()
        self.is_complete = False

    async def build(self) -> None:
        """Raises what the store raises: call it again."""
        if not self.is_complete:
            await rebuild(self._store, self._since, batch=GENTLE_BATCH, rest=GENTLE_REST)
            self.is_complete = True
