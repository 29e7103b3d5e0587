"""Marks how far the archive has its facts, so that a start folds again only what lies behind the mark.

The mark is a receipt time that is never later than that of any event which may stand in the archive without its facts:
it is raised after writes are over, and lowered before one begins that carries something older (a clock that was set
back, a dead letter that is replayed). A death at any place then costs at most the work since the last raising.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from schemas.limits import NEVER_MS
from schemas.ports import Store
from schemas.tables import MARKS
from stream_processors.refold import refold

NAME = "folded"
ENOUGH_EVENTS = 5_000
"""The mark is raised after so many at the latest: a start folds them again in well under a second."""
UNMARKED_MS = 3_600_000
"""How much of the end of an archive without a mark is folded again: no write of an older version took as long."""


class Folded:
    """The mark of one archive, which has one writer. `settled` is the receipt time before which all writes are over."""

    def __init__(self, store: Store, settled: Callable[[], int]) -> None:
        self._store = store
        self._settled = settled
        self._at = NEVER_MS
        """Never earlier than the mark in the store."""
        self._version = 0
        self._unmarked = 0
        self._turn = asyncio.Lock()

    async def catch_up(self) -> int:
        """Fold what lies behind the mark, at a start; answers how many events that were. Raises `StoreUnavailable`."""
        rows = await self._store.query(
            f"SELECT value, version FROM {MARKS.name} WHERE name = {{name:String}} ORDER BY version DESC LIMIT 1",
            {"name": NAME},
        )
        behind, self._version = rows[0] if rows else (await self._newest() - UNMARKED_MS, 0)
        done = await refold(self._store, behind)
        await self._keep(self._settled)
        return done

    async def _newest(self) -> int:
        ((newest,),) = await self._store.query("SELECT toUnixTimestamp64Milli(max(received_at)) FROM events")
        return int(newest)

    async def begin(self, received_at: int) -> None:
        """Before anything is written that was received at this time or later. Raises what the store raises."""
        if self._unmarked >= ENOUGH_EVENTS:
            await self.raise_mark()
        if received_at < self._at:
            await self._keep(lambda: received_at)

    def wrote(self, events: int) -> None:
        """After so many were written."""
        self._unmarked += events

    async def raise_mark(self) -> None:
        """As far as all writes are over, if anything was written since. Raises what the store raises."""
        if unmarked := self._unmarked:
            await self._keep(self._settled)
            self._unmarked -= unmarked

    async def _keep(self, mark: Callable[[], int]) -> None:
        """One at a time. What begins while a higher mark is on its way is compared with that one already."""
        async with self._turn:
            at = mark()
            self._at = max(self._at, at)
            self._version += 1
            await self._store.insert(MARKS.name, {"name": [NAME], "version": [self._version], "value": [at]})
            self._at = at
