"""Rows that a table has lost, on both ways to a store: noticed once, made again where they can be, else reported."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.damages import UNREADABLE, Reported, Watch, described
from deploy.store import ClickHouseStore
from ingest.accept import accept
from schemas.periods import format_instant
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, ORDERS, TABLES
from stream_processors.processor import Processor
from stream_processors.rebuild import settle_empty
from stream_processors.refusing import write
from tests.databases import own

pytestmark = pytest.mark.engine
NOW = 1_790_000_000_000
DAYS = ("2026-11-02", "2026-11-03")


class Clock:
    """Another time at each look."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> int:
        self.at += 1
        return self.at


@pytest.fixture(params=["engine_dsn", "server_dsn"])
async def filled(request: pytest.FixtureRequest) -> AsyncIterator[ClickHouseStore]:
    """A database with two parts of orders, whose tables the test may damage."""
    async with own(request.getfixturevalue(request.param)) as opened:
        await _fill(opened)
        yield opened


async def _fill(opened: ClickHouseStore) -> None:
    await settle_empty(opened)
    for table in (EVENTS, ORDERS, DEAD_LETTERS):
        await opened.command(f"SYSTEM STOP MERGES {table.name}")
    for day in DAYS:
        events = [
            {
                "event": "Order Completed",
                "messageId": f"{day}-{n}",
                "timestamp": f"{day}T10:00:0{n}Z",
                "properties": {"order_id": f"{day}-{n}"},
            }
            for n in range(5)
        ]
        body = json.dumps([*events, {"event": "Order Completed", "messageId": "bad"}]).encode()
        taken = accept(body, tenant="t", received_at=NOW, random_id=lambda: "r")
        await write(Processor(opened), [taken.frame])


async def _parts(store: ClickHouseStore, table: str) -> list[str]:
    sql = "SELECT name FROM system.parts WHERE database = currentDatabase() AND active AND table = {table:String}"
    return sorted(name for (name,) in await store.query(sql, {"table": table}))


async def _orders(store: ClickHouseStore) -> int:
    return int((await store.query("SELECT uniqExact(id) FROM orders"))[0][0])


@pytest.mark.parametrize("loss", ["DETACH PART", "DROP PART"])
async def test_a_fact_that_lost_a_part_is_made_again_from_the_archive(filled: ClickHouseStore, loss: str) -> None:
    watch, reader = Watch(filled, Clock()), Reported(filled)
    await watch.tick()
    assert list(watch()) == []
    await filled.command(f"ALTER TABLE orders {loss} '{(await _parts(filled, 'orders'))[0]}'")
    assert await _orders(filled) == 5
    await watch.look()
    (damage,) = watch()
    assert (damage.table, damage.rows, watch.facts_are_whole) == ("orders", 5, False)
    await reader.read()
    assert list(reader()) == [damage]
    await watch.mend()
    await reader.read()
    assert (await _orders(filled), list(watch()), list(reader())) == (10, [], [])
    await watch.tick()
    assert list(watch()) == []


async def test_a_fact_whose_table_is_missing_is_there_again(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await watch.tick()
    await filled.command("DROP TABLE orders SYNC")
    await watch.tick()
    assert (await _orders(filled), list(watch())) == (10, [])


async def test_a_loss_of_the_archive_stands_with_its_times_until_it_is_accepted(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await watch.tick()
    for table in ("events", "dead_letters"):
        await filled.command(f"ALTER TABLE {table} DROP PART '{(await _parts(filled, table))[1]}'")
    for again in (watch, Watch(filled, Clock())):
        await again.tick()
        letters, events = sorted(again(), key=lambda each: each.table)
        assert (letters.table, letters.rows, events.table, events.rows) == ("dead_letters", 1, "events", 5)
        assert [format_instant(at)[:10] for at in (events.first, events.last)] == [DAYS[1], DAYS[1]]
    await watch.close(watch())
    await watch.tick()
    assert list(watch()) == []


async def _change_a_byte(store: ClickHouseStore, table: str) -> str:
    """One bit in the values of the table's first part, as a dying disk does it; the part."""
    sql = """SELECT name, path FROM system.parts
      WHERE database = currentDatabase() AND active AND table = {table:String} ORDER BY name LIMIT 1"""
    ((name, path),) = await store.query(sql, {"table": table})
    file = max(Path(path).glob("*.bin"), key=lambda each: each.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return str(name)


async def test_a_fact_with_a_changed_byte_is_made_again_and_is_sound_then(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await watch.tick()
    part = await _change_a_byte(filled, "orders")
    await watch.look(deep=True)
    assert [described(each) for each in watch()] == [f"table orders: part {part} (5 rows) {UNREADABLE}"]
    await Watch(filled, Clock()).look()
    await watch.tick()
    assert (await _orders(filled), list(watch())) == (10, [])
    again = Watch(filled, Clock())
    await again.look(deep=True)
    assert list(again()) == []


async def test_an_unreadable_part_of_a_fact_stays_while_the_archive_could_not_make_it_again(
    filled: ClickHouseStore,
) -> None:
    watch = Watch(filled, Clock())
    await watch.tick()
    part = await _change_a_byte(filled, "orders")
    await _change_a_byte(filled, "events")
    await watch.look(deep=True)
    assert {each.table for each in watch()} == {"events", "orders"}
    assert part in await _parts(filled, "orders")


async def test_a_changed_byte_of_the_archive_that_was_accepted_is_no_news(
    filled: ClickHouseStore, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(filled, Clock())
    await watch.tick()
    await _change_a_byte(filled, "events")
    await watch.look(deep=True)
    (loss,) = watch()
    assert (loss.table, loss.reason, loss.rows) == ("events", UNREADABLE, 5)
    assert [format_instant(at)[:10] for at in (loss.first, loss.last)] == [DAYS[0], DAYS[0]]
    assert "Checksum mismatch" in caplog.text
    await watch.close(watch())
    caplog.clear()
    again = Watch(filled, Clock())
    await again.look(deep=True)
    assert (list(again()), caplog.text) == ([], "")


async def test_merges_and_writes_are_no_losses(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await watch.look()
    for table in FACTS:
        await filled.command(f"SYSTEM START MERGES {table.name}")
        await filled.command(f"OPTIMIZE TABLE {table.name} FINAL")
    await watch.look(deep=True)
    assert list(watch()) == []


async def test_a_loss_of_every_kind_of_table_leads_to_a_look_that_ends(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await watch.tick()
    for name in TABLES:
        for part in await _parts(filled, name):
            await filled.command(f"ALTER TABLE {name} DETACH PART '{part}'")
    for _ in range(2):
        await watch.tick()
    assert {each.table for each in watch()} <= {"events", "dead_letters", *(table.name for table in FACTS)}
