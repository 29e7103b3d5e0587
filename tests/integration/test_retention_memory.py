"""What a triangle of cohorts takes of the store grows with its people, not with all they did times their cohorts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.store import ClickHouseStore
from query_api.retention import Triangles
from schemas.periods import DAY_MS, parse_instant
from schemas.tenants import Tenant
from tests.databases import lent

pytestmark = pytest.mark.engine
PEOPLE, DAYS, EACH_DAY = 2_000, 28, 4
START = parse_instant("2026-11-01T00:00:00Z", "UTC")
FILLED = """INSERT INTO events (tenant, event_id, hash, name, time, received_at, actor, user_id, person_class)
SELECT 't', toUUID(concat('00000000-0000-4000-8000-', leftPad(hex(number), 12, '0'))), number, 'page_viewed',
  fromUnixTimestamp64Milli({start:Int64} + intDiv(number, {people:UInt32}) * {step:Int64}, 'UTC') AS time, time,
  concat('u:', toString(number % {people:UInt32})), toString(number % {people:UInt32}), 1
FROM numbers({events:UInt32})"""


@pytest.fixture
async def store(engine_dsn: str) -> AsyncIterator[ClickHouseStore]:
    events = PEOPLE * DAYS * EACH_DAY
    bound = {"start": START, "people": PEOPLE, "step": DAY_MS // EACH_DAY, "events": events}
    async with lent(engine_dsn, statement_bytes=512 * 2**20) as opened:
        await opened.command(FILLED, bound)
        yield opened


@pytest.mark.parametrize("more", [(), (("min_occurrences", "2"),), (("mode", "unbounded"),)], ids=str)
async def test_the_cohorts_of_28_days_fit_into_half_a_gigabyte(
    store: ClickHouseStore, more: tuple[tuple[str, str], ...]
) -> None:
    at = START + DAYS * DAY_MS

    class Asked:
        query = staticmethod(store.questions.query)
        insert = staticmethod(store.insert)

    query = [("period", "day"), ("periods", "28"), *more]
    found = await Triangles(Asked(), lambda: at).answer(query, Tenant(id="t"))
    assert len(found["cohorts"]) == DAYS
    assert found["cohorts"][0]["size"] == PEOPLE
    assert found["cohorts"][0]["retained"] == [PEOPLE] * DAYS
