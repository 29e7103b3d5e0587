"""Rows that a table has lost, on both ways to a store: noticed once, made again where they can be, else reported."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.damages import Watch, parts
from deploy.looking import errors
from deploy.losses import Reported, described, known
from deploy.store import ClickHouseStore
from deploy.unreadable import UNREADABLE
from ingest.accept import accept
from schemas.periods import format_instant
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, ORDERS, TABLES, Source
from stream_processors.processor import Processor
from stream_processors.rebuild import settle_empty
from stream_processors.refusing import write
from tests.databases import own
from tests.faults.damage import ALIVE, change_a_byte
from tests.rotation import some

pytestmark = pytest.mark.engine
NOW = 1_790_000_000_000
_ALL = "SELECT sum(cityHash64(*)) FROM {table}"
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
    await _sell(opened, *DAYS)


async def _sell(opened: ClickHouseStore, *days: str) -> None:
    for day in days:
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


async def looked(watch: Watch) -> None:
    """A look, and what follows from it."""
    await watch.look()
    await watch.mend()


async def _orders(store: ClickHouseStore) -> int:
    return int((await store.query("SELECT uniqExact(id) FROM orders"))[0][0])


@pytest.mark.parametrize("loss", ["DETACH PART", "DROP PART"])
async def test_a_fact_that_lost_a_part_is_made_again_from_the_archive(filled: ClickHouseStore, loss: str) -> None:
    watch, reader = Watch(filled, Clock()), Reported(filled)
    await looked(watch)
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
    await looked(watch)
    assert list(watch()) == []


async def test_a_part_that_was_only_seen_since_the_last_look_is_missed_when_it_is_gone(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await looked(watch)
    await _sell(filled, "2026-11-04")
    seen = await parts(filled)
    await filled.command(f"ALTER TABLE orders DROP PART '{(await _parts(filled, 'orders'))[-1]}'")
    await watch.look(seen=seen)
    assert [(each.table, each.rows, each.reason) for each in watch()] == [("orders", 5, "is gone")]
    await watch.mend()
    assert (await _orders(filled), list(watch())) == (15, [])


async def test_a_fact_whose_table_is_missing_is_there_again(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await looked(watch)
    await filled.command("DROP TABLE orders SYNC")
    await looked(watch)
    assert (await _orders(filled), list(watch())) == (10, [])


async def test_a_loss_of_the_archive_stands_with_its_times_until_it_is_accepted(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await looked(watch)
    for table in ("events", "dead_letters"):
        await filled.command(f"ALTER TABLE {table} DROP PART '{(await _parts(filled, table))[1]}'")
    for again in (watch, Watch(filled, Clock())):
        await looked(again)
        letters, events = sorted(again(), key=lambda each: each.table)
        assert (letters.table, letters.rows, events.table, events.rows) == ("dead_letters", 1, "events", 5)
        assert [format_instant(at)[:10] for at in (events.first, events.last)] == [DAYS[1], DAYS[1]]
    await watch.close(watch())
    await looked(watch)
    assert list(watch()) == []


async def _first_part(store: ClickHouseStore, table: str) -> Path:
    sql = """SELECT path FROM system.parts
      WHERE database = currentDatabase() AND active AND table = {table:String} ORDER BY name LIMIT 1"""
    ((path,),) = await store.query(sql, {"table": table})
    return Path(path)


async def _change_a_byte(store: ClickHouseStore, table: str) -> str:
    """In the values of the table's first part, as a dying disk does it; the part."""
    part = await _first_part(store, table)
    change_a_byte(part)
    return part.name


async def test_a_fact_with_a_changed_byte_is_made_again_and_is_sound_then(filled: ClickHouseStore) -> None:
    watch = Watch(filled, Clock())
    await looked(watch)
    part = await _change_a_byte(filled, "orders")
    await watch.look(deep=True)
    assert [described(each) for each in watch()] == [f"table orders: part {part} (5 rows) {UNREADABLE}"]
    await Watch(filled, Clock()).look()
    await looked(watch)
    assert (await _orders(filled), list(watch())) == (10, [])
    again = Watch(filled, Clock())
    await again.look(deep=True)
    assert list(again()) == []
    assert [each.part for each in await known(filled)] == [part], "what was set aside is not lost once more"


async def test_the_engine_counts_each_question_that_it_cannot_read_and_a_deep_look_makes_the_fact_whole(
    filled: ClickHouseStore,
) -> None:
    watch = Watch(filled, Clock())
    for layout in ("compact", "wide"):
        if layout == "wide":
            await filled.command("ALTER TABLE orders MODIFY SETTING min_bytes_for_wide_part = 0")
        for kind in some(list(ALIVE), 2, f"kinds of damage of {layout} parts"):
            await filled.command("SYSTEM START MERGES orders")
            await filled.command("OPTIMIZE TABLE orders FINAL SETTINGS optimize_throw_if_noop = 0")
            await filled.command("SYSTEM STOP MERGES orders")
            await looked(watch)
            part = await _first_part(filled, "orders")
            ALIVE[kind](part)
            counted = await errors(filled)
            with pytest.raises((StoreRejected, StoreUnavailable)):
                await filled.questions.query(_ALL.format(table="orders"))
            assert await errors(filled) > counted, (kind, layout)
            await watch.look(deep=True)
            assert [(each.table, each.part, each.reason) for each in watch()] == [("orders", part.name, UNREADABLE)]
            await watch.mend()
            assert (await _orders(filled), list(watch())) == (10, []), (kind, layout)


async def test_a_changed_byte_in_what_is_no_fact_and_not_the_archive_is_set_aside_and_stops_nothing(
    filled: ClickHouseStore,
) -> None:
    for table in [name for name, table in TABLES.items() if table.source in (Source.ITSELF, Source.FACTS)]:
        await filled.command(f"SYSTEM STOP MERGES {table}")
        if table != "damages":  # which has those of the others
            await filled.insert(table, {TABLES[table].columns[0].name: [""]})
        await looked(Watch(filled, Clock()))
        await _change_a_byte(filled, table)
        with pytest.raises(StoreRejected):
            await filled.query(_ALL.format(table=table))
        again = Watch(filled, Clock())
        await again.look(deep=table not in ("ledger", "damages"))  # a look reads these two, and then every part
        await again.mend()
        await filled.query(_ALL.format(table=table))
        assert list(again()) == [], table


async def test_an_unreadable_part_of_a_fact_stays_while_the_archive_could_not_make_it_again(
    filled: ClickHouseStore,
) -> None:
    watch = Watch(filled, Clock())
    await looked(watch)
    part = await _change_a_byte(filled, "orders")
    await _change_a_byte(filled, "events")
    await watch.look(deep=True)
    assert {each.table for each in watch()} == {"events", "orders"}
    assert part in await _parts(filled, "orders")


async def test_a_changed_byte_of_the_archive_that_was_accepted_is_no_news(
    filled: ClickHouseStore, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(filled, Clock())
    await looked(watch)
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
    await looked(watch)
    for name in TABLES:
        for part in await _parts(filled, name):
            await filled.command(f"ALTER TABLE {name} DETACH PART '{part}'")
    for _ in range(2):
        await looked(watch)
    assert {each.table for each in watch()} <= {"events", "dead_letters", *(table.name for table in FACTS)}
