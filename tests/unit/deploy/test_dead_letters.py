"""Replaying dead letters: what can be counted now is, once, and what cannot says why."""

from __future__ import annotations

import json
import uuid
from typing import Any

import msgspec

from deploy.dead_letters import send_again
from schemas.limits import MAX_EVENT_BYTES
from schemas.record import DeadLetter, Frame, Record, decode_records, encode

RECEIVED = 1_795_000_000_000
GOOD: dict[str, Any] = {"event": "page_viewed", "messageId": "m1", "timestamp": "2026-11-18T09:58:00Z"}


def letter(payload: Any, reason: str = "invalid_property", **fields: Any) -> DeadLetter:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return DeadLetter("t", fields.pop("source", "native"), RECEIVED, reason, "", payload=text, **fields)


async def sent(*letters: DeadLetter) -> tuple[list[Record], dict[str, int]]:
    frames: list[Frame] = []

    async def append(frame: Frame) -> None:
        assert not frame.dead_letters
        frames.append(frame)

    outcome = await send_again(list(letters), append, {"t": "Europe/Berlin"})
    return [record for frame in frames for record in decode_records(frame.records)], dict(outcome)


async def test_an_item_that_is_accepted_now_is_sent_with_its_id_and_its_receipt() -> None:
    (record,), outcome = await sent(letter(GOOD))
    assert (record.message_id, record.received_at, record.tenant, outcome) == ("m1", RECEIVED, "t", {"": 1})


async def test_an_item_without_id_and_time_gets_the_same_id_every_time_and_another_at_another_place() -> None:
    bare = {"event": "page_viewed"}
    records, _ = await sent(letter(bare, offset=1), letter(bare, offset=1), letter(bare, offset=2))
    assert records[0].event_id == records[1].event_id != records[2].event_id
    assert records[0].time == RECEIVED


async def test_the_items_of_other_clients_are_read_as_those_write_them() -> None:
    item = {"type": "track", "event": "Product Viewed", "messageId": "s1", "userId": "u1"}
    (record,), _ = await sent(letter(item, source="segment"))
    assert (record.name, record.source) == ("product_viewed", "segment")


async def test_a_date_of_an_item_begins_at_the_midnight_of_its_tenant() -> None:
    item = {"event": "subscription_cancelled", "messageId": "c1", "properties": {"ends_at": "2026-12-30"}}
    (record,), _ = await sent(letter(item))
    assert json.loads(bytes(record.properties)) == {"ends_at": "2026-12-30T00:00:00+01:00"}


async def test_what_is_still_refused_is_not_sent_and_says_why() -> None:
    records, outcome = await sent(letter({"messageId": "m2"}), letter({**GOOD, "timestamp": "never"}))
    assert records == []
    assert sum(outcome.values()) == 2
    assert all(why.startswith("still ") for why in outcome)


async def test_lines_of_the_log_are_sent_as_they_are_once_they_can_be_read() -> None:
    record = Record("t", "native", str(uuid.UUID(int=7, version=4)), "m7", "page_viewed", "page_viewed", 5, 6, 7)
    line = encode(record).decode()
    records, outcome = await sent(letter(line, "unstorable_record"), letter("{", "undecodable_record"))
    assert records == [record]
    assert outcome == {"": 1, "still not readable": 1}


async def test_a_payload_that_was_cut_is_not_guessed_at() -> None:
    whole = letter({**GOOD, "properties": {"x": "y" * MAX_EVENT_BYTES}})
    cut = msgspec.structs.replace(whole, payload=whole.payload[:MAX_EVENT_BYTES])
    records, outcome = await sent(cut)
    assert (records, sum(outcome.values())) == ([], 1)
    assert "cut" in next(iter(outcome))
