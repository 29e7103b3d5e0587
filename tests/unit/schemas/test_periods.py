"""Durations, local days and windows, where zones and calendars make them hard."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from schemas.periods import (
    DAY_MS,
    HOUR_MS,
    WindowError,
    days_earlier,
    days_ending,
    format_duration,
    format_instant,
    is_local_midnight,
    local_day_ends,
    local_midnight,
    parse_duration,
    parse_instant,
    period_edges,
    period_holding,
    periods_beginning,
    periods_later,
    resolve_window,
    zone,
)

BERLIN = "Europe/Berlin"


def at(text: str) -> int:
    return parse_instant(text, "UTC")


@pytest.mark.parametrize(
    ("text", "ms"),
    [("PT24H", DAY_MS), ("P1D", DAY_MS), ("P1W", 7 * DAY_MS), ("PT1H30M", 5_400_000), ("P1DT1S", DAY_MS + 1000)],
)
def test_durations_are_elapsed_time(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "1D", "P1Y", "P1M", "PT1.5H", "P-1D", "PT9999999999H", "P99999D"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|years"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["PT24H", "PT72H", "P14D", "P30D", "PT1H", "PT0S", "PT1H30M", "P8DT1H", "PT90H5S"])
def test_canonical_durations_come_back_as_they_were(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


def test_instants_show_milliseconds_only_where_there_are_any() -> None:
    assert format_instant(at("2026-11-22T10:00:03.120Z")) == "2026-11-22T10:00:03.120Z"
    assert format_instant(at("2026-11-22T11:00:00+01:00")) == "2026-11-22T10:00:00Z"
    assert format_instant(-1) == "1969-12-31T23:59:59.999Z"


def test_a_plus_that_came_as_a_space_is_read_as_a_plus() -> None:
    assert at("2026-11-22T11:00:00 01:00") == at("2026-11-22T10:00:00Z")


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T10:00:00", "2026-02-30", "1969-12-31", "2200-01-02", "9999-12-31T23:59:59-23:59", "now", "٢٠٢٦-١١-٢٢"],
)
def test_instants_without_offset_or_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        at(text)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "localtime", "europe/berlin\x00", "x" * 5000])
def test_only_iana_names_are_zones(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        zone(name)


def test_a_date_begins_at_its_first_instant_even_where_midnight_is_skipped() -> None:
    assert format_instant(local_midnight(date(2018, 11, 4), "America/Sao_Paulo")) == "2018-11-04T03:00:00Z"
    assert local_midnight(date(2011, 12, 30), "Pacific/Apia") == local_midnight(date(2011, 12, 31), "Pacific/Apia")


def test_days_of_23_and_25_hours() -> None:
    assert local_midnight(date(2026, 3, 30), BERLIN) - local_midnight(date(2026, 3, 29), BERLIN) == 23 * HOUR_MS
    assert local_midnight(date(2026, 10, 26), BERLIN) - local_midnight(date(2026, 10, 25), BERLIN) == 25 * HOUR_MS


def test_the_last_local_day_contains_the_instant_before_t() -> None:
    midnight = at("2026-11-18T23:00:00Z")
    assert format_instant(days_ending(midnight, 1, BERLIN)) == "2026-11-17T23:00:00Z"
    assert format_instant(days_ending(midnight + 1, 1, BERLIN)) == "2026-11-18T23:00:00Z"
    assert format_instant(days_ending(midnight, 7, BERLIN)) == "2026-11-11T23:00:00Z"


def test_ends_of_local_days_cut_the_last_one() -> None:
    start, until = at("2026-10-23T22:00:00Z"), at("2026-10-26T12:00:00Z")
    assert [format_instant(end) for end in local_day_ends(start, until, BERLIN)] == [
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z",
        "2026-10-26T12:00:00Z",
    ]
    assert local_day_ends(start, start, BERLIN) == []


def test_days_earlier_keeps_the_clock_on_the_wall() -> None:
    assert format_instant(days_earlier(at("2026-10-26T11:00:00Z"), 2, BERLIN)) == "2026-10-24T10:00:00Z"
    assert is_local_midnight(days_earlier(at("2026-10-26T23:00:00Z"), 2, BERLIN), BERLIN)


def test_by_default_the_24_hours_before_at() -> None:
    window = resolve_window({}, 10 * DAY_MS, "UTC", "monday")
    assert (window.start, window.end) == (9 * DAY_MS, 10 * DAY_MS)
    assert (window.previous_start, window.previous_end) == (8 * DAY_MS, 9 * DAY_MS)


def test_dates_are_compared_with_as_many_local_days_before() -> None:
    window = resolve_window({"from": "2026-10-25", "to": "2026-10-27"}, 0, BERLIN, "monday")
    assert window.end - window.start == 49 * HOUR_MS
    assert window.previous_end - window.previous_start == 48 * HOUR_MS
    assert window.previous_end == window.start


@pytest.mark.parametrize(
    ("period", "week_start", "start", "end", "previous"),
    [
        ("day", "monday", "2026-11-23T23:00:00Z", "2026-11-24T23:00:00Z", "2026-11-22T23:00:00Z"),
        ("week", "monday", "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z", "2026-11-08T23:00:00Z"),
        ("week", "sunday", "2026-11-14T23:00:00Z", "2026-11-21T23:00:00Z", "2026-11-07T23:00:00Z"),
        ("month", "monday", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", "2026-08-31T22:00:00Z"),
    ],
)
def test_a_period_is_the_last_complete_one(period: str, week_start: str, start: str, end: str, previous: str) -> None:
    window = resolve_window({"period": period}, at("2026-11-24T23:00:00Z"), BERLIN, week_start)
    assert [format_instant(edge) for edge in (window.start, window.end, window.previous_start)] == [
        start,
        end,
        previous,
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"window": "PT0S"}, "window"),
        ({"window": "P1D", "period": "day"}, "window"),
        ({"period": "year"}, "period"),
        ({"from": "2026-11-18"}, "to"),
        ({"to": "2026-11-18"}, "from"),
        ({"from": "2026-11-18", "to": "2026-11-18"}, "to"),
        ({"from": "1980-01-01", "to": "2026-11-18"}, "to"),
        ({"from": "2026-11-18", "to": "2026-11-19", "window": "P1D"}, "window"),
    ],
)
def test_a_window_that_cannot_be_names_its_parameter(given: dict[str, str], field: str) -> None:
    with pytest.raises(WindowError) as refusal:
        resolve_window(given, 0, "UTC", "monday")
    assert refusal.value.field == field


def test_calendar_periods_follow_one_another_through_the_year_and_the_clock_change() -> None:
    start, end = local_midnight(date(2026, 10, 20), "Europe/Berlin"), local_midnight(date(2027, 1, 10), "Europe/Berlin")
    months = periods_beginning(start, end, "month", "Europe/Berlin", "monday")
    assert months == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    weeks = periods_beginning(start, end, "week", "Europe/Berlin", "sunday")
    assert weeks[0] == date(2026, 10, 25)
    assert {(later - earlier).days for earlier, later in pairwise(weeks)} == {7}
    hours = [
        (later - earlier) // 3_600_000
        for earlier, later in pairwise(period_edges(date(2026, 10, 24), "day", 3, "Europe/Berlin"))
    ]
    assert hours == [24, 25, 24]
    assert period_edges(date(2026, 11, 1), "month", 2, "UTC")[-1] == local_midnight(date(2027, 1, 1), "UTC")
    assert periods_later(date(2026, 1, 1), "month", -13) == date(2024, 12, 1)


def test_a_window_in_which_no_period_begins_has_none() -> None:
    noon = local_midnight(date(2026, 11, 18), "UTC") + 43_200_000
    assert periods_beginning(noon, noon + 3_600_000, "day", "UTC", "monday") == []
    assert period_holding(date(2026, 11, 18), "week", "saturday") == date(2026, 11, 14)
