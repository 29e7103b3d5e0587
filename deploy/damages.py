"""Notices rows that a table has lost, says so, and has what is derived made again from what it was derived from.

A ledger in the store has the parts that each table had at the last look; the engine tells which it has now, and which
it has set aside because it cannot read them. What is known to be lost stays in a table until it is made good: a fact is
folded out of the archive again, windows are counted again; of the archive and of dead letters it is said what is
missing, until somebody accepts it (`sojourn check --accept`). Replicated tables are left to their replicas.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from deploy.losses import Losses, described, known
from deploy.migrate import restore
from deploy.rebuild import GENTLE_BATCH, GENTLE_REST, forget_windows
from deploy.store import ClickHouseStore
from deploy.unreadable import UNREADABLE, free_own_tables, set_aside, unreadable
from schemas.damage import ANY_TIME, Damage, Part, Parts, missing, overlap
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.tables import DAMAGES, EVENTS, LEDGER, TABLES, Source
from stream_processors.rebuild import begin, rebuild, runs

logger = logging.getLogger(__name__)
_TABLES = "SELECT name, engine FROM system.tables WHERE database = currentDatabase()"
_PARTS = """SELECT table, name, partition_id, min_block_number, max_block_number, rows FROM system.parts
WHERE database = currentDatabase() AND active AND NOT startsWith(engine, 'Replicated')"""
_DETACHED = """SELECT table, name, partition_id, min_block_number, max_block_number, toUInt64(0)
FROM system.detached_parts
WHERE database = currentDatabase() AND min_block_number IS NOT NULL
  AND reason NOT IN ('attaching', 'deleting', 'tmp-fetch')"""
_LEDGER = "SELECT table, argMax(parts, version), max(version) FROM ledger GROUP BY table"
_TIMES = "SELECT _part, {first}, {last} FROM {table} WHERE _part IN {{names:Array(String)}} GROUP BY _part"


@dataclass(slots=True)
class _Found:
    """What one look finds of one table."""

    now: list[Part] = field(default_factory=list)
    detached: list[Part] = field(default_factory=list)
    before: list[Part] = field(default_factory=list)


class Watch(Losses):
    """Looks for losses and makes good what can be. `clock` is ms; `recount` is called when windows have to be counted
    again; after `warned_after` seconds all services that answer know of a loss that was written down.
    """

    def __init__(
        self,
        store: ClickHouseStore,
        clock: Callable[[], int],
        recount: Callable[[], None] = lambda: None,
        *,
        warned_after: float = 0.0,
    ) -> None:
        super().__init__(store)
        self.recount = recount
        self._clock = clock
        self._warned_after = warned_after
        self._version = 0
        """Of the ledger: greater than any before, whatever becomes of the clock."""

    @property
    def facts_are_whole(self) -> bool:
        """Whether no fact has lost rows that it does not have again."""
        return not any(TABLES[each.table].source is Source.ARCHIVE for each in self.open if each.table in TABLES)

    async def look(self, *, deep: bool = False, seen: Parts = MappingProxyType({})) -> None:
        """Compare what there is with what there was: in the ledger, and `seen` since. `deep`: read every part. Raises
        what the store raises.
        """
        try:
            await self._look(seen, deep=deep)
        except StoreRejected as error:
            if deep:
                raise
            logger.warning("a look cannot read its tables, so it reads every part: %s", str(error)[:200])
            await self._look(seen, deep=True)

    async def _look(self, seen: Parts, *, deep: bool) -> None:
        engines = dict(await self._store.query(_TABLES))
        absent = [name for name in TABLES if name not in engines]
        if absent:
            await restore(self._store)
        at = self._clock()
        if deep:
            await free_own_tables(self._store)
        said = await unreadable(self._store, [name for name in TABLES if name in engines], at, deep=deep)
        damages = await known(self._store)
        found = await self._compared(engines, seen)
        fresh = [Damage(name, "", at, "was missing") for name in absent]
        fresh += [_known_of(each, found) for each in said]
        noticed = {(each.table, each.part) for each in (*damages, *fresh)}
        for name, parts in found.items():
            fresh += _missing(name, parts, {part for table, part in noticed if table == name}, at)
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
        for damage, reason in said.items():
            if (damage.table, damage.part) not in still:
                logger.error("the engine says of table %s: %s", damage.table, reason)
        await self._write(fresh, at)
        self.open = [each for each in (*damages, *fresh) if not each.closed_at]
        await self._emptied({each.table for each in fresh if not each.part} & engines.keys())
        await self._set_aside(found)
        await self._keep(found, at)

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

    async def _compared(self, engines: dict[str, str], seen: Parts) -> dict[str, _Found]:
        found = {
            name: _Found()
            for name in TABLES
            if name in engines
            and not engines[name].startswith("Replicated")
            and name not in (LEDGER.name, DAMAGES.name)
        }
        for table, now in (await parts(self._store)).items():
            if table in found:
                found[table].now.extend(now)
        for table, *detached in await self._store.query(_DETACHED):
            if table in found:
                found[table].detached.append(Part(*detached))
        for table, had, version in await self._store.query(_LEDGER):
            self._version = max(self._version, int(version))
            if table in found:
                found[table].before = [Part(*part) for part in had]
        for table, newer in seen.items():
            if table in found and TABLES[table].source in (Source.ARCHIVE, Source.NOTHING):  # others may be emptied
                known = found[table].before
                known += [part for part in newer if not any(overlap(part, each) for each in known)]
        return found

    async def _set_aside(self, found: Mapping[str, _Found]) -> None:
        """What leaves its table, also what an earlier look that ended in between has left there."""
        leaving = [each for each in self.open if each.table in found and self._leaves(each)]
        there = {each: part for each in leaving for part in found[each.table].now if part.name == each.part}
        if there:
            await asyncio.sleep(self._warned_after)  # until then questions that read the part have failed
        for damage, part in there.items():
            await set_aside(self._store, damage)
            found[damage.table].now.remove(part)

    def _leaves(self, damage: Damage) -> bool:
        """Whether it is an unreadable part of what can be made again: it leaves its table, as what comes upon a changed
        byte fails. Parts of facts stay while the archive has losses: it could not make all of their rows again.
        """
        archive_is_whole = not any(each.table == EVENTS.name for each in self.open)
        if damage.reason != UNREADABLE or self._is_of(damage, Source.NOTHING):
            return False
        return archive_is_whole or not self._is_of(damage, Source.ARCHIVE)

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


async def parts(store: ClickHouseStore) -> Parts:
    """What each table has now. Raises what the store does."""
    found: defaultdict[str, list[Part]] = defaultdict(list)
    for table, *part in await store.query(_PARTS):
        found[table].append(Part(*part))
    return found


def _missing(name: str, found: _Found, noticed: Container[str], at: int) -> list[Damage]:
    before = [] if TABLES[name].source is Source.ITSELF else found.before
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
