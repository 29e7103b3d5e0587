"""Folds read values as ingest does: words, ids and numbers in every form that producers write."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.events.times import milliseconds
from stream_processors import answers, carts, orders, subscriptions, tickets
from stream_processors.incoming import understood
from tests.unit.stream_processors.test_folds import record, rows


@pytest.mark.parametrize(
    ("name", "quantity", "thousandths"),
    [("product_removed", -1, -1000), ("product_removed", 1, -1000), ("product_removed", None, -1000),
     ("product_added", 2, 2000), ("product_added", -1, -1000)],
)  # fmt: skip
def test_a_quantity_below_zero_that_is_removed_is_removed(name: str, quantity: int | None, thousandths: int) -> None:
    row = next(iter(rows(carts, record(name, properties={"cart_id": "c1", "quantity": quantity}))))
    assert row["changes"][0][-1] == thousandths


@pytest.mark.parametrize(
    ("said", "term"),
    [
        ({"interval": "yearly"}, "year"),
        ({"interval": " Annual"}, "year"),
        ({"interval": "P1Y"}, "year"),
        ({"interval": "years"}, "year"),
        ({"interval": "P3M"}, "3 month"),
        ({"interval": "month", "interval_count": 3}, "3 month"),
        ({"interval": "6 months"}, "6 month"),
        ({"interval": "semi-annual"}, "6 month"),
        ({"interval": "biweekly", "interval_count": 2}, "4 week"),
        ({"interval": "9999 months", "interval_count": 9999}, "99980001 month"),
        ({"interval": "Quarterly"}, "quarter"),
        ({"interval_count": 3}, ""),
        ({}, ""),
    ],
)
def test_a_term_is_read_in_every_spelling_with_its_number(said: dict[str, Any], term: str) -> None:
    (row,) = rows(subscriptions, record("subscription_started", properties=said))
    assert row["interval"] == term


@pytest.mark.parametrize("spelt", ["canceled_at", "canceledAt", "cancelled_at", "cancelledAt"])
def test_when_an_end_was_asked_for_is_read_in_american_and_british_spelling(spelt: str) -> None:
    (row,) = rows(subscriptions, record("subscription_cancelled", properties={spelt: "2026-11-02T10:00:00Z"}))
    assert row["asked_at"] == milliseconds("2026-11-02T10:00:00Z")


def test_ids_that_are_numbers_are_one_entity_and_placeholders_are_none() -> None:
    ids = {
        row["id"]
        for value in (5, 5.0, "5")
        for row in rows(tickets, record("ticket_solved", properties={"ticket_id": value}))
    }
    assert ids == {"5"}
    assert list(carts.fold(understood(record("product_added"), {"cart_id": "undefined"}))) == []


@pytest.mark.parametrize(
    ("said", "currency"), [("€", "EUR"), ("EUR ", "EUR"), ("jpy", "JPY"), ("US$", "USD"), ("$", "$"), (None, "")]
)
def test_a_currency_is_its_code_whatever_stands_for_it(said: str | None, currency: str) -> None:
    properties = {"order_id": "o1", "total": 5, "currency": said}
    (row,) = rows(orders, record("order_completed", properties=properties))
    assert row["amounts"][0][-1] == currency
    (row,) = rows(subscriptions, record("subscription_started", properties={"amount": 5, "currency": said}))
    assert row["currency"] == currency


@pytest.mark.parametrize(("said", "metric"), [("NPS ", "nps"), ("Net Promoter Score", "nps"), ("c-sat", "c-sat")])
def test_a_survey_type_is_read_in_every_spelling(said: str, metric: str) -> None:
    found = rows(answers, record("survey_question_answered", properties={"survey_type": said, "score": "Good"}))
    (version,) = found[0]["versions"]
    assert version[6:11] == (1_000_000, 0, 1_000_000, metric, "")
