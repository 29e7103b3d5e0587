"""Where buckets cut the time, and which windows have closed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from query_api.rolling.windows import SPANS, Closed, as_of, closed_windows, edges
from schemas.periods import DAY_MS, HOUR_MS, format_instant, parse_instant
from schemas.tenants import Tenant

RECENT, LONG = SPANS
BERLIN = Tenant(id="demo", timezone="Europe/Berlin")
AT = parse_instant("2026-10-26T13:30:07Z", "UTC")  # the day after the clocks were put back


@pytest.mark.parametrize("span", SPANS, ids=lambda span: span.name)
@pytest.mark.parametrize("tz", ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_buckets_make_up_every_window_and_the_one_before(span: object, tz: str) -> None:
    assert span in SPANS
    for each in SPANS:
        found = edges(each, AT + 120, tz, "monday")
        assert found == sorted(set(found))
        assert (found[0], found[-1]) == (AT - each.reach, AT)
        lengths = {"PT1H": HOUR_MS, "P1D": DAY_MS, "P7D": 7 * DAY_MS, "P28D": 28 * DAY_MS}
        for window in each.windows:
            assert {AT - lengths[window], AT - 2 * lengths[window]} <= set(found)


def test_buckets_cut_at_local_hours_and_midnights() -> None:
    recent, long = (edges(span, AT, "Asia/Kathmandu", "monday") for span in SPANS)
    assert parse_instant("2026-10-26T06:15:00Z", "UTC") in recent
    assert parse_instant("2026-10-25T18:15:00Z", "UTC") in long


def test_the_answer_is_as_of_the_whole_second() -> None:
    assert as_of(AT + 999) == AT


def shown(closed: Closed) -> tuple[str, str, str]:
    return closed.window, format_instant(closed.start), format_instant(closed.end)


def test_closed_windows_are_whole_hours_and_days_of_the_calendar() -> None:
    hours = [shown(closed) for closed in closed_windows(RECENT, AT, BERLIN)]
    assert hours[-1] == ("PT1H", "2026-10-26T12:00:00Z", "2026-10-26T13:00:00Z")
    assert len(hours) == 24
    days = [shown(closed) for closed in closed_windows(LONG, AT, BERLIN)]
    assert ("P1D", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z") in days  # 25 hours
    assert ("P7D", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z") in days
    assert ("P28D", "2026-09-27T22:00:00Z", "2026-10-25T23:00:00Z") in days


def test_closed_windows_are_made_of_buckets() -> None:
    for span in SPANS:
        known = set(edges(span, AT, BERLIN.timezone, BERLIN.week_start))
        for closed in closed_windows(span, AT, BERLIN):
            assert {closed.start, closed.end} <= known, shown(closed)


def test_days_that_closed_follow_each_other() -> None:
    days = [closed for closed in closed_windows(LONG, AT, BERLIN) if closed.window == "P1D"]
    assert all(before.end == after.start for before, after in pairwise(days))
