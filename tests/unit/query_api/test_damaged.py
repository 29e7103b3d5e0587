"""An answer that lost rows may have changed says so, and no other does."""

from __future__ import annotations

from typing import Any

import pytest

from query_api.catalogue import catalogue
from query_api.damaged import marked, watched
from query_api.rolling.reads import tables_read
from schemas.damage import Damage
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.remarks import WARNINGS
from schemas.tenants import Tenant

TENANT = Tenant.model_validate({"id": "t", "timezone": "UTC"})
ANSWER: dict[str, Any] = {
    "metric": "orders",
    "window": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "tz": "UTC"},
    "at": "2026-11-03T00:00:00Z",
    "status": "final",
    "warnings": ["small_n"],
}


def archive(first: str, last: str) -> Damage:
    return Damage("events", "p", 1, "is gone", 10, parse_instant(first, "UTC"), parse_instant(last, "UTC"))


def test_of_every_metric_it_is_known_which_tables_it_reads() -> None:
    read = {name: tables_read(metric, TENANT) for name, metric in METRICS.items()}
    assert [name for name, tables in read.items() if not tables] == []
    assert {"carts", "orders"} <= read["cart_abandonment_rate"]
    assert "tickets" in read["backlog"]
    assert "answers" in read["nps"]
    assert "activity" in read["dau"]
    assert "events" in read["event_count"]


def test_a_fact_that_is_made_again_marks_what_is_made_of_it_and_makes_it_provisional() -> None:
    told = marked(ANSWER, [Damage("orders", "p", 1, "is gone")], TENANT)
    assert (told["warnings"], told["status"]) == (["facts_incomplete", "small_n"], "provisional")
    assert set(told["warnings"]) <= WARNINGS.keys()
    assert ANSWER["status"] == "final"


def test_the_catalogue_is_no_answer_and_keeps_what_warnings_mean() -> None:
    assert marked(catalogue(), [archive("2026-11-01", "2026-11-02")], TENANT) == catalogue()


def test_what_is_made_of_other_tables_is_not_marked() -> None:
    others = [Damage(table, "p", 1, "is gone") for table in ("tickets", "dead_letters", "revisions")]
    assert marked(ANSWER, others, TENANT) == ANSWER
    assert marked(ANSWER, [archive("2026-11-01", "2026-11-02")], TENANT) == ANSWER


@pytest.mark.parametrize("metric", ["event_count", "funnels", "retention"])
def test_lost_events_mark_the_answers_about_their_time_that_are_counted_from_the_archive(metric: str) -> None:
    answer = {**ANSWER, "metric": metric}
    told = marked(answer, [archive("2026-10-01", "2026-11-01")], TENANT)
    assert (told["warnings"], told["status"]) == (["events_lost", "small_n"], "final")
    for first, last in (("2026-10-01", "2026-10-31"), ("2026-11-03", "2026-11-04")):
        assert marked(answer, [archive(first, last)], TENANT) == answer


def test_each_of_several_answers_is_marked_by_itself_and_problems_are_left_alone() -> None:
    several = {"values": [ANSWER, {**ANSWER, "metric": "backlog"}, {"type": "/errors/invalid_parameter"}]}
    told = marked(several, [Damage("orders", "p", 1, "is gone")], TENANT)["values"]
    assert ["facts_incomplete" in each.get("warnings", ()) for each in told] == [True, False, False]


def test_the_answer_of_each_definition_that_is_compared_is_marked_by_what_it_reads() -> None:
    compared = {"definitions": [{"answer": ANSWER}, {"answer": {**ANSWER, "metric": "backlog"}}, {"answer": None}]}
    told = marked(compared, [Damage("orders", "p", 1, "is gone")], TENANT)["definitions"]
    assert ["facts_incomplete" in (each["answer"] or ANSWER)["warnings"] for each in told] == [True, False, False]


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True), (True, True)])
async def test_an_answer_is_marked_by_what_is_lost_when_its_count_begins_or_ends(before: bool, after: bool) -> None:
    lost = [Damage("orders", "p", 1, "is gone")]
    known = lost if before else []

    async def ask() -> dict[str, Any]:
        nonlocal known
        known = lost if after else []
        return ANSWER

    told = await watched(ask(), lambda: known, TENANT)
    assert (told["warnings"], told["status"]) == (["facts_incomplete", "small_n"], "provisional")
