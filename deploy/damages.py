"""Notices rows that a table has lost, says so, and has what is derived made again from what it was derived from.

A ledger in the store has the parts that each table had at the last look; the engine tells which it has now, and which
it has set aside because it cannot read them. What is known to be lost stays in a table until it is made good: a fact is
folded out of the archive again, windows are counted again; of the archive and of dead letters it is said what is
missing, until somebody accepts it (`sojourn check --accept`). Replicated tables are left to their replicas.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from deploy.migrate import restore
from deploy.rebuild import GENTLE_BATCH, GENTLE_REST, forget_windows
from deploy.store import ClickHouseStore
from schemas.damage import ANY_TIME, Damage, Part, missing
from schemas.periods import format_instant
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.signals import DAMAGES as DAMAGES_SIGNAL
from schemas.signals import Reading, Signal
from schemas.tables import DAMAGES, EVENTS, LEDGER, TABLES, Source
from stream_processors.rebuild import begin, rebuild, runs

logger = logging.getLogger(__name__)
LOOK_SECONDS = 60.0
UNREADABLE = "cannot be read: its bytes have changed"
"""Why a part is lost that the engine still has. What the engine itself says of it is for the log."""

_TABLES = "SELECT name, engine FROM system.tables WHERE database = currentDatabase()"
_PARTS = """SELECT table, name, partition_id, min_block_number, max_block_number, rows FROM system.parts
WHERE database = currentDatabase() AND active"""
_DETACHED = """SELECT table, name, partition_id, min_block_number, max_block_number, toUInt64(0)
FROM system.detached_parts
WHERE database = currentDatabase() AND min_block_number IS NOT NULL
  AND reason NOT IN ('attaching', 'deleting', 'tmp-fetch')"""
_LEDGER = "SELECT table, argMax(parts, version), max(version) FROM ledger GROUP BY table"
_DAMAGES = """SELECT table, part, found_at, argMax((reason, rows, first, last, closed_at), version) FROM damages
GROUP BY table, part, found_at ORDER BY found_at, table, part"""
_TIMES = "SELECT _part, {first}, {last} FROM {table} WHERE _part IN {{names:Array(String)}} GROUP BY _part"


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


@dataclass(slots=True)
class _Found:
    """What one look finds of one table."""

    now: list[Part] = field(default_factory=list)
    detached: list[Part] = field(default_factory=list)
    before: list[Part] = field(default_factory=list)


class Watch(Losses):
    """Looks at start and every minute. `clock` is ms; `recount` is called when windows have to be counted again."""

    def __init__(
        self, store: ClickHouseStore, clock: Callable[[], int], recount: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(store)
        self.recount = recount
        self._clock = clock
        self._version = 0
        """Of the ledger: greater than any before, whatever becomes of the clock."""

    async def tick(self) -> None:
        """Look, and make good what can be. Raises what the store raises: call it again."""
        await self.look()
        await self.mend()

    @property
    def facts_are_whole(self) -> bool:
        """Whether no fact has lost rows that it does not have again."""
        return not any(TABLES[each.table].source is Source.ARCHIVE for each in self.open if each.table in TABLES)

    async def look(self, *, deep: bool = False) -> None:
        """Compare what there is with what there was; `deep`: read every part. Raises what the store raises."""
        engines = dict(await self._store.query(_TABLES))
        absent = [name for name in TABLES if name not in engines]
        if absent:
            await restore(self._store)
        damages = await known(self._store)
        found = await self._compared(engines)
        at = self._clock()
        fresh = [Damage(name, "", at, "was missing") for name in absent]
        for name, parts in found.items():
            fresh += _missing(name, parts, [each for each in damages if each.table == name], at)
        unreadable = await self._unreadable(engines, at, deep=deep)
        fresh += [_known_of(each, found) for each in unreadable]
        # An unreadable part that was accepted stays where it is, and is no news at the next reading of every part.
        still = {
            (each.table, each.part)
            for each in damages
            if not each.closed_at or (each.reason == UNREADABLE and self._is_of(each, Source.NOTHING))
        }
        fresh = [each for each in fresh if (each.table, each.part) not in still]
        if fresh:  # later than every run that has built a fact, whatever became of the clock
            at = max(at, 1 + max(run.number for run in (await runs(self._store)).values()))
            fresh = [replace(each, found_at=at) for each in fresh]
        for each in fresh:
            logger.error("rows were lost: %s; %s", described(each), _what_now(each))
        for damage, said in unreadable.items():
            if (damage.table, damage.part) not in still:
                logger.error("the engine says of table %s: %s", damage.table, said)
        await self._write(fresh, at)
        await self._emptied({each.table for each in fresh if not each.part} & engines.keys())
        await self._keep(found, at)
        self.open = [each for each in (*damages, *fresh) if not each.closed_at]
        await self._set_aside([each for each in fresh if each.table in found])

    async def last_look(self) -> None:
        """At the end, so that the ledger has the newest parts; without it when the store is away already."""
        with suppress(StoreUnavailable, StoreRejected):
            await self.look()

    async def mend(self) -> None:
        """Make again what is derived. Raises what the store raises."""
        if any(self._is_of(each, Source.FACTS) for each in self.open):
            await forget_windows(self._store)
            self.recount()
            await self.close([each for each in self.open if self._is_of(each, Source.FACTS)])
        own = [each for each in self.open if self._is_of(each, Source.ITSELF)]
        await self.close(own)
        facts = {each.table: each.found_at for each in self.open if self._is_of(each, Source.ARCHIVE)}
        if not facts:
            return
        latest = await runs(self._store)
        if stale := [name for name, found_at in facts.items() if latest[name].number < found_at]:
            await begin(self._store, stale, max(self._clock(), *facts.values()))
        await rebuild(self._store, self._clock(), batch=GENTLE_BATCH, rest=GENTLE_REST)
        if any(each.table == EVENTS.name for each in self.open):
            return  # the archive has lost events: what was made of it may lack them
        logger.warning("made again from the archive: %s", ", ".join(sorted(facts)))
        await self.close([each for each in self.open if self._is_of(each, Source.ARCHIVE)])
        self.recount()

    async def close(self, damages: Sequence[Damage]) -> None:
        """They are made good, or accepted. Raises what the store raises."""
        at = max(self._clock(), *(each.found_at + 1 for each in damages), 0)
        await self._write([replace(each, closed_at=at) for each in damages], at)
        self.open = [each for each in self.open if each not in damages]

    @staticmethod
    def _is_of(damage: Damage, source: Source) -> bool:
        return damage.table in TABLES and TABLES[damage.table].source is source

    async def _compared(self, engines: dict[str, str]) -> dict[str, _Found]:
        found = {
            name: _Found()
            for name in TABLES
            if name in engines
            and not engines[name].startswith("Replicated")
            and name not in (LEDGER.name, DAMAGES.name)
        }
        for table, *now in await self._store.query(_PARTS):
            if table in found:
                found[table].now.append(Part(*now))
        for table, *detached in await self._store.query(_DETACHED):
            if table in found:
                found[table].detached.append(Part(*detached))
        for table, parts, version in await self._store.query(_LEDGER):
            self._version = max(self._version, int(version))
            if table in found:
                found[table].before = [Part(*part) for part in parts]
        return found

    async def _unreadable(self, engines: dict[str, str], at: int, *, deep: bool) -> dict[Damage, str]:
        """Tables that do not load, and with `deep` the parts whose sums do not fit, each with what the engine says."""
        found = {}
        for name in (each for each in TABLES if each in engines):
            try:
                if not deep:
                    await self._store.query(f"SELECT count() FROM {name}")
                    continue
                checked = await self._store.query(f"CHECK TABLE {name} SETTINGS check_query_single_value_result = 0")
            except StoreRejected as error:
                found[Damage(name, "", at, "cannot be loaded")] = str(error)
            else:
                # The client takes it for a statement without rows, and splits the text of its answer at tabs alone.
                for line in "\t".join(str(cell) for row in checked for cell in row).splitlines():
                    part, is_sound, *message = line.split("\t")
                    if is_sound == "0":
                        found[Damage(name, part, at, UNREADABLE)] = " ".join(message)
        return found

    async def _set_aside(self, fresh: Iterable[Damage]) -> None:
        """Unreadable parts of facts leave their table: all that they held is made again, and questions that come upon
        a changed byte would fail. The engine keeps their files among the detached ones. They stay while the archive has
        losses: what it lacks could not be made again.
        """
        if any(each.table == EVENTS.name for each in self.open):
            return
        for each in fresh:
            if each.reason == UNREADABLE and self._is_of(each, Source.ARCHIVE):
                await self._store.command(f"ALTER TABLE {each.table} DETACH PART '{each.part}'")

    async def _emptied(self, names: Iterable[str]) -> None:
        """Tables that cannot be loaded are made anew where what they held can be made again."""
        derived = [name for name in names if TABLES[name].source in (Source.ARCHIVE, Source.FACTS)]
        for name in derived:
            await self._store.command(f"DROP TABLE IF EXISTS {name} SYNC")
        if derived:
            await restore(self._store)

    async def _keep(self, found: dict[str, _Found], at: int) -> None:
        """The new ledger, of the tables that have changed."""
        rows = []
        for name, each in found.items():
            times = {part.name: (part.first, part.last) for part in each.before}
            unread = [part.name for part in each.now if part.name not in times]
            if not unread and len(each.now) == len(each.before):
                continue
            times |= await self._times(name, unread)
            ends = (times.get(part.name, (ANY_TIME, ANY_TIME)) for part in each.now)
            rows.append((name, [(*part[:5], *end) for part, end in zip(each.now, ends, strict=True)]))
        if rows:
            self._version = max(at, self._version + 1)
            await self._store.insert(
                LEDGER.name,
                {
                    "table": [name for name, _ in rows],
                    "version": [self._version] * len(rows),
                    "parts": [parts for _, parts in rows],
                },
            )

    async def _times(self, name: str, parts: Sequence[str]) -> dict[str, tuple[int, int]]:
        """First and last time of what parts hold, where it could be asked for: of what cannot be made again."""
        table = TABLES[name]
        column = next((each for each in ("time", "received_at") if each in table.types), "")
        if not parts or not column or table.source is not Source.NOTHING:
            return {}
        ends = {end: f"toUnixTimestamp64Milli({of}({column}))" for end, of in (("first", "min"), ("last", "max"))}
        rows = await self._store.query(_TIMES.format(table=name, **ends), {"names": list(parts)})
        return {part: (first, last) for part, first, last in rows}

    async def _write(self, damages: Sequence[Damage], at: int) -> None:
        names = [column.name for column in DAMAGES.columns if column.name != "version"]
        columns: dict[str, list[Any]] = {name: [getattr(each, name) for each in damages] for name in names}
        if damages:
            await self._store.insert(DAMAGES.name, {**columns, "version": [at] * len(damages)})


def _missing(name: str, found: _Found, earlier: Iterable[Damage], at: int) -> list[Damage]:
    before = [] if TABLES[name].source is Source.ITSELF else found.before
    noticed = {each.part for each in earlier}
    return [
        Damage(name, part.name, at, reason, *part[4:])
        for part, reason in missing(before, found.now, found.detached, noticed)
    ]


def _known_of(damage: Damage, found: Mapping[str, _Found]) -> Damage:
    """The damage with the rows and times of its part: what the ledger has of it, else what the engine says."""
    own = found.get(damage.table, _Found())
    part = next((each for each in (*own.before, *own.now) if each.name == damage.part), None)
    return damage if part is None else replace(damage, rows=part.rows, first=part.first, last=part.last)


def _what_now(damage: Damage) -> str:
    match TABLES[damage.table].source:
        case Source.ARCHIVE:
            return "it is made again from the archive, and answers that depend on it carry a warning until then"
        case Source.FACTS:
            return "it is counted again"
        case Source.ITSELF:
            return "its writer goes on without"
        case Source.NOTHING:
            return "restore a backup, or accept it with `sojourn check --accept`"
