"""When what is counted anew, and how a new owner goes on where the last one stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.keeping import FOLDED
from deploy.store import ClickHouseStore
from query_api.rolling.jobs import Job
from query_api.rolling.keeper import Keeper
from query_api.rolling.revisions import listed
from query_api.rolling.windows import SPANS
from schemas.metrics import METRICS
from schemas.periods import format_instant
from schemas.ports import StoreUnavailable
from schemas.tables import METRIC_POINTS
from schemas.tenants import Tenants
from tests.reference.harness import TENANT, feed

pytestmark = pytest.mark.engine
RECENT, LONG = SPANS
NOW = 1_764_000_000_000
ORDERS, TICKETS = Job("demo", "orders", RECENT), Job("demo", "resolution_time", RECENT)


@dataclass
class Bench:
    """A clock that stands still, so that jobs take no time; the watermark goes with it."""

    store: ClickHouseStore
    folder: Path
    seconds: float = 1_000.0
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "tenants.json").write_text(json.dumps({"tenants": [TENANT]}))
        self.keeper = self.owner()

    def owner(self, **told: Any) -> Keeper:
        tenants = Tenants(self.folder / "tenants.json")
        metrics = {name: METRICS[name] for name in ("orders", "resolution_time")}
        return Keeper(
            self.store, tenants, self.watermark, clock=lambda: self.seconds, metrics=metrics, folded=FOLDED, **told
        )

    def watermark(self) -> int:
        return NOW + round(self.seconds * 1000)

    async def send(self, event: str, number: int, **properties: Any) -> None:
        at = format_instant(self.watermark())
        told = {"event": event, "messageId": f"{event}{number}", "timestamp": at, "userId": "u"}
        await feed(self.store, [{"received_at": at, "sent_at": at, "events": [{**told, "properties": properties}]}])

    async def done_anew(self) -> set[Job]:
        await self.keeper.tick()
        return {job for job, done in self.keeper.done.items() if done.at == self.seconds}


@pytest.fixture
async def bench(store: ClickHouseStore, tmp_path: Path) -> Bench:
    made = Bench(store, tmp_path)
    await made.send("order_completed", 1, order_id="o1", total=5)
    return made


async def test_everything_is_counted_once_and_then_what_is_new(bench: Bench) -> None:
    assert {job.metric for job in await bench.done_anew()} == {"orders", "resolution_time"}
    bench.seconds += 1
    assert await bench.done_anew() == set()
    bench.seconds += 60
    await bench.send("order_completed", 2, order_id="o2", total=5)
    found = await bench.done_anew()
    assert ORDERS in found
    assert TICKETS in found  # other events were stored: after ten times as long
    bench.seconds += 6
    await bench.send("ticket_created", 1, ticket_id="t1")
    assert TICKETS in await bench.done_anew()


async def test_while_nothing_is_stored_windows_roll_on_slowly(bench: Bench) -> None:
    await bench.keeper.tick()
    bench.seconds += 60
    assert ORDERS in await bench.done_anew()  # frames of the last seconds before a count may be stored after it
    bench.seconds += 60
    assert await bench.done_anew() == set()
    bench.seconds += 300
    assert ORDERS in await bench.done_anew()


async def test_a_new_owner_goes_on_where_the_last_one_stopped(bench: Bench) -> None:
    await bench.keeper.tick()
    bench.seconds += 1
    bench.keeper = bench.owner()
    # Of closed windows nobody can tell when they were looked at.
    assert {job for job in await bench.done_anew() if not job.closes} == set()
    bench.seconds += 400
    assert ORDERS in await bench.done_anew()


async def test_no_more_is_done_than_there_is_time_for(bench: Bench) -> None:
    bench.keeper = bench.owner(share=0.1)
    taken = 5.0

    async def slow(sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        bench.seconds += taken / 10
        return await ClickHouseStore.query(bench.store, sql, parameters)

    bench.keeper.store = Slow(bench.store, slow)
    await bench.keeper.tick()
    first = bench.keeper.jobs
    assert first >= 1
    bench.seconds += 1
    await bench.keeper.tick()
    assert bench.keeper.jobs == first  # a tenth of the time has been used up for a while


@dataclass
class Slow:
    """A store whose queries take their time."""

    real: ClickHouseStore
    slow: Any

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = await self.slow(sql, parameters)
        return found

    async def insert(self, table: str, columns: Mapping[str, Any]) -> None:
        await self.real.insert(table, columns)


@dataclass
class Dies:
    """A store that takes no answers: the owner dies between a revision and what it is a revision of."""

    real: ClickHouseStore

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return await self.real.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Any]) -> None:
        if table == METRIC_POINTS.name:
            raise StoreUnavailable("dead")
        await self.real.insert(table, columns)


async def test_a_revision_that_is_told_twice_is_one(bench: Bench) -> None:
    bench.seconds += 2 * 86_400
    await bench.keeper.all(bench.keeper.tenants.all[0])
    day_ago = format_instant(bench.watermark() - 86_400_000)
    late = {"event": "order_completed", "messageId": "late", "timestamp": day_ago, "properties": {"order_id": "late"}}
    now = format_instant(bench.watermark())
    await feed(bench.store, [{"received_at": now, "sent_at": now, "events": [late]}])
    for store in (Dies(bench.store), bench.store):
        bench.seconds += 1
        owner = bench.owner()
        owner.store = store
        await owner.all(owner.tenants.all[0])
    told = await listed(bench.store, METRICS["orders"], [], bench.keeper.tenants.all[0])
    windows = [(each["window"]["start"], each["window"]["end"]) for each in told["revisions"]]
    assert len(windows) == len(set(windows)) > 0
    assert {(each["new"] - each["old"], each["why"]) for each in told["revisions"]} == {(1.0, "late_event")}
