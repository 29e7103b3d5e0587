"""Turns frames into rows and puts them into the store: the archive first, then the facts.

Doing a frame twice, or half of it and then all of it again, changes nothing: the rows merge. A line that cannot be
decoded becomes a dead letter and takes nothing else with it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.ports import Store, StoreRejected
from schemas.record import DeadLetter, Frame, Record, decode_dead_letters, decode_records, payload
from schemas.tables import Table
from stream_processors import (
    activity,
    answers,
    archive,
    carts,
    checkouts,
    contacts,
    dead_letters,
    identity_links,
    orders,
    referrals,
    subscriptions,
    tickets,
    traits,
)
from stream_processors.incoming import Incoming, incoming


@dataclass(frozen=True, slots=True)
class Fold:
    """What a processor makes of one event: rows of one table. `names`: the only events that it reads (None: all)."""

    table: Table
    names: frozenset[str] | None
    rows: Callable[[Incoming], Iterator[tuple[Any, ...]]]


ARCHIVE = Fold(archive.TABLE, archive.NAMES, archive.fold)
FACTS: tuple[Fold, ...] = tuple(
    Fold(module.TABLE, module.NAMES, module.fold)
    for module in (
        activity,
        identity_links,
        traits,
        carts,
        checkouts,
        orders,
        tickets,
        contacts,
        answers,
        referrals,
        subscriptions,
    )
)

Columns = dict[str, Sequence[Any]]


def columns(table: Table, rows: Iterable[tuple[Any, ...]]) -> Columns:
    """Rows turned into columns by name; empty when there are none."""
    turned = list(zip(*rows, strict=True))
    return {column.name: values for column, values in zip(table.columns, turned, strict=True)} if turned else {}


@dataclass(frozen=True, slots=True)
class Refused:
    """A dead letter and the bytes that it is about, uncut."""

    letter: DeadLetter
    original: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """What frames hold: records, and what was refused; of `unreadable` frames most lines could not be decoded."""

    records: list[Record]
    refused: list[Refused]
    unreadable: int = 0


def decode(frames: Iterable[Frame]) -> Decoded:
    """Records and dead letters of the frames; a line that cannot be decoded is a dead letter too."""
    records: list[Record] = []
    refused: list[Refused] = []
    unreadable_frames = 0
    for frame in frames:
        undecodable = 0
        try:
            records.extend(decode_records(frame.records))
        except msgspec.MsgspecError:
            for index, line in enumerate(frame.records):
                try:
                    records.extend(decode_records([line]))
                except msgspec.MsgspecError as error:
                    refused.append(unreadable(frame, line, str(error), index))
                    undecodable += 1
        for index, line in enumerate(frame.dead_letters, len(frame.records)):
            try:
                (letter,) = decode_dead_letters([line])
            except msgspec.MsgspecError as error:
                refused.append(unreadable(frame, line, str(error), index))
                undecodable += 1
            else:
                refused.append(Refused(_placed(letter, frame, index), letter.payload.encode()))
        unreadable_frames += undecodable * 2 > len(frame.records) + len(frame.dead_letters)
    return Decoded(records, refused, unreadable_frames)


def unreadable(frame: Frame, original: bytes, message: str, index: int = 0) -> Refused:
    """What stands in the log and cannot be read."""
    letter = DeadLetter(
        tenant="",
        source="log",
        received_at=frame.received_at,
        reason="undecodable_record",
        message=message,
        payload=payload(original),
        index=index,
    )
    return Refused(_placed(letter, frame, index), original)


def _placed(letter: DeadLetter, frame: Frame, index: int) -> DeadLetter:
    """The letter at its place in the log, if the frame came out of one."""
    if not frame.topic:
        return letter
    return msgspec.structs.replace(
        letter, topic=frame.topic, partition=frame.partition, offset=frame.offset, index=index
    )


def fold(records: Iterable[Record], folds: Sequence[Fold]) -> list[tuple[Table, Columns]]:
    """The rows that `folds` make of `records`, by table, in the order of `folds`."""
    events: dict[str, list[Incoming]] = defaultdict(list)
    for record in records:
        events[record.name].append(incoming(record))
    return [(each.table, columns(each.table, _rows(each, events))) for each in folds]


def _rows(each: Fold, events: Mapping[str, list[Incoming]]) -> Iterator[tuple[Any, ...]]:
    for name, named in events.items():
        if each.names is None or name in each.names:
            for event in named:
                yield from each.rows(event)


def _folded(records: Iterable[Record], folds: Sequence[Fold]) -> list[tuple[Table, Columns]]:
    """The rows that `folds` make. Raises `StoreRejected`: what a fold cannot read, no store will ever hold."""
    try:
        return fold(records, folds)
    except Exception as error:
        raise StoreRejected(f"cannot be folded: {error!r}") from error


class Processor:
    """Writes frames into a store; an exception means that some of it may be stored, and all may be written again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fold_seconds = 0.0
        """CPU time spent on turning records into rows, apart from storing them."""

    async def store(self, records: Sequence[Record], letters: Sequence[DeadLetter]) -> None:
        """Archive, then facts and dead letters. Raises what the store raises."""
        began = time.thread_time()
        (archived, *facts) = _folded(records, (ARCHIVE, *FACTS))
        self.fold_seconds += time.thread_time() - began
        refused = columns(dead_letters.TABLE, (row for letter in letters for row in dead_letters.fold(letter)))
        await self._insert([archived])
        await self._insert([*facts, (dead_letters.TABLE, refused)])

    async def refold(self, records: Sequence[Record], facts: Sequence[Fold] = FACTS) -> None:
        """The facts, or some of them, of records that are in the archive already."""
        await self._insert(_folded(records, facts))

    async def _insert(self, parts: Iterable[tuple[Table, Columns]]) -> None:
        await asyncio.gather(*(self._store.insert(table.name, cells) for table, cells in parts if cells))
