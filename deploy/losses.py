"""What is lost and not made good, for whatever shows it: answers, `/readyz`, `/metrics`, a person at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deploy.store import ClickHouseStore
from schemas.damage import ANY_TIME, Damage
from schemas.periods import format_instant
from schemas.signals import DAMAGES as DAMAGES_SIGNAL
from schemas.signals import Reading, Signal

READ_SECONDS = 3.0
"""How often services that only read learn of losses."""
WARNED_SECONDS = READ_SECONDS + 1.0
"""After so long answers of every service carry the warning."""
_DAMAGES = """SELECT table, part, found_at, argMax((reason, rows, first, last, closed_at), version) FROM damages
GROUP BY table, part, found_at ORDER BY found_at, table, part"""


async def known(store: ClickHouseStore) -> list[Damage]:
    """Everything that was ever noticed, oldest first. Raises what the store raises."""
    return [Damage(*key, *told) for *key, told in await store.query(_DAMAGES)]


def described(damage: Damage) -> str:
    """One line for a person."""
    rows = f"{damage.rows} rows" if damage.rows else "an unknown number of rows"
    times = "" if damage.last == ANY_TIME else f", {format_instant(damage.first)} to {format_instant(damage.last)}"
    part = f"part {damage.part} ({rows}{times}) " if damage.part else ""
    return f"table {damage.table}: {part}{damage.reason}"


class Losses:
    """What is lost and not made good, as far as this process knows."""

    def __init__(self, store: ClickHouseStore) -> None:
        self.open: Sequence[Damage] = ()
        self._store = store

    def __call__(self) -> Sequence[Damage]:
        return self.open

    def lines(self) -> list[str]:
        """For a person."""
        return [described(each) for each in self.open]

    def readings(self) -> dict[Signal, Reading]:
        """For `/metrics`: nothing while nothing is lost."""
        return {DAMAGES_SIGNAL: dict(Counter(each.table for each in self.open))} if self.open else {}


class Reported(Losses):
    """Losses that another process has noticed, for a service that only reads."""

    async def read(self) -> None:
        """Raises what the store raises, and keeps what was known."""
        self.open = [each for each in await known(self._store) if not each.closed_at]
