"""A start folds what lies behind the mark and no more, and a death at any insert costs no fact."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from ingest.accept import accept
from schemas.record import Frame
from schemas.tables import EVENTS, MARKS
from stream_processors.folded import ENOUGH_EVENTS, Folded
from stream_processors.processor import FACTS, Processor, fold
from stream_processors.refold import FIELDS, archived
from stream_processors.refusing import write
from tests.rotation import some

pytestmark = pytest.mark.engine
NOW = 1_790_000_000_000


def _frame(received_at: int, *numbers: int) -> Frame:
    names = ("Order Completed", "Product Added", "Ticket Created", "Call Started", "Trial Started")
    keys = ("order_id", "cart_id", "ticket_id", "call_id", "trial_id")
    items = [
        {
            "event": names[number % 5],
            "messageId": str(number),
            "userId": "u",
            "anonymousId": f"a{number}",
            "context": {"traits": {"plan": "pro"}},
            "properties": {keys[number % 5]: str(number), "referral_code": "r"},
        }
        for number in numbers
    ]
    taken = accept(json.dumps(items).encode(), tenant="t", received_at=received_at, random_id=lambda: str(uuid.uuid4()))
    return taken.frame


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


@dataclass
class Mortal:
    """The real store of a process that dies at one of its inserts, before or after it is done."""

    store: ClickHouseStore
    dies_at: int
    after: bool
    inserts: int = 0
    dead: bool = False

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return await self.store.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        number, self.inserts = self.inserts, self.inserts + 1
        if self.dead or (number == self.dies_at and not self.after):
            self.dead = True
            raise Killed
        await self.store.insert(table, columns)
        if number == self.dies_at:
            self.dead = True
            raise Killed


@dataclass
class Life:
    """One process: a mark, a processor, and what is being written."""

    store: Mortal | ClickHouseStore
    clock: int
    writing: int | None = None

    def __post_init__(self) -> None:
        self.folded = Folded(self.store, lambda: self.clock if self.writing is None else self.writing)
        self.processor = Processor(self.store)

    async def take(self, frame: Frame) -> None:
        await self.folded.begin(frame.received_at)
        self.writing = frame.received_at
        await write(self.processor, [frame])
        self.writing = None
        self.folded.wrote(len(frame.records))


async def _without_facts(store: ClickHouseStore) -> list[str]:
    """Tables that lack the rows of an archived event."""
    rows = await store.query(f"SELECT {', '.join(FIELDS)} FROM events")
    lacking = []
    for table, columns in fold(map(archived, rows), FACTS):
        key = ", ".join(f"toString({name})" for name in table.key)
        stored = set(await store.query(f"SELECT DISTINCT {key} FROM {table.name}"))
        expected = set(zip(*(columns[name] for name in table.key), strict=True)) if columns else set()
        lacking += [table.name] * (len(stored) < len(expected))
    return lacking


async def _life(store: Mortal | ClickHouseStore) -> None:
    """Starts, takes a frame, raises the mark; its clock is set back before the next one; takes one more."""
    life = Life(store, NOW + 1_000)
    await life.folded.catch_up()
    await life.take(_frame(NOW + 1_000, *range(5)))
    life.clock = NOW + 2_000
    await life.folded.raise_mark()
    life.clock = NOW - 50_000
    await life.take(_frame(NOW - 50_000, *range(5, 10)))
    await life.folded.raise_mark()
    life.clock = NOW + 3_000
    await life.take(_frame(NOW + 3_000, *range(10, 15)))
    await life.folded.raise_mark()


async def test_a_death_at_any_insert_leaves_no_archived_event_without_its_facts(store: ClickHouseStore) -> None:
    counting = Mortal(store, dies_at=-1, after=False)
    await _life(counting)
    for dies_at in some(range(counting.inserts), 8, "deaths at an insert"):
        for table in (EVENTS, *(each.table for each in FACTS), MARKS):
            await store.command(f"TRUNCATE TABLE {table.name}")
        with pytest.raises(Killed):
            await _life(Mortal(store, dies_at, after=dies_at % 2 == 0))
        await Life(store, NOW + 9_000).folded.catch_up()
        assert await _without_facts(store) == [], f"died at insert {dies_at} of {counting.inserts}"


async def test_after_any_hour_a_start_folds_no_more_than_what_came_since_the_mark(store: ClickHouseStore) -> None:
    first = Life(store, NOW)
    await first.folded.catch_up()
    await first.take(_frame(NOW, *range(ENOUGH_EVENTS)))
    first.clock = NOW + 1_000
    await first.take(_frame(first.clock, *range(ENOUGH_EVENTS, ENOUGH_EVENTS + 10)))
    assert await Life(store, NOW + 5_000).folded.catch_up() == 10  # killed: only the last batch is behind the mark
    assert await Life(store, NOW + 5_000).folded.catch_up() == 0


async def test_a_stop_leaves_nothing_to_fold(store: ClickHouseStore) -> None:
    life = Life(store, NOW)
    await life.folded.catch_up()
    await life.take(_frame(NOW, 1, 2, 3))
    life.clock = NOW + 1
    await life.folded.raise_mark()
    assert await Life(store, NOW + 2).folded.catch_up() == 0


async def test_an_archive_without_a_mark_has_its_last_hour_folded(store: ClickHouseStore) -> None:
    await write(Processor(store), [_frame(NOW - 7_200_000, 1), _frame(NOW, 2, 3)])
    assert await Life(store, NOW).folded.catch_up() == 2
