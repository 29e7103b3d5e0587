"""`sojourn rebuild`: makes anew, out of the archive, what is derived from it; the facts for now.

With separate services it runs beside them and they go on. The one process does what is missing by itself, beside its
requests; its folder is its own, so that the command is for when it is stopped, or for facts that are to be made anew.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from deploy.clock import clock
from deploy.opening import is_embedded, lock_folder, open_store
from schemas.periods import format_instant
from schemas.ports import Store
from schemas.settings import Settings
from stream_processors.rebuild import FOLDS, Step, begin, rebuild

GENTLE_BATCH = 1_000
"""Beside requests: so few that folding them holds up nobody."""
GENTLE_REST = 1.0
AGAIN_SECONDS = 5.0


def facts(settings: Settings, anew: Sequence[str] | None) -> str:
    """Build what is missing, and `anew` what is named there from the beginning (nothing named: all; None: nothing).

    Raises `CannotStart`, `StoreUnavailable`, `StoreRejected`; what was done is kept, and the next run goes on.
    """

    async def told() -> str:
        async with AsyncExitStack() as stack:
            if is_embedded(settings):
                lock_folder(settings, stack)
            store, _ = await open_store(settings, stack)
            if anew is not None:
                await begin(store, anew or FOLDS, clock())
            folded = _Progress()
            done = await rebuild(store, clock(), told=folded.show)
        return f"{folded.events} events folded for {', '.join(done)}" if done else "every fact is complete"

    return asyncio.run(told())


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
