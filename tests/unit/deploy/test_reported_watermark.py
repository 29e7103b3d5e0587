"""The watermark out of the workers' reports: never beyond what every partition has counted, never invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from deploy.losses import Reported
from deploy.query_service import QueryService
from deploy.repeating import Repeating
from deploy.reported_watermark import ReportedWatermark, least
from deploy.store import ClickHouseStore
from schemas.errors import Problem
from schemas.ports import StoreRejected, StoreUnavailable

Report = tuple[int, int, int]


class Reports:
    """A store that holds reports of workers and nothing else."""

    def __init__(self, *rows: Report) -> None:
        self.rows = list(rows)
        self.failure: Exception | None = None

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        assert parameters == {"topic": "sojourn.events"}
        if self.failure:
            raise self.failure
        return list(self.rows)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([], None),
        ([(0, 50, 1)], 50),
        ([(0, 50, 2)], None),
        ([(0, 50, 2), (1, 40, 2)], 40),
        ([(0, 50, 2), (1, 40, 3)], None),
        ([(0, 50, 2), (1, 40, 3), (2, 60, 3)], 40),
    ],
)
def test_it_is_the_least_of_all_partitions_and_none_while_one_is_silent(
    reports: list[Report], expected: int | None
) -> None:
    assert least(reports) == expected


async def test_without_any_report_the_answer_is_503_and_says_why() -> None:
    watermark = ReportedWatermark(Reports(), "sojourn.events")
    await watermark.read()
    with pytest.raises(Problem, match="no worker has reported") as refused:
        watermark()
    assert (refused.value.code, refused.value.status) == ("store_unavailable", 503)


async def test_what_was_counted_stays_counted_when_a_partition_is_added() -> None:
    reports = Reports((0, 50, 1))
    watermark = ReportedWatermark(reports, "sojourn.events")
    await watermark.read()
    reports.rows = [(0, 70, 2)]
    await watermark.read()
    assert watermark() == 50
    reports.rows = [(0, 70, 2), (1, 65, 2)]
    await watermark.read()
    assert watermark() == 65


async def test_a_store_that_was_emptied_takes_the_watermark_with_it() -> None:
    reports = Reports((0, 50, 1))
    watermark = ReportedWatermark(reports, "sojourn.events")
    await watermark.read()
    reports.rows = []
    await watermark.read()
    assert watermark.at is None


async def test_a_failed_read_is_told_and_keeps_what_was_known() -> None:
    reports = Reports((0, 50, 1))
    watermark = ReportedWatermark(reports, "sojourn.events")
    await watermark.read()
    reports.failure = StoreUnavailable("connection refused")
    with pytest.raises(StoreUnavailable, match="connection refused"):
        await watermark.read()
    reports.failure = StoreRejected("Unknown table (UNKNOWN_TABLE)")
    with pytest.raises(StoreRejected, match="sojourn migrate"):
        await watermark.read()
    assert watermark() == 50


async def test_readiness_says_what_to_do_and_nothing_that_the_engine_says() -> None:
    reports = Reports((0, 50, 1))
    watermark = ReportedWatermark(reports, "sojourn.events")
    watching = Repeating("the watermark", watermark.read, 1.0)
    store = cast("Any", None)
    service = QueryService(store, watermark, watching, Reported(store))
    await watching.once()
    assert await service.not_ready() == ""
    for failure, said in (
        (StoreUnavailable("Code: 999. DB::Exception: host db-7"), "it answers with an error"),
        (StoreRejected("Code: 60. DB::Exception: UNKNOWN_TABLE"), "sojourn migrate"),
    ):
        reports.failure = failure
        await watching.once()
        reason = await service.not_ready()
        assert said in reason
        assert "DB::" not in reason


@pytest.mark.engine
async def test_reports_of_the_real_table_merge_by_their_latest(store: ClickHouseStore) -> None:
    async def report(topic: str, partition: int, counted_to: int, partitions: int) -> None:
        row = {"topic": topic, "partition": partition, "counted_to": counted_to, "partitions": partitions}
        await store.insert("watermarks", {name: [value] for name, value in row.items()})

    watermark = ReportedWatermark(store, "sojourn.events")
    await report("another.events", 0, 1, 1)
    await watermark.read()
    assert watermark.at is None
    for counted_to in (10, 30, 20):
        await report("sojourn.events", 0, counted_to, 2)
    await watermark.read()
    assert watermark.at is None
    await report("sojourn.events", 1, 25, 2)
    await watermark.read()
    assert watermark.at == 25
