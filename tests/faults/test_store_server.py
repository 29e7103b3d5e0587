"""A store server that is killed, frozen or broken: no call hangs, no row is given up, and all goes on afterwards."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from schemas.ports import StoreUnavailable
from tests.faults.small_disk import SmallDisk
from tests.store_server import StoreServer

pytestmark = [pytest.mark.faults, pytest.mark.long]


def activity(actor: str) -> dict[str, list[Any]]:
    return {"tenant": ["t"], "day": [20_000], "actor": [actor], "quarters": [1]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    own = StoreServer(tmp_path_factory.mktemp("server"))
    try:
        own.start()
        yield own
    finally:
        own.kill()


@pytest.fixture
def store_server(server: StoreServer) -> Iterator[StoreServer]:
    """To be killed, frozen, made to fail and started again."""
    yield server
    server.revive()


@pytest.fixture
async def store(store_server: StoreServer) -> AsyncIterator[ClickHouseStore]:
    """A database of the test's own."""
    opened = ClickHouseStore(store_server.dsn(f"test_{uuid.uuid4().hex}"), query_seconds=1, insert_seconds=1)
    await opened.open()
    await migrate(opened)
    yield opened
    await opened.close()


async def actors(store: ClickHouseStore) -> set[str]:
    return {actor for (actor,) in await store.query("SELECT DISTINCT actor FROM activity")}


async def test_a_frozen_server_is_unavailable_in_time_however_many_calls_wait(
    store_server: StoreServer, store: ClickHouseStore
) -> None:
    store_server.freeze()
    begun = time.monotonic()
    inserts = [store.insert("activity", activity(f"u:{n}")) for n in range(40)]
    queries = [store.query("SELECT 1") for _ in range(40)]
    failures = await asyncio.gather(*inserts, *queries, return_exceptions=True)
    assert {type(failure) for failure in failures} == {StoreUnavailable}
    assert time.monotonic() - begun < 15
    store_server.thaw()
    await store.insert("activity", activity("u:after"))
    assert "u:after" in await actors(store)


async def test_rows_outlive_kill_9_and_calls_meanwhile_are_unavailable(
    store_server: StoreServer, store: ClickHouseStore
) -> None:
    await store.insert("activity", activity("u:before"))
    store_server.kill()
    with pytest.raises(StoreUnavailable):
        await store.insert("activity", activity("u:during"))
    with pytest.raises(StoreUnavailable):
        await store.query("SELECT 1")
    await asyncio.to_thread(store_server.start)
    await store.insert("activity", activity("u:after"))
    assert await actors(store) == {"u:before", "u:after"}


async def test_a_refused_insert_is_unavailable_and_a_reset_after_the_commit_too(
    store_server: StoreServer, store: ClickHouseStore
) -> None:
    store_server.faults("refuse 243")
    with pytest.raises(StoreUnavailable):
        await store.insert("activity", activity("u:refused"))
    assert await actors(store) == set(), "reads go on"
    store_server.faults("reset")
    with pytest.raises(StoreUnavailable):
        await store.insert("activity", activity("u:reset"))
    store_server.faults()
    assert await actors(store) == {"u:reset"}, "it was stored, and the client did not learn of it"


async def test_a_slow_server_is_waited_for(store_server: StoreServer, store: ClickHouseStore) -> None:
    store_server.faults("slow 1.5")
    await store.insert("activity", activity("u:1"))
    assert await actors(store) == {"u:1"}


@pytest.mark.parametrize("sql", ["SELECT 1; DROP TABLE activity", "SELECT 1;;SELECT 2"])
async def test_the_server_takes_one_statement_as_a_real_one_does(store: ClickHouseStore, sql: str) -> None:
    with pytest.raises(Exception, match="Multi-statements"):
        await store.query(sql)
    assert await store.query("SELECT ';' -- ;") == [(";",)]


async def test_a_full_disk_is_unavailable_and_nothing_else(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "small", 64) as disk:
        if not disk.mounted:
            pytest.skip("no right to mount a file system")
        server = StoreServer(disk.folder / "store")
        await asyncio.to_thread(server.start)
        opened = ClickHouseStore(server.dsn())
        try:
            await opened.open()
            await migrate(opened)
            await opened.insert("activity", activity("before"))
            disk.fill()
            with pytest.raises(StoreUnavailable):
                await opened.insert("activity", activity("during"))
            disk.empty()
            await opened.insert("activity", activity("after"))
            assert await actors(opened) == {"before", "after"}
        finally:
            await opened.close()
            server.kill()
