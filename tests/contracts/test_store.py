"""What every store must do: chDB in this process, and a server over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.migrate import MigrationRefused, migrate
from deploy.store import OWN_THREADS, ClickHouseStore
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.tables import TABLES
from tests.databases import lent, own

pytestmark = pytest.mark.engine


@pytest.fixture(params=["chdb", "http"])
def dsn(request: pytest.FixtureRequest) -> str:
    """Both ways to a store."""
    found: str = request.getfixturevalue({"chdb": "engine_dsn", "http": "server_dsn"}[request.param])
    return found


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[ClickHouseStore]:
    """A migrated, empty database."""
    async with lent(dsn) as opened:
        yield opened


@pytest.fixture
async def own_store(dsn: str) -> AsyncIterator[ClickHouseStore]:
    """One whose tables the test may change."""
    async with own(dsn) as opened:
        yield opened


def activity(actor: str = "u:1", quarters: int = 1) -> dict[str, list[Any]]:
    return {"tenant": ["t"], "day": [20_000], "actor": [actor], "quarters": [quarters]}


async def test_rows_are_read_as_they_were_inserted_and_times_are_aware(store: ClickHouseStore) -> None:
    event_id = uuid.uuid4()
    letter: dict[str, list[Any]] = {
        "tenant": ["t"],
        "received_at": [1_700_000_000_123],
        "reason": ["invalid_property"],
        "payload": ["ü \x00 {x:String} '; DROP TABLE events; %s"],
        "digest": [2**64 - 1],
    }
    await store.insert("dead_letters", letter)
    await store.insert("traits", {"tenant": ["t"], "event_id": [str(event_id)], "hash": [7]})
    rows = await store.query("SELECT received_at, payload, digest FROM dead_letters")
    assert rows == [
        (datetime.fromtimestamp(1_700_000_000.123, UTC), letter["payload"][0], 2**64 - 1),
    ]
    assert await store.query("SELECT event_id FROM traits") == [(event_id,)]


async def test_facts_of_one_key_merge_and_repeating_an_insert_changes_nothing(store: ClickHouseStore) -> None:
    for quarters in (1, 4, 4, 1):
        await store.insert("activity", activity(quarters=quarters))
    assert await store.query("SELECT groupBitOr(quarters) FROM activity GROUP BY actor") == [(5,)]


async def test_parameters_are_bound_and_never_read_as_sql(store: ClickHouseStore) -> None:
    await store.insert("activity", activity("u:it's {x:String} \\ ; --"))
    rows = await store.query(
        "SELECT count() FROM activity WHERE actor = {actor:String}", {"actor": "u:it's {x:String} \\ ; --"}
    )
    assert rows == [(1,)]
    assert await store.query("SELECT {names:Array(String)}", {"names": ["a'b", "c"]}) == [(["a'b", "c"],)]


async def test_materialized_relations_are_available(store: ClickHouseStore) -> None:
    sql = "WITH x AS MATERIALIZED (SELECT number AS n FROM numbers(3)) SELECT count() FROM x JOIN x AS y ON x.n = y.n"
    assert await store.query(sql) == [(3,)]


async def test_an_insert_of_many_rows_is_whole(store: ClickHouseStore) -> None:
    many = 40_000  # the client sends them in several blocks
    await store.insert(
        "activity",
        {
            "tenant": ["t"] * many,
            "day": [1] * many,
            "actor": [f"u:{n}" * 30 for n in range(many)],
            "quarters": [1] * many,
        },
    )
    assert await store.query("SELECT count() FROM activity") == [(many,)]


async def test_an_empty_insert_is_none(store: ClickHouseStore) -> None:
    await store.insert("activity", {})
    await store.insert("activity", {"tenant": [], "day": [], "actor": [], "quarters": []})
    assert await store.query("SELECT count() FROM activity") == [(0,)]


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT x FROM nowhere", "SELECT toUInt8({x:UInt8})"])
async def test_a_statement_that_can_never_work_is_rejected(store: ClickHouseStore, sql: str) -> None:
    with pytest.raises(StoreRejected):
        await store.query(sql, {"x": "text"})


@pytest.mark.parametrize(
    "columns",
    [
        {"tenant": ["t"], "day": ["no date"], "actor": ["a"], "quarters": [1]},
        {"tenant": ["t", "t"], "day": [1], "actor": ["a"], "quarters": [1]},
        {"tenant": [None], "day": [1], "actor": ["a"], "quarters": [1]},
    ],
)
async def test_rows_that_can_never_be_stored_are_rejected_as_a_whole(
    store: ClickHouseStore, columns: dict[str, list[Any]]
) -> None:
    with pytest.raises(StoreRejected):
        await store.insert("activity", columns)
    assert await store.query("SELECT count() FROM activity") == [(0,)]


@pytest.mark.parametrize("change", ["DROP TABLE activity", "ALTER TABLE activity DROP COLUMN quarters"])
async def test_rows_wait_for_a_migration_and_are_never_rejected_for_want_of_it(
    own_store: ClickHouseStore, change: str
) -> None:
    await own_store.command(change)
    with pytest.raises(StoreUnavailable):
        await own_store.insert("activity", activity())


async def test_a_missing_database_is_unavailable(dsn: str) -> None:
    unknown = ClickHouseStore(dsn, name=f"missing_{uuid.uuid4().hex}")
    with pytest.raises(StoreUnavailable):
        await unknown.insert("activity", activity())
    await unknown.close()


async def test_a_large_insert_is_stored_whole(store: ClickHouseStore) -> None:
    actors = [f"u:{n}" for n in range(100_000)]
    rows: dict[str, list[Any]] = {"day": [20_000] * len(actors), "actor": actors, "quarters": [1] * len(actors)}
    rows["tenant"] = ["t"] * len(actors)
    await store.insert("activity", rows)
    assert await store.query("SELECT count(), uniqExact(actor) FROM activity") == [(len(actors), len(actors))]
    assert len(await store.query("SELECT actor FROM activity")) == len(actors)


async def test_a_query_over_its_time_is_unavailable_and_the_store_goes_on(store: ClickHouseStore) -> None:
    with pytest.raises(StoreUnavailable):
        await store.query(
            "SELECT sum(sleepEachRow(0.5)) FROM numbers(20) SETTINGS max_block_size = 1, max_execution_time = 1"
        )
    assert await store.query("SELECT 1") == [(1,)]


async def test_a_query_over_its_memory_is_unavailable(store: ClickHouseStore) -> None:
    with pytest.raises(StoreUnavailable):
        await store.query("SELECT groupArray(number) FROM numbers(50000000) SETTINGS max_memory_usage = 10000000")


async def test_slow_reads_never_block_inserts(store: ClickHouseStore) -> None:
    slow = "SELECT sum(sleepEachRow(0.1)) FROM numbers(10) SETTINGS max_block_size = 1"
    reads = [asyncio.create_task(store.query(slow)) for _ in range(OWN_THREADS + 1)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(0.8):
        await store.insert("activity", activity())
    assert not all(read.done() for read in reads)
    await asyncio.gather(*reads, return_exceptions=True)


async def test_many_calls_at_once_are_each_answered_with_their_own_rows(store: ClickHouseStore) -> None:
    answers = await asyncio.gather(*(store.query("SELECT {n:Int64}", {"n": n}) for n in range(100)))
    assert [rows[0][0] for rows in answers] == list(range(100))


async def test_a_closed_store_is_unavailable(dsn: str) -> None:
    closed = ClickHouseStore(dsn, name="closed")
    await closed.open()
    await closed.close()
    with pytest.raises(StoreUnavailable):
        await closed.query("SELECT 1")


async def test_rows_outlive_the_store(dsn: str) -> None:
    name = f"outlive_{uuid.uuid4().hex}"
    for expected in (1, 2):
        opened = ClickHouseStore(dsn, name=name)
        await opened.open()
        await migrate(opened)
        await opened.insert("activity", activity(f"u:{expected}"))
        assert await opened.query("SELECT count() FROM activity") == [(expected,)]
        await opened.close()


async def test_migrations_apply_once_and_twice_at_the_same_time_is_safe(
    own_store: ClickHouseStore, tmp_path: Path
) -> None:
    assert await migrate(own_store) == 0
    await own_store.command("DROP TABLE activity")
    await own_store.command("TRUNCATE TABLE schema_migrations")
    await asyncio.gather(migrate(own_store), migrate(own_store))
    assert await migrate(own_store) == 0
    tables = await own_store.query(
        "SELECT name FROM system.tables WHERE database = {db:String}", {"db": own_store.database}
    )
    assert {name for (name,) in tables} >= set(TABLES)


async def test_an_edited_or_unrepeatable_migration_is_refused(own_store: ClickHouseStore, tmp_path: Path) -> None:
    file = tmp_path / "9000_more.sql"
    file.write_text("-- a comment; with a semicolon\nCREATE TABLE IF NOT EXISTS {{db}}.more (x UInt8) ENGINE = Null;\n")
    assert await migrate(own_store, folder=tmp_path) == 1
    assert await migrate(own_store, folder=tmp_path) == 0
    file.write_text("CREATE TABLE IF NOT EXISTS {{db}}.more (x UInt16) ENGINE = Null;\n")
    with pytest.raises(MigrationRefused, match="edited"):
        await migrate(own_store, folder=tmp_path)
    file.write_text("CREATE TABLE {{db}}.more (x UInt16) ENGINE = Null;\n")
    with pytest.raises(MigrationRefused, match="repeated"):
        await migrate(own_store, folder=tmp_path)
    with pytest.raises(MigrationRefused, match="newer"):
        await migrate(own_store)
