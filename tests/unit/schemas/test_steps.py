"""Where a window is cut: by the clocks on the wall of a zone, also where they are changed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from schemas.periods import DAY_MS, HOUR_MS, format_instant, parse_instant
from schemas.steps import STEPS, edges, is_edge


def cut(start: str, end: str, step: str, tz: str, week_start: str = "monday") -> list[int]:
    return list(edges(parse_instant(start, tz), parse_instant(end, tz), step, tz, week_start))


def hours(cuts: list[int]) -> list[float]:
    return [(end - start) / HOUR_MS for start, end in pairwise(cuts)]


def test_a_day_on_which_clocks_are_changed_has_23_or_25_hours() -> None:
    assert hours(cut("2026-03-28", "2026-03-31", "P1D", "Europe/Berlin")) == [24, 23, 24]
    assert hours(cut("2026-10-24", "2026-10-27", "P1D", "Europe/Berlin")) == [24, 25, 24]
    assert hours(cut("2026-10-25", "2026-10-26", "PT1H", "Europe/Berlin")) == [1] * 25
    assert hours(cut("2026-03-29", "2026-03-30", "PT1H", "Europe/Berlin")) == [1] * 23


def test_hours_begin_at_full_local_hours() -> None:
    cuts = cut("2026-11-18T10:10:00Z", "2026-11-18T12:10:00Z", "PT1H", "Asia/Kathmandu")
    assert [format_instant(edge)[11:16] for edge in cuts] == ["10:10", "10:15", "11:15", "12:10"]


def test_where_clocks_are_changed_by_half_an_hour_one_step_is_shorter() -> None:
    back = hours(cut("2026-04-05", "2026-04-06", "PT1H", "Australia/Lord_Howe"))
    assert sorted(back) == [0.5] + [1] * 24
    forth = hours(cut("2026-10-04", "2026-10-05", "PT1H", "Australia/Lord_Howe"))
    assert sorted(forth) == [0.5] + [1] * 23


def test_weeks_begin_on_the_day_of_the_tenant() -> None:
    # 2026-11-18 is a Wednesday.
    for week_start, first in (("monday", "2026-11-23"), ("sunday", "2026-11-22"), ("saturday", "2026-11-21")):
        cuts = cut("2026-11-18", "2026-12-01", "P1W", "UTC", week_start)
        assert format_instant(cuts[1])[:10] == first
        assert cuts[2] - cuts[1] == 7 * DAY_MS


def test_months_begin_on_their_first_local_day() -> None:
    cuts = cut("2026-01-31", "2026-04-01", "P1M", "America/New_York")
    assert [format_instant(edge) for edge in cuts] == [
        "2026-01-31T05:00:00Z", "2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z",
    ]  # fmt: skip


def test_a_day_that_a_zone_skipped_is_no_step() -> None:
    assert hours(cut("2011-12-28", "2012-01-02", "P1D", "Pacific/Apia")) == [24, 24, 24, 24]


@pytest.mark.parametrize("tz", ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("step", STEPS)
def test_steps_part_the_window_and_each_edge_between_is_one_of_theirs(tz: str, step: str) -> None:
    start, end = parse_instant("2026-03-03T10:07:00Z", tz), parse_instant("2026-04-20T11:03:00Z", tz)
    cuts = list(edges(start, end, step, tz, "sunday"))
    assert (cuts[0], cuts[-1]) == (start, end)
    assert cuts == sorted(set(cuts))
    assert all(is_edge(edge, step, tz, "sunday") for edge in cuts[1:-1])
    assert not is_edge(start, step, tz, "sunday")
