"""What ingest lets in, the store holds: both ends of every declared range go into the real engine and come back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.store import ClickHouseStore
from ingest.accept import accept
from query_api.app import router
from schemas.events import EVENTS
from schemas.events.types import (
    Author,
    Flag,
    Id,
    Instant,
    Interval,
    IntervalCount,
    Marks,
    NotNegative,
    Number,
    RequiredId,
    Text,
    Texts,
)
from schemas.events.words import LARGEST_COUNT
from schemas.limits import LONGEST_ID, LONGEST_MESSAGE_ID, LONGEST_NAME, MAX_EVENT_BYTES, NUMBER, SEQUENCE, TIME
from schemas.periods import DAY_MS, EPOCH, format_instant
from schemas.record import Record, decode_records
from schemas.tables import DEAD_LETTERS, Table
from schemas.tenants import Tenants
from stream_processors.processor import ARCHIVE, FACTS, Processor, fold
from stream_processors.refusing import write
from tests.rotation import some

NOW = 1_790_000_000_000
_WIDEST = "\U0001f6d2"
"""Four bytes, and a surrogate pair in UTF-16: what is one character of an id takes most room in the store."""
_LONG = "x" * (MAX_EVENT_BYTES // 2)

ENDS: dict[Any, tuple[Any, Any]] = {
    Text: ("", "ü"),
    Id: ("1", _WIDEST * LONGEST_ID),
    RequiredId: ("1", _WIDEST * LONGEST_ID),
    Number: (NUMBER.low, NUMBER.high),
    NotNegative: (0, NUMBER.high),
    IntervalCount: (1, LARGEST_COUNT),
    Interval: ("day", "year"),
    Instant: (format_instant(TIME.low), format_instant(TIME.high)),
    Flag: (False, True),
    Author: ("agent", "bot"),
    Texts: ([], ["ü"]),
}


def _ends(hint: Any) -> tuple[Any, Any]:
    """Of a type; of words the first and the last."""
    vocabulary = Marks.of(hint).vocabulary
    if vocabulary is None:
        return ENDS[hint]
    return (vocabulary.words[0], vocabulary.words[-1]) if vocabulary.words else ("x", "ü")


def _properties(name: str, end: int) -> dict[str, Any]:
    return {key: _ends(hint)[end] for key, hint in EVENTS[name].types.items()}


def _item(name: str, end: int) -> dict[str, Any]:
    person = _WIDEST * LONGEST_ID if end else "1"
    return {
        "messageId": (name + _WIDEST * LONGEST_MESSAGE_ID)[:LONGEST_MESSAGE_ID] if end else name,
        "event": name,
        "timestamp": format_instant(TIME.high if end else TIME.low),
        "userId": person,
        "anonymousId": person,
        "previousId": person + "p" if not end else "p",
        "sessionId": person,
        "sequence": SEQUENCE.high if end else SEQUENCE.low,
        "context": {"country": "DE", "channel": "web", "traits": {"plan": "pro"}},
        "properties": _properties(name, end),
    }


def _taken(tenant: str, item: Mapping[str, Any]) -> Record:
    done = accept(json.dumps(item).encode(), tenant=tenant, received_at=NOW, random_id=lambda: "r")
    assert done.rejected == [], (tenant, done.rejected)
    (record,) = decode_records(done.frame.records)
    return record


def _plain(value: Any) -> Any:
    """A stored or folded value in the form in which the two are compared."""
    match value:
        case datetime():
            return (value.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
        case date():
            return (value - date(1970, 1, 1)).days
        case uuid.UUID():
            return value.int
        case bool():
            return int(value)
        case list() | tuple():
            return tuple(_plain(tuple(each.values()) if isinstance(each, dict) else each) for each in value)
        case dict():
            return tuple(sorted((key, _plain(each)) for key, each in value.items()))
    return value


async def _stored(store: ClickHouseStore, table: Table) -> set[Any]:
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    return {_plain(row) for row in await store.query(f"SELECT {names} FROM {table.name} FINAL")}


@pytest.mark.engine
async def test_both_ends_of_every_range_that_ingest_lets_in_are_stored_as_they_are(store: ClickHouseStore) -> None:
    records = [_taken(f"{name} {end}", _item(name, end)) for name in EVENTS for end in (0, 1)]
    longest = {"event": "e" * LONGEST_NAME, "messageId": "l", "userId": "u", "context": {"country": _LONG}}
    records.append(_taken("longest", {**longest, "timestamp": format_instant(TIME.high)}))
    await Processor(store).store(records, [])
    for table, columns in fold(records, (ARCHIVE, *FACTS)):
        expected = {_plain(row) for row in zip(*columns.values(), strict=True)}
        assert expected, table.name
        assert await _stored(store, table) == expected, table.name


@pytest.mark.engine
async def test_what_is_refused_at_both_ends_is_stored_as_a_dead_letter(store: ClickHouseStore) -> None:
    beyond = [
        {"event": "x", "timestamp": format_instant(TIME.high + 1)},
        {"event": "x", "sequence": SEQUENCE.high + 1},
        {"event": "x", "userId": "u" * (LONGEST_ID + 1)},
        {"event": "Order Completed", "properties": {"order_id": "o", "total": NUMBER.high + 1}},
        {"event": "Order Completed", "properties": {"order_id": "o" * (LONGEST_ID + 1)}},
        {"event": "Ticket Created", "properties": {"ticket_id": "t", "created_at": format_instant(TIME.high + 1)}},
        {"event": "x", "properties": {"much": "x" * MAX_EVENT_BYTES}},
    ]
    done = accept(json.dumps(beyond).encode(), tenant="t", received_at=NOW, random_id=lambda: "r")
    assert [refused["index"] for refused in done.rejected] == list(range(len(beyond)))
    await write(Processor(store), [done.frame])
    kept = await store.query(f"SELECT count(), max(length(payload)) FROM {DEAD_LETTERS.name}")
    assert kept == [(len(beyond), MAX_EVENT_BYTES)]


def test_every_kind_of_field_has_ends_here() -> None:
    for name, event in EVENTS.items():
        worded = {hint for hint in event.types.values() if Marks.of(hint).vocabulary}
        assert set(event.types.values()) - worded <= ENDS.keys(), name
    assert TIME.high // DAY_MS < 2**16, "days are stored in 16 bits"


@pytest.mark.engine
@pytest.mark.parametrize("end", [0, 1], ids=["first day", "last day"])
async def test_an_entity_at_either_end_of_time_is_counted_however_late_one_asks(
    store: ClickHouseStore, tmp_path: Path, end: int
) -> None:
    entities = {
        "cart_abandonment_rate": ("product_added", "cart_id"),
        "checkout_abandonment_rate": ("checkout_started", "checkout_id"),
        "orders": ("order_completed", "order_id"),
        "contact_volume": ("call_started", "call_id"),
        "event_count": ("anything", "id"),
    }
    at = TIME.high if end else TIME.low
    written = {"timestamp": format_instant(at), "userId": "u", "context": {"channel": "web"}}
    await Processor(store).store(
        [_taken("t", {**written, "event": event, "properties": {key: "1"}}) for event, key in entities.values()], []
    )
    tenants = tmp_path / "tenants.json"
    tenants.write_text(json.dumps({"tenants": [{"id": "t", "timezone": "UTC", "read_tokens": ["rt"]}]}))
    app = FastAPI()
    app.include_router(router(store, Tenants(tenants), lambda: NOW))
    transport = httpx.ASGITransport(app)
    begins = at // DAY_MS * DAY_MS
    window = {"from": format_instant(begins), "to": format_instant(begins + DAY_MS)}
    async with httpx.AsyncClient(transport=transport, base_url="http://s", headers={"authorization": "Bearer rt"}) as c:
        ends = (format_instant(begins + DAY_MS), "2150-01-01T00:00:00Z", "2199-12-31T23:59:59Z")
        for name in entities:
            for asked_at in some(ends, 1, f"late {name} {end}"):
                answer = (await c.get(f"/v1/metrics/{name}", params={**window, "at": asked_at})).json()
                expected = len(entities) if name == "event_count" else 1
                assert answer.get("n") == expected, (name, asked_at, answer)
