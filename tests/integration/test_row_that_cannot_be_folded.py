"""A row of the archive whose facts cannot be stored: it holds up no start and no rebuild, and spoils no neighbour."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from deploy.store import ClickHouseStore
from ingest.accept import accept
from schemas.limits import TIME
from schemas.record import Record, decode_records
from stream_processors.processor import ARCHIVE, fold
from stream_processors.rebuild import begin, rebuild
from stream_processors.refold import refold

pytestmark = pytest.mark.engine
NOW = 1_790_000_000_000
_LATER = round(datetime(2150, 1, 1, tzinfo=UTC).timestamp() * 1000)


def _orders() -> list[Record]:
    """The third as a version wrote it that let times in which no day can hold, the fourth with broken properties."""
    events = [{"event": "Order Completed", "messageId": f"o{n}", "properties": {"order_id": f"o{n}"}} for n in range(5)]
    taken = accept(json.dumps(events).encode(), tenant="t", received_at=NOW, random_id=lambda: "r")
    records = decode_records(taken.frame.records)
    assert TIME.high < _LATER
    records[2] = msgspec.structs.replace(records[2], time=_LATER)
    records[3] = msgspec.structs.replace(records[3], properties=msgspec.Raw(b"{broken"))
    return records


async def _archive_only(store: ClickHouseStore) -> None:
    """What a death between archive and facts leaves."""
    for record in _orders():
        sound = msgspec.structs.replace(record, properties=msgspec.Raw(b"{}"))
        ((table, cells),) = fold([sound], [ARCHIVE])
        await store.insert(table.name, {**cells, "properties": [str(record.properties, "utf-8")]})


async def _ids(store: ClickHouseStore) -> list[str]:
    return [order for (order,) in await store.query("SELECT id FROM orders GROUP BY id ORDER BY id")]


async def test_folding_the_end_of_the_archive_again_leaves_out_only_that_row(store: ClickHouseStore) -> None:
    await _archive_only(store)
    assert await refold(store, NOW - 1) == 5
    assert await _ids(store) == ["o0", "o1", "o4"]


async def test_a_rebuild_leaves_out_only_that_row(store: ClickHouseStore) -> None:
    await _archive_only(store)
    await begin(store, ["orders"], 1)
    assert "orders" in await rebuild(store, NOW + 1)
    assert await _ids(store) == ["o0", "o1", "o4"]
