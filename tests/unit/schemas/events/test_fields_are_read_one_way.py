"""How a field is read: its spellings, what is absent, what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.events import EVENTS, BadField, lookup
from schemas.events.declared import Event
from schemas.events.fields import flag, instant, number, spellings, text


def test_both_spellings_and_the_name_of_ga4_are_found() -> None:
    assert text({"cartId": "c1"}, "cart_id") == text({"cart_id": "c1"}, "cart_id") == "c1"
    assert text({"transaction_id": "o1"}, "order_id") == "o1"


def test_an_empty_spelling_does_not_hide_a_full_one() -> None:
    assert text({"cart_id": "", "cartId": "c1"}, "cart_id") == "c1"


@pytest.mark.parametrize("value", [None, "", True, [], {}])
def test_what_is_no_text_is_absent(value: Any) -> None:
    assert text({"cart_id": value}, "cart_id") == ""


def test_a_whole_number_is_an_id() -> None:
    assert text({"ticket_id": 42}, "ticket_id") == "42"


@pytest.mark.parametrize(
    ("value", "read"),
    [(19.9, "19.9"), ("19.90", "19.90"), (3, "3"), (-1, "-1"), (" 7 ", "7"), ("1e2", "1E+2")],
)
def test_a_number_is_exact(value: Any, read: str) -> None:
    assert number({"price": value}, "price") == Decimal(read)


@pytest.mark.parametrize(
    "value",
    [
        True,
        "free",
        "19,90",
        "NaN",
        "inf",
        float("inf"),
        1e300,
        "9" * 500,
        pytest.param(10**5000, id="5000 digits"),
        [1],
        "1_000",
    ],
)
def test_what_is_no_countable_number_is_none(value: Any) -> None:
    assert number({"price": value}, "price") is None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:01+01:00", 1000),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("1970-01-01t00:00:01z", 1000),
        ("1990-12-31T23:59:60Z", 662_688_000_000),
        ("1990-12-31T15:59:60.5-08:00", 662_688_000_000),
        ("1970-01-02", 86_400_000),
        (1_795_255_080, 1_795_255_080_000),
        (1_795_255_080_000, 1_795_255_080_000),
    ],
)
def test_an_instant_is_utc_milliseconds(value: Any, read: int) -> None:
    assert instant({"created_at": value}, "created_at") == read


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-11-18T09:58:00",
        "2026-11-18T24:00:00Z",
        "2026-11-18T11:59:60Z",
        "yesterday",
        True,
        -5,
        10**400,
    ],
)
def test_a_time_without_offset_or_sense_is_none(value: Any) -> None:
    assert instant({"created_at": value}, "created_at") is None


@pytest.mark.parametrize(("value", "read"), [(True, True), ("false", False), (0, False), ("maybe", None), (2, None)])
def test_a_flag_is_read_from_text_and_numbers(value: Any, read: bool | None) -> None:
    assert flag({"public": value}, "public") is read


@pytest.mark.parametrize(
    ("name", "properties", "code", "field"),
    [
        ("product_added", {"price": "free"}, "invalid_property", "properties.price"),
        ("product_added", {"cartId": [1]}, "invalid_property", "properties.cartId"),
        ("order_completed", {}, "missing_property", "properties.order_id"),
        ("order_completed", {"order_id": ""}, "missing_property", "properties.order_id"),
        ("ticket_solved", {"ticket_id": None}, "missing_property", "properties.ticket_id"),
        (
            "ticket_created",
            {"ticket_id": 1, "created_at": "2026-11-18T09:00:00"},
            "invalid_property",
            "properties.created_at",
        ),
        ("ticket_replied", {"ticket_id": 1, "author_type": "robot"}, "invalid_property", "properties.author_type"),
        ("call_ended", {"talk_s": -300}, "invalid_property", "properties.talk_s"),
        ("subscription_started", {"interval": "now and then"}, "invalid_property", "properties.interval"),
        ("subscription_started", {"interval_count": 0}, "invalid_property", "properties.interval_count"),
        ("trial_started", {"trial_end_date": "2026-02-30"}, "invalid_property", "properties.trial_end_date"),
    ],
)
def test_a_field_that_metrics_read_must_be_readable(
    name: str, properties: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(BadField) as bad:
        lookup(name).validate(properties)
    assert (bad.value.code, bad.value.field) == (code, field)


def test_fields_that_no_metric_reads_pass() -> None:
    lookup("product_added").validate({"anything": [{"at": "all"}], "price": None, "quantity": ""})


@pytest.mark.parametrize("event", [*EVENTS.values()], ids=lambda event: event.name)
def test_what_passes_without_pydantic_would_pass_with_it(event: Event) -> None:
    values: list[Any] = ["", "x", "x" * 512, "x" * 513, "free", "agent", " Bot ", "2026-11-18T09:58:00Z", True, None]
    values += [
        0,
        -1.5,
        10**12,
        10**12 + 1,
        1e12,
        1.0000000000000002e12,
        math.nan,
        math.inf,
        10**400,
        b"x",
        {},
        [{}],
        [1],
    ]
    for key in event.types:
        for name in spellings(key):
            for value in values:
                try:
                    msgspec.convert({name: value}, event.plain)
                except msgspec.ValidationError:
                    continue
                if value is not None and value != "":  # which are absent
                    event.check({key: value})  # raises what pydantic does not take


def test_pydantic_is_not_asked_about_an_ordinary_event() -> None:
    asked: list[Any] = []
    event = replace(lookup("product_added"), check=asked.append)
    event.validate({"cartId": "c1", "product_id": "p1", "price": 19.9, "quantity": 1, "currency": "EUR", "other": [1]})
    assert asked == []
    event.validate({"cart_id": 7, "price": "19.9"})
    assert asked == [{"cart_id": 7, "price": "19.9"}]
