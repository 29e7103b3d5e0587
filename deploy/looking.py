"""Decides when to look for lost rows: once a minute, and soon after a glance at the engine has given cause.

A glance is two short statements every few seconds: which parts there are, and how many errors the engine has counted
that come of a part that it cannot read, whatever the statement was (a question of another process, a merge). Parts
that are gone lead to a look, new errors to a deep one, which reads every part: at most once a minute, and less and less
often while that finds nothing new, as with a part of the archive that stays unreadable until a backup is restored.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from deploy.damages import Watch, parts
from deploy.engine_errors import UNREADABLE
from deploy.store import ClickHouseStore
from schemas.damage import Part, Parts, missing
from schemas.tables import TABLES, Source

GLANCE_SECONDS = 4.0
"""A glance takes 8 ms of CPU, of the engine's and of this process's together [measured]."""
LOOK_SECONDS = 60.0
MOST_SECONDS = 3600.0
"""Between two deep looks of which the last ones found nothing new."""
_ERRORS = "SELECT sum(value) FROM system.errors WHERE NOT remote AND code IN {codes:Array(Int32)}"
_LOST_FOR_GOOD = [name for name, table in TABLES.items() if table.source is not Source.ITSELF]


class Cause(Enum):
    """How thoroughly to look now."""

    NONE = "not at all"
    PARTS = "which parts there are"
    BYTES = "every byte of every part"


@dataclass(slots=True)
class Causes:
    """What glances have shown so far. Pure: `now` is in seconds and never goes back."""

    seen: Parts = field(default_factory=dict)
    _errors: int | None = None
    _looked_at: float = -math.inf
    _deep_at: float = -math.inf
    _rest: float = LOOK_SECONDS

    def of(self, parts: Parts, errors: int, now: float) -> Cause:
        """What a glance gives cause for. What was counted before the first one is nobody's news; a server that was
        started again counts from 0.
        """
        has_lost = any(_gone(self.seen.get(name, ()), parts.get(name, ())) for name in _LOST_FOR_GOOD)
        self.seen = parts
        if errors == 0 or self._errors is None:
            self._errors = errors
        if errors != self._errors and now - self._deep_at >= self._rest:
            return Cause.BYTES
        if has_lost or now - self._looked_at >= LOOK_SECONDS:
            return Cause.PARTS
        return Cause.NONE

    def begins_deep(self, now: float) -> None:
        """A deep look begins, however it ends."""
        self._deep_at = now

    def ended_deep(self, errors: int, *, found: bool) -> None:
        """It has read all: `errors` are known now, its own among them."""
        self._errors = errors
        self._rest = LOOK_SECONDS if found else min(2 * self._rest, MOST_SECONDS)

    def looked(self, now: float) -> None:
        """A look is over, and what it found is made good: the ledger has all parts, some of which were set aside."""
        self._looked_at = now
        self.seen = {}


def _gone(before: Sequence[Part], now: Sequence[Part]) -> bool:
    """Whether a table has lost parts since the last glance, beside those that were merged into others."""
    names = {part.name for part in now}
    return bool(missing([part for part in before if part.name not in names], now, (), ()))


class Looking:
    """Glances, looks and has losses made good, for the one process that does so."""

    def __init__(self, store: ClickHouseStore, watch: Watch) -> None:
        self.watch = watch
        self._store = store
        self._causes = Causes()
        self._glanced_at = -math.inf

    async def tick(self) -> None:
        """Call it as often as you like. Raises what the store raises; what was not done is done at the next glance."""
        now = time.monotonic()
        if now - self._glanced_at < GLANCE_SECONDS:
            return
        self._glanced_at = now
        seen = self._causes.seen
        cause = self._causes.of(await parts(self._store), await errors(self._store), now)
        if cause is Cause.NONE:
            return
        if cause is Cause.BYTES:
            await self._look_deeply(seen, now)
        else:
            await self.watch.look(seen=seen)
        await self.watch.mend()
        self._causes.looked(now)

    async def _look_deeply(self, seen: Parts, now: float) -> None:
        self._causes.begins_deep(now)
        before = set(self.watch.open)
        await self.watch.look(deep=True, seen=seen)
        self._causes.ended_deep(await errors(self._store), found=not before.issuperset(self.watch.open))


async def errors(store: ClickHouseStore) -> int:
    """How often the engine has come upon a part that it cannot read, since its start. Raises what the store does."""
    ((count,),) = await store.query(_ERRORS, {"codes": list(UNREADABLE)})
    return int(count)
