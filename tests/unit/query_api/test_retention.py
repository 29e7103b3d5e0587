"""The triangle of cohorts without a store: which cohorts there are, what is known of them, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from query_api.retention import Cohort, body, parameters, understood
from schemas.errors import Problem
from schemas.periods import format_instant, parse_instant
from schemas.tenants import Tenant

DEMO = Tenant(id="demo", timezone="Europe/Berlin", currency="EUR")
WATERMARK = parse_instant("2026-11-22T10:00:03.120Z", "UTC")
FOUR_DAYS = [("from", "2026-10-24"), ("to", "2026-10-28"), ("periods", "4")]


def triangle(
    *query: tuple[str, str], cohorts: dict[int, Cohort] | None = None, k_anon: int = 0, watermark: int = WATERMARK
) -> dict[str, Any]:
    question = understood(query, DEMO, watermark)
    return body(question, cohorts or {}, {"bot": 2}, watermark, k_anon)


def test_a_cell_is_null_until_its_period_is_over_and_zero_only_then() -> None:
    cohorts = {0: Cohort(6, [6, 4, 2, 1]), 1: Cohort(2, [2, 0, 0, 0])}
    given = triangle(*FOUR_DAYS, ("at", "2026-10-27T12:00:00Z"), cohorts=cohorts)
    assert [row["retained"] for row in given["cohorts"]] == [
        [6, 4, 2, None],
        [2, 0, None, None],
        [0, None, None, None],
        [None, None, None, None],
    ]
    assert [row["size"] for row in given["cohorts"]] == [6, 2, 0, 0]
    assert given["cohorts"][0]["rates"] == [1.0, 4 / 6, 2 / 6, None]
    assert given["cohorts"][2]["rates"] == [None] * 4
    assert given["maturity"] == 6 / 16
    assert (given["status"], given["warnings"]) == ("provisional", ["open_window", "small_n"])


def test_a_period_is_over_at_its_last_instant() -> None:
    day_ends = "2026-10-24T22:00:00Z"
    counted = {0: Cohort(1, [1, 0, 0, 0])}
    over = triangle(*FOUR_DAYS, ("at", day_ends), cohorts=counted)
    before = triangle(*FOUR_DAYS, ("at", "2026-10-24T21:59:59.999Z"), cohorts=counted)
    assert over["cohorts"][0]["retained"][0] == 1
    assert before["cohorts"][0]["retained"][0] is None


def test_an_unbounded_return_is_flagged_until_as_many_periods_again_have_passed() -> None:
    query = (("mode", "unbounded"), ("from", "2026-10-20"), ("to", "2026-10-21"), ("periods", "3"))
    early = triangle(*query, ("at", "2026-10-23T12:00:00Z"), cohorts={0: Cohort(40, [40, 9, 5])})
    late = triangle(*query, ("at", "2026-10-25T12:00:00Z"), cohorts={0: Cohort(40, [40, 9, 5])})
    assert early["cohorts"][0]["retained"] == [40, 9, 5]
    assert (early["maturity"], early["warnings"], early["status"]) == (2 / 3, ["immature"], "provisional")
    assert (late["maturity"], late["warnings"], late["status"]) == (1.0, [], "final")


def test_it_is_final_only_when_late_events_have_had_their_time() -> None:
    query = (*FOUR_DAYS, ("at", "2026-11-05T00:00:00Z"))
    given = triangle(*query)
    assert (given["status"], given["final_at"]) == ("final", "2026-11-02T23:00:00Z")
    assert triangle(*query, watermark=parse_instant("2026-11-02T22:59:59Z", "UTC"))["status"] == "mature"


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("day", "2026-11-19T23:00:00Z", "2026-11-22T23:00:00Z"),
        ("week", "2026-11-01T23:00:00Z", "2026-11-22T23:00:00Z"),
        ("month", "2026-08-31T22:00:00Z", "2026-11-30T23:00:00Z"),
    ],
)
def test_without_a_window_it_is_that_of_the_last_periods(period: str, start: str, end: str) -> None:
    question = understood([("period", period), ("periods", "3")], DEMO, WATERMARK)
    assert [format_instant(question.start), format_instant(question.end)] == [start, end]


def test_weeks_begin_as_the_tenants_do() -> None:
    query = [("period", "week"), ("from", "2026-10-01"), ("to", "2026-10-15"), ("at", "2026-11-01T00:00:00Z")]
    for week_start, first in (("monday", "2026-10-04T22:00:00Z"), ("sunday", "2026-10-03T22:00:00Z")):
        tenant = DEMO.model_copy(update={"week_start": week_start})
        rows = body(understood(query, tenant, WATERMARK), {}, {}, WATERMARK)["cohorts"]
        assert (rows[0]["start"], len(rows)) == (first, 2)


def test_a_small_cohort_is_hidden_from_those_who_may_not_see_it() -> None:
    cohorts = {0: Cohort(4, [4, 1, 0, 0]), 1: Cohort(9, [9, 5, 1, 0])}
    given = triangle(*FOUR_DAYS, ("at", "2026-11-05T00:00:00Z"), cohorts=cohorts, k_anon=5)
    hidden, shown = given["cohorts"][:2]
    assert (hidden["size"], hidden["retained"], hidden["rates"]) == (None, [None] * 4, [None] * 4)
    assert (shown["size"], shown["retained"]) == (9, [9, 5, 1, 0])
    assert "suppressed" in given["warnings"]
    assert given["excluded"] == {}


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ([("period", "year")], "invalid_parameter", "period"),
        ([("period", "day"), ("period", "week")], "invalid_parameter", "period"),
        ([("periods", "0")], "invalid_parameter", "periods"),
        ([("periods", "367")], "invalid_parameter", "periods"),
        ([("mode", "rolling")], "invalid_parameter", "mode"),
        ([("grain", "day")], "unknown_parameter", "grain"),
        ([("segment", "country")], "unknown_parameter", "segment"),
        ([("compare", "previous")], "unknown_parameter", "compare"),
        ([("nth", "1")], "unknown_parameter", "nth"),
        ([("filter", "event:eq:x")], "unknown_segment", "filter"),
        ([("window", "P3660D")], "too_many_points", "period"),
        ([("tz", "Mars/Olympus")], "invalid_parameter", "tz"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(query: list[tuple[str, str]], code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        understood(query, DEMO, WATERMARK)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_every_documented_parameter_is_taken_and_no_other() -> None:
    names = [each["name"] for each in parameters()]
    documented = {each["name"]: each["schema"] for each in parameters()}
    assert documented["period"]["default"] == "day"
    assert "default" not in documented["window"]
    assert len(names) == len(set(names))
    assert set(names) == {
        "period", "periods", "start_event", "return_event", "mode", "min_occurrences", "window", "from", "to", "at",
        "tz", "filter",
    }  # fmt: skip
