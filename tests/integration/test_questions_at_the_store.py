"""What a question may take of the store, and that it is ended in the engine when nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.store import ClickHouseStore
from schemas.ports import QuestionTooLarge
from tests.databases import own

pytestmark = pytest.mark.engine
MEGABYTE = 2**20
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 7"


@pytest.fixture(params=["chdb", "http"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ClickHouseStore]:
    dsn: str = request.getfixturevalue({"chdb": "engine_dsn", "http": "server_dsn"}[request.param])
    async with own(dsn, tables=False, query_threads=2, statement_bytes=96 * MEGABYTE) as opened:
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT uniqExact(number) FROM numbers(20000000)",
        "SELECT groupArray(number) FROM numbers(20000000)",
        "SELECT number FROM numbers(1000001)",
        "SELECT concat(toString(number), repeat('x', 1000)) FROM numbers(200000)",
    ],
    ids=["memory", "one large value", "rows", "bytes"],
)
async def test_a_question_that_needs_more_than_a_statement_may_is_refused_for_good(
    store: ClickHouseStore, sql: str
) -> None:
    with pytest.raises(QuestionTooLarge):
        await store.questions.query(sql)
    assert await store.questions.query("SELECT 1") == [(1,)]


async def test_groups_that_do_not_fit_into_memory_go_to_disk(store: ClickHouseStore) -> None:
    sql = "SELECT count() FROM (SELECT number % 2000000 AS k, count() FROM numbers(2000000) GROUP BY k)"
    assert await store.questions.query(sql) == [(2_000_000,)]


async def _running(store: ClickHouseStore, wanted: bool) -> None:
    """Return once the endless statement runs, or does not."""
    async with asyncio.timeout(20):
        while bool(await _count(store)) is not wanted:  # noqa: ASYNC110 -- the engine tells nobody
            await asyncio.sleep(0.02)


async def _count(store: ClickHouseStore) -> int:
    ((count,),) = await store.probes.query(
        "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number)%' AND query NOT LIKE '%processes%'"
    )
    return int(count)


async def test_a_statement_that_nobody_waits_for_is_ended_in_the_engine(store: ClickHouseStore) -> None:
    asking = asyncio.create_task(store.questions.query(ENDLESS))
    await _running(store, wanted=True)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await _running(store, wanted=False)


async def test_probes_and_the_own_work_of_the_service_do_not_wait_for_questions(store: ClickHouseStore) -> None:
    asking = [asyncio.create_task(store.questions.query(ENDLESS)) for _ in range(4)]
    await _running(store, wanted=True)
    for reads in (store.probes, store.status, store):
        assert await asyncio.wait_for(reads.query("SELECT 1"), 5) == [(1,)]
    assert not any(each.done() for each in asking)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await _running(store, wanted=False)
