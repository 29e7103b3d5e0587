"""Accepting a body: however items are written, one bad one takes nothing with it, and times and ids come right."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import pytest

from ingest.accept import Accepted, accept
from schemas.errors import Problem
from schemas.record import Record, decode_dead_letters, decode_records

NOW = 1_795_600_000_000
ISO_NOW = "2026-11-25T09:46:40Z"
GOOD = {"event": "page", "messageId": "good"}


def taken(body: Any, **options: Any) -> Accepted:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return accept(raw, tenant="t", received_at=NOW, random_id=lambda: "random", **options)


def record(event: dict[str, Any]) -> Record:
    (found,) = decode_records(taken(event).frame.records)
    return found


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"events": [GOOD, {"event": "x", "messageId": "2"}]}).encode(),
        json.dumps([GOOD, {"event": "x", "messageId": "2"}]).encode(),
        b'{"event":"page","messageId":"good"}\n{"event":"x","messageId":"2"}\n',
        b'\xef\xbb\xbf {"event":"page","messageId":"good"}\r\n\r\n{"event":"x","messageId":"2"}',
    ],
)
def test_a_list_an_array_and_lines_are_the_same_gzipped_or_not(body: bytes) -> None:
    for raw in (body, gzip.compress(body)):
        outcome = taken(raw)
        assert [found.message_id for found in decode_records(outcome.frame.records)] == ["good", "2"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("1", "invalid_event"),
        ("null", "invalid_event"),
        ("{}", "invalid_event"),
        ('{"event":7}', "invalid_event"),
        ('{"event":" "}', "invalid_event"),
        ('{"event":"x","messageId":"' + "m" * 201 + '"}', "id_too_long"),
        ('{"event":"x","timestamp":"2026-11-18T10:00:00"}', "invalid_timestamp"),
        ('{"event":"x","timestamp":"yesterday"}', "invalid_timestamp"),
        ('{"event":"x","timestamp":"2200-01-01T00:00:00Z"}', "invalid_timestamp"),
        ('{"event":"Order Completed","properties":{"total":1}}', "missing_property"),
        ('{"event":"Order Completed","properties":{"order_id":"o","total":"much"}}', "invalid_property"),
        ('{"event":"Product Added","properties":{"price":1e400}}', "invalid_property"),
        ('{"event":"x","properties":[]}', "invalid_event"),
        ('{"event":"x","properties":' + '{"a":' * 20 + "1" + "}" * 20 + "}", "too_deep"),
        ('{"event":"x","properties":{"a":"' + "y" * 70_000 + '"}}', "event_too_large"),
    ],
)
def test_one_bad_item_takes_nothing_with_it(bad: str, code: str) -> None:
    good = json.dumps(GOOD)
    outcome = taken(f"[{good},{bad},{good.replace('good', 'also')}]".encode())
    assert outcome.accepted == 2
    assert [(each["index"], each["code"]) for each in outcome.rejected] in ([(1, code)], [(1, "invalid_property")])
    (letter,) = decode_dead_letters(outcome.frame.dead_letters)
    assert (letter.index, letter.reason) == (1, outcome.rejected[0]["code"])
    assert outcome.rejected[0]["message"]


def test_half_a_surrogate_pair_is_repaired() -> None:
    outcome = taken(b'{"event":"x","messageId":"1","properties":{"a":"\\ud800"}}')
    (found,) = decode_records(outcome.frame.records)
    assert json.loads(bytes(found.properties)) == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_body"),
        (b"hello", "malformed_body"),
        (b'{"events":', "malformed_body"),
        (b'{"events":7}', "malformed_body"),
        (b"\x1f\x8bnot gzip", "malformed_body"),
        (gzip.compress(b"[" + b" " * 9_000_000 + b"]"), "body_too_large"),
        (b"[" + b"{}," * 5000 + b"{}]", "body_too_large"),
        (b" " * 1_000_001, "body_too_large"),
    ],
)
def test_a_body_that_cannot_be_parted_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(Problem) as caught:
        taken(body)
    assert caught.value.code == code


def test_both_spellings_of_a_field_count() -> None:
    camel = {"event": "x", "messageId": "1", "userId": "u", "anonymousId": "a", "sessionId": "s", "sentAt": ISO_NOW}
    snake = {
        "event": "x",
        "message_id": "1",
        "user_id": "u",
        "anonymous_id": "a",
        "session_id": "s",
        "sent_at": ISO_NOW,
    }
    assert record(camel) == record(snake)


def test_ids_that_are_numbers_are_text_and_empty_ones_absent() -> None:
    found = record({"event": "x", "messageId": 7, "userId": 42, "anonymousId": "", "sessionId": None})
    assert (found.message_id, found.user_id, found.anonymous_id, found.session_id) == ("7", "42", "", "")


def test_the_event_id_is_that_of_tenant_source_and_message() -> None:
    found = record({"event": "x", "messageId": "m1"})
    assert found.event_id == str(uuid.uuid5(uuid.NAMESPACE_URL, "sojourn:t/native/m1"))


def test_without_a_message_id_the_same_bytes_are_the_same_event() -> None:
    timed = {"event": "x", "timestamp": ISO_NOW}
    assert record(timed).event_id == record(timed).event_id
    outcome = taken({"event": "x"})
    assert outcome.warnings == [{"index": 0, "code": "unidentified"}]


def test_the_skew_of_a_clock_is_corrected_only_above_five_minutes() -> None:
    hour, minute = 3_600_000, 60_000
    event = {"event": "x", "messageId": "1", "timestamp": "2026-11-25T08:46:30Z", "sentAt": "2026-11-25T08:46:40Z"}
    off = record(event)
    assert (off.time, off.original_time) == (NOW - 10_000, NOW - hour - 10_000)
    near = record({**event, "timestamp": "2026-11-25T09:42:00Z", "sentAt": "2026-11-25T09:42:40Z"})
    assert near.time == NOW - 4 * minute - 40_000


def test_an_items_own_sent_at_wins_over_the_envelopes() -> None:
    event = {"event": "x", "messageId": "1", "timestamp": "2026-11-25T08:46:30Z", "sentAt": "2026-11-25T08:46:40Z"}
    outcome = taken({"events": [event, {**event, "messageId": "2", "sentAt": None}], "sentAt": ISO_NOW})
    own, envelope = decode_records(outcome.frame.records)
    assert own.time == NOW - 10_000
    assert envelope.time == NOW - 3_600_000 - 10_000


def test_any_age_is_accepted_and_the_future_is_told() -> None:
    assert record({"event": "x", "messageId": "1", "timestamp": "1970-01-01T00:00:00Z"}).time == 0
    outcome = taken({"event": "x", "messageId": "1", "timestamp": "2027-01-01T00:00:00Z"})
    assert outcome.warnings == [{"index": 0, "code": "future"}]


def test_the_hash_is_of_content_and_not_of_times() -> None:
    event = {"event": "x", "messageId": "1", "timestamp": "2026-11-25T08:46:30Z", "properties": {"a": 1, "b": 2}}
    same = {**event, "properties": {"b": 2, "a": 1}, "timestamp": ISO_NOW, "sentAt": ISO_NOW}
    assert record(event).hash == record(same).hash
    assert record(event).hash != record({**event, "properties": {"a": 1, "b": 3}}).hash
