"""Values that producers send in other forms than ours, and values that mean something else than they say: each kind in
every field that has it, through `accept`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import bare_words
from ingest.accept import NATIVE, Accepted, Dialect, accept
from ingest.protocols import PROTOCOLS
from schemas.errors import INGEST_WARNINGS
from schemas.events import EVENTS, Event
from schemas.events.fields import is_id, spellings, text
from schemas.events.types import Author, Flag, Interval, IntervalCount, Marks, NotNegative, Number
from schemas.record import Record, decode_records

NOON = 1_795_003_200_000
"""2026-11-18T12:00:00Z."""


def accepted(*items: Mapping[str, Any], zone: str = "Europe/Berlin", dialect: Dialect = NATIVE) -> Accepted:
    body = json.dumps([{"messageId": "m", "timestamp": "2026-11-18T11:00:00Z", **item} for item in items]).encode()
    return accept(body, tenant="demo", received_at=NOON, random_id=lambda: "random", zone=zone, dialect=dialect)


def record(outcome: Accepted) -> Record:
    assert outcome.rejected == []
    (made,) = decode_records(outcome.frame.records)
    return made


def found(outcome: Accepted) -> set[tuple[str, str | None]]:
    """The code and field of all warnings, each of which says in its text what its code means."""
    assert all(each["message"].startswith(INGEST_WARNINGS[each["code"]]) for each in outcome.warnings)
    return {(each["code"], each["field"]) for each in outcome.warnings}


def refused(outcome: Accepted) -> tuple[str, str]:
    (rejected,) = outcome.rejected
    return rejected["code"], rejected["field"]


def event(name: str, **properties: Any) -> dict[str, Any]:
    required = dict.fromkeys(EVENTS[name].required, "x1")
    people = {"userId": "u1", "previousId": "p1"}
    return {"event": name, **people, "properties": {**required, **properties}}


def every(of: Callable[[Any, Marks], bool]) -> list[Any]:
    """(event, its fields of some kind) of all events that have any."""
    found = {
        name: [key for key, hint in declared.types.items() if of(hint, declared.marks[key])]
        for name, declared in EVENTS.items()
    }
    return [pytest.param(name, keys, id=name) for name, keys in found.items() if keys]


def of_type(*wanted: Any) -> list[Any]:
    return every(lambda hint, _: hint in wanted)


@pytest.mark.parametrize("dialect", [route.dialect for each in PROTOCOLS.values() for route in each.routes[:1]])
@pytest.mark.parametrize("field", ["properties", "context", "traits"])
def test_an_empty_list_where_an_object_belongs_is_an_empty_object(field: str, dialect: Any) -> None:
    item = {"type": "identify", "event": "identify", "userId": "u1"}
    empty, absent = (record(accepted(each, dialect=dialect)) for each in ({**item, field: []}, item))
    assert empty == absent
    assert refused(accepted({**item, field: [1]}, dialect=dialect)) == ("invalid_property", field)


@pytest.mark.parametrize(("name", "keys"), every(lambda _, marks: marks.is_instant))
def test_a_date_is_the_midnight_of_the_tenant_at_which_it_begins(name: str, keys: list[str]) -> None:
    for key in keys:
        camel = spellings(key)[1]
        made = record(accepted(event(name, **{camel: "2026-12-30", "other": 1.50})))
        settled = event(name, **{camel: "2026-12-30T00:00:00+01:00", "other": 1.50})
        assert json.loads(bytes(made.properties)) == settled["properties"]
        assert made.hash == record(accepted(settled)).hash
        for wrong in ("2026-02-30", "2026-12-30T10:00"):
            assert refused(accepted(event(name, **{key: wrong}))) == ("invalid_property", f"properties.{key}")


PEOPLE = {"user_id", "anonymous_id", "previous_id"}


@pytest.mark.parametrize(("name", "keys"), every(lambda _, marks: marks.is_id))
def test_a_placeholder_is_no_id_wherever_an_id_stands(name: str, keys: list[str]) -> None:
    for key in sorted({*keys} - PEOPLE):
        for placeholder in ("undefined", "[object Object]", "NULL", "NaN", "{{ ticket.id }}", "<%= id %>", " " * 20):
            outcome = accepted(event(name, **{key: placeholder}))
            if key in EVENTS[name].required:
                assert refused(outcome) == ("invalid_property", f"properties.{key}")
            else:
                assert found(outcome) == {("placeholder_id", f"properties.{key}")}
                assert text(json.loads(bytes(record(outcome).properties)), key) == ""


@pytest.mark.parametrize("placeholder", ["undefined", "null", "NaN", "None", "(null)", "0", "${user.id}", "%userid%"])
@pytest.mark.parametrize("field", ["userId", "anonymousId", "previousId"])
def test_nobody_is_nobodys_id(field: str, placeholder: str) -> None:
    outcome = accepted({"event": "page", field: placeholder})
    made = record(outcome)
    assert (made.user_id, made.anonymous_id, made.previous_id) == ("", "", "")
    assert ("placeholder_id", field) in found(outcome)
    if field != "anonymousId":
        ids = {"userId": "u1", "previousId": "p1", field: placeholder}
        assert refused(accepted({"event": "alias", **ids})) == ("invalid_property", field)


@pytest.mark.parametrize("placeholder", ["undefined", "[session_id]", "00000000-0000-0000-0000-000000000000"])
def test_a_placeholder_names_neither_a_session_nor_a_message(placeholder: str) -> None:
    outcome = accepted({"event": "page", "sessionId": placeholder, "messageId": placeholder})
    assert record(outcome).session_id == ""
    assert found(outcome) == {("placeholder_id", "sessionId"), ("placeholder_id", "messageId")}
    other = accepted({"event": "page", "userId": "u2", "messageId": placeholder})
    assert record(other).event_id != record(outcome).event_id


@pytest.mark.parametrize("field", ["userId", "anonymousId", "previousId", "sessionId", "messageId"])
def test_ids_that_are_numbers_are_one_id_however_they_are_printed(field: str) -> None:
    whole, point, written = (record(accepted({"event": "page", field: value})) for value in (1001, 1001.0, "1001"))
    assert whole == point == written


@pytest.mark.parametrize(
    ("name", "keys"), every(lambda _, marks: marks.vocabulary is not None and not marks.vocabulary.is_open)
)
def test_a_word_that_decides_and_is_unknown_is_warned_of(name: str, keys: list[str]) -> None:
    for key in keys:
        vocabulary = EVENTS[name].marks[key].vocabulary
        assert vocabulary is not None
        outcome = accepted(event(name, **{key: "never heard of"}))
        assert found(outcome) == {("unknown_word", f"properties.{key}")}
        assert vocabulary.words[0] in outcome.warnings[0]["message"]
        for spelling in list(vocabulary.spellings)[:3]:
            assert found(accepted(event(name, **{key: f" {spelling.upper()} "}))) == set()


@pytest.mark.parametrize(("name", "keys"), of_type(NotNegative, IntervalCount))
def test_what_cannot_be_below_zero_is_refused_there(name: str, keys: list[str]) -> None:
    for key in keys:
        assert refused(accepted(event(name, **{key: -300}))) == ("invalid_property", f"properties.{key}")


@pytest.mark.parametrize(("name", "keys"), every(lambda _, marks: bool(marks.times)))
def test_how_many_of_what_is_not_said_is_refused(name: str, keys: list[str]) -> None:
    for key in keys:
        what = EVENTS[name].marks[key].times
        nothing: tuple[dict[str, Any], ...] = ({}, {what: None}, {what: ""})
        for spelling, others in product(spellings(key), nothing):
            outcome = accepted(event(name, **{spelling: 3, **others}))
            assert refused(outcome) == ("invalid_property", f"properties.{spelling}")
            assert what in outcome.rejected[0]["message"]
        assert found(accepted(event(name, **{key: 3, what: "month"}))) == set()


@pytest.mark.parametrize(("name", "keys"), of_type(Number, Flag, NotNegative, IntervalCount, Interval, Author))
def test_a_value_that_decides_and_cannot_be_read_is_refused(name: str, keys: list[str]) -> None:
    for key in keys:
        assert refused(accepted(event(name, **{key: "some"}))) == ("invalid_property", f"properties.{key}")


@pytest.mark.parametrize(
    ("said", "bot"), [(True, True), ("true", True), (1, True), ("1", True), (False, False), ("no", False), (0, False)]
)
def test_a_bot_is_one_however_that_is_written(said: Any, bot: bool) -> None:
    assert record(accepted({"event": "page", "context": {"bot": said}})).bot is bot


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"bot": "perhaps"}, "context.bot"),
        ({"country": ["DE"]}, "context.country"),
        ({"channel": {"id": 1}}, "context.channel"),
        ({"device": {"type": True}}, "context.device"),
        ({"device": [1]}, "context.device"),
    ],
)
def test_an_unreadable_context_is_warned_of_and_costs_no_event(context: dict[str, Any], field: str) -> None:
    assert found(accepted({"event": "page", "context": context})) == {("unreadable_property", field)}


@pytest.mark.parametrize("name", ["page", "my_own_event"])
def test_what_any_event_may_carry_is_no_reason_to_refuse_it(name: str) -> None:
    outcome = accepted({"event": name, "properties": {"channel": [1], "referral_code": {}}})
    assert found(outcome) == {
        ("unreadable_property", "properties.channel"),
        ("unreadable_property", "properties.referral_code"),
    }


@pytest.mark.parametrize(
    ("context", "dimensions"),
    [
        ({"country": "de", "channel": "Web ", "device": {"type": "Smartphone"}}, ("DE", "web", "mobile")),
        ({"location": {"country": " dE"}, "channel": "E-Mail", "device": "Desktop"}, ("DE", "email", "desktop")),
    ],
)
def test_dimensions_have_one_spelling(context: dict[str, Any], dimensions: tuple[str, str, str]) -> None:
    made = record(accepted({"event": "page", "context": context}))
    assert (made.country, made.channel, made.device) == dimensions


def test_an_item_that_says_when_it_was_received_has_been_corrected() -> None:
    sent = {"event": "page", "timestamp": "2024-03-01T10:00:00Z", "sentAt": "2024-03-01T10:00:05Z"}
    corrected = record(accepted({**sent, "receivedAt": "2024-03-01T10:00:06Z"}))
    assert corrected.time == corrected.original_time == 1_709_287_200_000
    assert record(accepted({**sent, "received_at": "2024-03-01T10:00:06Z"})).time == corrected.time
    no_times: tuple[Any, ...] = ("undefined", "", None, 5, {})
    for no_time in no_times:
        assert record(accepted({**sent, "receivedAt": no_time})).time == record(accepted(sent)).time
    assert record(accepted(sent)).time == NOON - 5_000, "without it the sender's clock is taken to be off"


def test_fields_that_nothing_reads_are_named() -> None:
    item = {"event": "page", "distinct_id": "u1", "time": 1, "user": {}, "writeKey": "wk"}
    outcome = accepted(item)
    assert found(outcome) == {("unknown_field", name) for name in ("distinct_id", "time", "user")}
    assert "is userId meant?" in outcome.warnings[0]["message"]


def test_what_a_familys_clients_send_for_others_is_no_unknown_field() -> None:
    dialect = PROTOCOLS["segment"].routes[0].dialect
    item = {"type": "track", "event": "x y z", "integrations": {}, "channel": "web", "version": 2, "distinct_id": 1}
    assert found(accepted(item, dialect=dialect)) == {("unknown_field", "distinct_id")}


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Order Complted", "order_completed"), ("oder_completed", "order_completed"), ("Prodcut Added", "product_added")],
)
def test_a_name_with_a_typo_is_accepted_and_the_nearest_is_named(name: str, meant: str) -> None:
    outcome = accepted({"event": name})
    assert found(outcome) == {("similar_name", "event")}
    assert f"is {meant} meant?" in outcome.warnings[0]["message"]
    assert found(accepted({"event": "Something of our own"})) == set()


@pytest.mark.parametrize("products", [["shirt", "hat"], "three", {}])
def test_products_that_no_metric_reads_are_no_reason_to_refuse_an_order(products: Any) -> None:
    assert found(accepted(event("order_completed", products=products))) == set()


@pytest.mark.parametrize("word", [b"NaN", b"-Infinity", b"undefined", b"None"])
@pytest.mark.parametrize("body", [b"[%s]", b'{"events":[%s]}', b"%s"])
def test_a_bare_word_costs_its_own_item_only_and_is_named(word: bytes, body: bytes) -> None:
    good = b'{"event":"a","properties":{"text":"NaN, [{"}}'
    bad = b'{"event":"b","properties":{"list":[1,{"price":%s}]}}' % word
    items = b"\n".join((good, bad, good)) if body == b"%s" else body % b",".join((good, bad, good))
    outcome = accept(items, tenant="demo", received_at=NOON, random_id=lambda: "random")
    (rejected,) = outcome.rejected
    assert outcome.accepted == 2
    assert (rejected["index"], rejected["code"]) == (1, "invalid_property")
    assert rejected["field"] == "properties.list.1.price"
    assert word.decode() in rejected["message"]
    assert word in outcome.frame.dead_letters[0], "the dead letter shows what was sent"


def test_one_event_with_a_bare_word_is_refused_with_its_field() -> None:
    outcome = accept(b'{"event":"a","properties":{"x":NaN}}', tenant="t", received_at=NOON, random_id=lambda: "r")
    assert refused(outcome) == ("invalid_property", "properties.x")


@pytest.mark.parametrize("declared", EVENTS.values(), ids=lambda each: str(each.name))
def test_ids_are_known_by_their_names(declared: Event) -> None:
    assert {key for key, marks in declared.marks.items() if marks.is_id} == {*filter(is_id, declared.types)}


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda each: st.lists(each, max_size=3)))
def test_hidden_words_are_shown_again_as_they_were(value: Any) -> None:
    written = json.dumps({"a": value}).encode()
    hidden = bare_words.hide(written)
    assert bare_words.show(hidden or written) == written
    json.loads(hidden or written, parse_constant=lambda word: pytest.fail(f"{word} is not hidden"))
