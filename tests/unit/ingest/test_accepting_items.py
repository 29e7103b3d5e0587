"""What becomes of one item: its ids, its times, its dimensions, and why it may be refused without its neighbours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.accept import Accepted, accept
from ingest.item import uuid5_of_url
from schemas.errors import DEAD_LETTER_REASONS, INGEST_WARNINGS, REJECTIONS
from schemas.record import Record, decode_dead_letters, decode_records

NOON = int(datetime(2026, 11, 18, 12, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
GOOD = {"event": "Good", "messageId": "good", "timestamp": "2026-11-18T11:59:00Z"}


def accepted(*items: Any) -> Accepted:
    body = b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)
    return accept(body, tenant="demo", received_at=NOON, random_id=lambda: "random")


def record(item: Any) -> Record:
    outcome = accepted(item)
    assert outcome.rejected == []
    return decode_records(outcome.frame.records)[0]


def codes(outcome: Accepted) -> list[str]:
    assert {each["index"] for each in outcome.warnings} <= {0}
    return [each["code"] for each in outcome.warnings]


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


DEEP: dict[str, Any] = {}
for _ in range(16):
    DEEP = {"x": DEEP}
BAD = [
    (b"[1]", "invalid_event", None),
    (b"{broken", "invalid_event", None),
    (b'{"event":"a\xff"}', "invalid_event", None),
    (b'{"event":"a","properties":{"x":"\xff"}}', "invalid_event", "properties"),
    ({"properties": {}}, "invalid_event", "event"),
    ({"event": "  "}, "invalid_event", "event"),
    ({"event": 7}, "invalid_event", "event"),
    ({"event": "x" * 201}, "invalid_event", "event"),
    ({"event": "a", "properties": [1]}, "invalid_property", "properties"),
    ({"event": "a", "context": "web"}, "invalid_property", "context"),
    (b'{"event":"a","properties":{"x":1e999}}', "invalid_property", "properties.x"),
    (b'{"event":"a","properties":{"x":[{"y":"NaN"},{"y":NaN}]}}', "invalid_property", "properties.x.1.y"),
    (b'{"event":"a","userId":-Infinity}', "invalid_property", "userId"),
    (b'{"event":"a","userId":1e999}', "invalid_property", "userId"),
    ({"event": "product_added", "properties": {"price": "free"}}, "invalid_property", "properties.price"),
    ({"event": "order_completed", "properties": {}}, "missing_property", "properties.order_id"),
    ({"event": "ticket_solved"}, "missing_property", "properties.ticket_id"),
    ({"event": "alias", "userId": "u1"}, "missing_property", "previousId"),
    ({"event": "alias", "previousId": "u1"}, "missing_property", "userId"),
    ({"event": "a", "userId": True}, "invalid_property", "userId"),
    ({"event": "a", "userId": ["u"]}, "invalid_property", "userId"),
    ({"event": "a", "userId": 1.5}, "invalid_property", "userId"),
    ({"event": "a", "sequence": -1}, "invalid_property", "sequence"),
    ({"event": "a", "sequence": "7"}, "invalid_property", "sequence"),
    ({"event": "a", "messageId": "m" * 201}, "id_too_long", "messageId"),
    ({"event": "a", "userId": "u" * 513}, "id_too_long", "userId"),
    ({"event": "a", "timestamp": "2026-11-18T11:00:00"}, "invalid_timestamp", "timestamp"),
    ({"event": "a", "timestamp": "2026-11-18"}, "invalid_timestamp", "timestamp"),
    ({"event": "a", "timestamp": "noon"}, "invalid_timestamp", "timestamp"),
    ({"event": "a", "timestamp": 1_795_000_000}, "invalid_timestamp", "timestamp"),
    ({"event": "a", "timestamp": "1969-12-31T23:59:59Z"}, "invalid_timestamp", "timestamp"),
    ({"event": "a", "timestamp": "2149-01-01T00:00:00Z"}, "invalid_timestamp", "timestamp"),
    ({"event": "a", "properties": {"x": "y" * 65_536}}, "event_too_large", None),
    ({"event": "a", "properties": DEEP}, "too_deep", None),
]


@pytest.mark.parametrize(("bad", "code", "field"), BAD, ids=[f"{code}-{n}" for n, (_, code, _f) in enumerate(BAD)])
def test_a_bad_item_is_refused_and_takes_no_other_with_it(bad: Any, code: str, field: str | None) -> None:
    outcome = accepted(GOOD, bad, {**GOOD, "messageId": "good2"})
    assert outcome.accepted == 2
    assert [made.message_id for made in decode_records(outcome.frame.records)] == ["good", "good2"]
    (rejected,) = outcome.rejected
    assert (rejected["index"], rejected["code"], rejected["field"]) == (1, code, field)
    (letter,) = decode_dead_letters(outcome.frame.dead_letters)
    assert (letter.reason, letter.tenant, letter.index) == (code, "demo", 1)
    assert code in REJECTIONS
    assert code in DEAD_LETTER_REASONS
    assert letter.payload


def test_the_message_id_of_a_refused_item_is_told() -> None:
    assert accepted({"messageId": "m7", "event": "order_completed"}).rejected[0]["messageId"] == "m7"


def test_sixteen_levels_are_allowed() -> None:
    assert accepted({"event": "a", "properties": DEEP["x"]["x"]}).accepted == 1


def test_brackets_inside_text_are_no_levels() -> None:
    assert accepted({"event": "a", "properties": {"x": '[{"' * 40}}).accepted == 1


def test_both_spellings_of_every_field_give_the_same_record() -> None:
    camel = {
        "messageId": "m1",
        "event": "page",
        "timestamp": "2026-11-18T11:59:00Z",
        "sentAt": "2026-11-18T11:59:01Z",
        "userId": "u1",
        "anonymousId": "a1",
        "sessionId": "s1",
        "previousId": "p1",
    }
    snake = {
        "message_id": "m1",
        "event": "page",
        "timestamp": "2026-11-18T11:59:00Z",
        "sent_at": "2026-11-18T11:59:01Z",
        "user_id": "u1",
        "anonymous_id": "a1",
        "session_id": "s1",
        "previous_id": "p1",
    }
    assert record(camel) == record(snake)
    assert record(camel).previous_id == "p1"


def test_null_and_empty_ids_are_absent_and_numbers_are_text() -> None:
    made = record({"event": "a", "userId": "", "user_id": 7, "anonymousId": None, "context": {"sessionId": 123}})
    assert (made.user_id, made.anonymous_id, made.session_id) == ("7", "", "123")


def test_the_event_id_is_made_of_tenant_source_and_message_id() -> None:
    assert record(GOOD).event_id == str(uuid5(NAMESPACE_URL, "sojourn:demo/native/good"))


def test_a_timed_item_without_id_gets_the_same_id_whenever_it_is_sent() -> None:
    raw = b'{"event":"a","timestamp":"2026-11-18T11:59:00Z"}'
    first, second = (decode_records(accepted(raw).frame.records)[0] for _ in range(2))
    assert first.message_id == second.message_id == str(uuid5(NAMESPACE_URL, raw.decode()))
    assert accepted(raw).warnings == []


def test_an_untimed_item_without_id_is_unidentified() -> None:
    outcome = accepted({"event": "a"})
    assert codes(outcome) == ["unidentified"]
    assert "no message id" in outcome.warnings[0]["message"].lower()
    (made,) = decode_records(outcome.frame.records)
    assert (made.message_id, made.time, made.original_time) == ("random", NOON, None)
    assert set(INGEST_WARNINGS) >= {"unidentified"}


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "time"),
    [
        (NOON - 60 * MINUTE, None, NOON - 60 * MINUTE),
        (NOON - 60 * MINUTE, NOON - 5 * MINUTE, NOON - 60 * MINUTE),
        (NOON - 60 * MINUTE, NOON - 5 * MINUTE - 1, NOON - 55 * MINUTE + 1),
        (NOON - 60 * MINUTE, NOON + 10 * MINUTE, NOON - 70 * MINUTE),
    ],
)
def test_a_clock_is_corrected_only_if_it_is_more_than_five_minutes_off(
    timestamp: int, sent_at: int | None, time: int
) -> None:
    made = record({"event": "a", "timestamp": iso(timestamp), **({"sentAt": iso(sent_at)} if sent_at else {})})
    assert (made.time, made.original_time, made.sent_at) == (time, timestamp, sent_at)


def test_the_sent_at_of_an_item_wins_over_the_envelope() -> None:
    body = {
        "sentAt": iso(NOON - 60 * MINUTE),
        "events": [
            {"event": "a", "timestamp": iso(NOON - 90 * MINUTE)},
            {"event": "b", "timestamp": iso(NOON - 90 * MINUTE), "sentAt": iso(NOON)},
        ],
    }
    times = [made.time for made in decode_records(accepted(body).frame.records)]
    assert times == [NOON - 30 * MINUTE, NOON - 90 * MINUTE]


def test_an_unreadable_sent_at_costs_no_event() -> None:
    outcome = accepted({**GOOD, "sentAt": "2026-11-18T11:59:00"})
    assert (outcome.accepted, codes(outcome)) == (1, ["sent_at_ignored"])


def test_any_age_is_accepted_and_the_future_is_flagged() -> None:
    assert record({"event": "a", "timestamp": "1970-01-01T00:00:00Z"}).time == 0
    outcome = accepted({"event": "a", "timestamp": iso(NOON + 60 * MINUTE)})
    assert codes(outcome) == ["future"]


def test_dimensions_come_from_the_context_and_a_channel_first_from_the_properties() -> None:
    context = {
        "location": {"country": " DE "},
        "channel": "web",
        "device": {"type": "mobile"},
        "traits": {"plan": "pro"},
    }
    made = record({"event": "a", "context": context})
    assert (made.country, made.channel, made.device, made.traits) == ("DE", "web", "mobile", {"plan": "pro"})
    assert record({"event": "a", "context": context, "properties": {"channel": "app"}}).channel == "app"


def test_a_bot_is_one_that_says_so_or_is_listed() -> None:
    assert record({"event": "a", "context": {"bot": True}}).bot
    assert record({"event": "a", "context": {"userAgent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}}).bot
    assert not record({"event": "a", "context": {"bot": "no", "userAgent": "Mozilla/5.0 Firefox/140.0"}}).bot


def test_the_producers_bytes_are_kept() -> None:
    outcome = accepted(b'{"event":"a","properties":{"z":1.50,  "a":2},"context":{"k":"v"}}')
    made = decode_records(outcome.frame.records)[0]
    assert bytes(made.properties) == b'{"z":1.50,  "a":2}'
    assert bytes(made.context) == b'{"k":"v"}'


def test_the_hash_tells_contents_apart_but_neither_times_nor_the_order_of_keys() -> None:
    base = {"event": "a", "messageId": "m", "properties": {"a": 1, "b": 2}}
    later = {**base, "timestamp": iso(NOON - MINUTE), "sentAt": iso(NOON), "properties": {"b": 2, "a": 1}}
    assert record(base).hash == record(later).hash
    assert record(base).hash != record({**base, "properties": {"a": 1, "b": 3}}).hash
    assert record(base).hash != record({**base, "userId": "u1"}).hash


def test_half_a_surrogate_pair_is_repaired_where_it_stands() -> None:
    made = record(b'{"event":"a","userId":"u\\ud800"}')
    assert made.user_id == "u\ufffd"


@given(st.text())
def test_ids_are_uuids_of_version_5(name: str) -> None:
    assert uuid5_of_url(name) == str(uuid5(NAMESPACE_URL, name))
