"""An archive that is older than a fact: after a rebuild it is all as if the fact had always been there."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from schemas.metrics import METRICS
from schemas.ports import StoreUnavailable
from schemas.record import decode_records
from schemas.tables import ANSWERS, CONTACTS, FACTS, REFERRALS, SUBSCRIPTION_EVENTS
from stream_processors.processor import ARCHIVE, Fold, fold
from stream_processors.rebuild import FOLDS, Step, begin, rebuild, runs, settle_empty
from tests.databases import own
from tests.reference.experience_stream import QUESTIONS, Experiences
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, feed, filled, frame, reader
from tests.reference.merged import merged
from tests.reference.stream import Delivery, stream
from tests.rotation import some

pytestmark = pytest.mark.engine
LATE = {"from": "2026-09-01", "to": "2026-11-12", "at": "2026-12-20T00:00:00Z"}
YOUNGER = (ANSWERS, REFERRALS, SUBSCRIPTION_EVENTS, CONTACTS)
ALWAYS_THERE = (1, 2, 6)
"""The migrations that make no table of a younger fact."""
LACKING = ("nps", "trial_to_paid_rate")
"""Metrics whose answers need younger facts."""


@pytest.fixture(scope="module")
def deliveries() -> list[Delivery]:
    return [*stream(3, 500, GrowthJourneys), *stream(4, 500, Experiences)]


@pytest.fixture
async def empty(engine_dsn: str) -> AsyncIterator[ClickHouseStore]:
    """A database without tables, dropped afterwards."""
    async with own(engine_dsn, tables=False) as opened:
        yield opened


async def written_by_an_older_version(store: ClickHouseStore, deliveries: list[Delivery], folder: Path) -> None:
    """Archive and facts as a version left them that knew none of the younger facts; then the migrations of this one."""
    older = folder / "older"
    older.mkdir()
    for file in files("schemas").joinpath("migrations").iterdir():
        if file.name.endswith(".sql") and int(file.name[:4]) in ALWAYS_THERE:
            shutil.copy(str(file), older / file.name)
    await migrate(store, folder=older)
    known = [each for name, each in FOLDS.items() if name not in {table.name for table in YOUNGER}]
    await write(store, deliveries, [ARCHIVE, *known])
    await migrate(store)


async def write(store: ClickHouseStore, deliveries: list[Delivery], folds: Sequence[Fold]) -> None:
    """Into the columns that the tables of this store have."""
    found = await store.query("SELECT table, name FROM system.columns WHERE database = currentDatabase()")
    frames, there = map(frame, deliveries), {(str(table), str(name)) for table, name in found}
    while taken := list(islice(frames, 20)):
        records = [record for each in taken for record in decode_records(each.records)]
        for table, cells in fold(records, folds):
            if cells:
                old = {name: values for name, values in cells.items() if (table.name, name) in there}
                await store.insert(table.name, old)


async def bodies(store: ClickHouseStore, folder: Path) -> dict[str, bytes]:
    """The answers of some metrics, in a full run of all."""
    drawn = some([name for name in METRICS if name not in LACKING], 2, "rebuilt")
    async with reader(store, folder, QUESTIONS) as client:
        return {name: await ask(client, name, LATE) for name in (*LACKING, *drawn)}


@dataclass(frozen=True)
class Whole:
    """What a store says that always had every fact: its facts bit by bit, and answers."""

    facts: dict[str, tuple[int, int]]
    answers: dict[str, bytes]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expected(engine_dsn: str, deliveries: list[Delivery], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Worked out once."""
    async with filled(engine_dsn, deliveries) as store:
        return Whole(await merged(store), await bodies(store, tmp_path_factory.mktemp("whole")))


async def test_facts_that_are_younger_than_the_archive_are_built_from_it(
    empty: ClickHouseStore, deliveries: list[Delivery], expected: Whole, tmp_path: Path
) -> None:
    await written_by_an_older_version(empty, deliveries, tmp_path)
    before = await bodies(empty, tmp_path)
    assert {*LACKING} <= {name for name, body in before.items() if body != expected.answers[name]}
    assert set(await rebuild(empty, 2**42, batch=300)) >= {table.name for table in YOUNGER}
    assert Whole(await merged(empty), await bodies(empty, tmp_path)) == expected
    assert await rebuild(empty, 2**42) == []


class Failing:
    """A store that takes so many inserts of facts and then none any more."""

    def __init__(self, store: ClickHouseStore, inserts: int) -> None:
        self._store = store
        self._left = inserts

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return await self._store.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        self._left -= table in FOLDS
        if self._left < 0:
            raise StoreUnavailable("away")
        await self._store.insert(table, columns)


async def test_a_rebuild_that_ended_in_the_middle_goes_on_where_it_was(
    empty: ClickHouseStore, deliveries: list[Delivery], expected: Whole, tmp_path: Path
) -> None:
    await written_by_an_older_version(empty, deliveries, tmp_path)
    first: list[Step] = []
    with pytest.raises(StoreUnavailable):
        await rebuild(Failing(empty, 60), 2**42, batch=50, told=first.append)
    rest: list[Step] = []
    await rebuild(empty, 2**42, batch=50, told=rest.append)
    assert len(first) > 3
    assert rest[0].place > first[-1].place
    ((stored,),) = await empty.query("SELECT uniqExact(name, time, event_id, hash) FROM events")
    assert stored <= sum(step.events for step in [*first, *rest]) <= stored * 1.2
    assert await merged(empty) == expected.facts


async def test_a_new_store_has_nothing_to_rebuild(store: ClickHouseStore, deliveries: list[Delivery]) -> None:
    await settle_empty(store)
    await feed(store, deliveries[:2])
    assert await rebuild(store, 2**42) == []
    assert all(run.is_done for run in (await runs(store)).values())


async def test_anew_begins_at_the_beginning(store: ClickHouseStore, deliveries: list[Delivery]) -> None:
    await settle_empty(store)
    await feed(store, deliveries)
    await store.command("TRUNCATE TABLE carts")
    assert await rebuild(store, 2**42) == []
    await begin(store, ["carts", "answers"], 1_800_000_000_000)
    assert await rebuild(store, 2**42) == ["carts", "answers"]
    assert await store.query("SELECT 1 FROM carts LIMIT 1")


async def test_what_comes_in_after_the_start_is_left_to_who_takes_it(
    store: ClickHouseStore, deliveries: list[Delivery]
) -> None:
    await feed(store, deliveries)
    ((middle, all_of_them),) = await store.query(
        "SELECT toUnixTimestamp64Milli(quantileExact(0.5)(received_at)), count() FROM events"
    )
    steps: list[Step] = []
    await rebuild(store, middle, told=steps.append)
    assert 0 < sum(step.events for step in steps) < all_of_them


def test_every_fact_can_be_rebuilt() -> None:
    assert list(FOLDS) == [table.name for table in FACTS]
