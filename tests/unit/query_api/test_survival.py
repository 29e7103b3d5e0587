"""Kaplan–Meier against published curves: Freireich's leukaemia trial (6-MP arm), as R prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from query_api import survival
from query_api.survival import Curve


def kaplan_meier(events: Sequence[int], censored: Sequence[int]) -> Curve:
    """Of ages one by one."""
    return survival.kaplan_meier(Counter(events), Counter(censored))


REMISSION = kaplan_meier([6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])


@pytest.mark.parametrize(
    ("week", "share"),
    [(6, 0.857), (7, 0.807), (10, 0.753), (13, 0.690), (16, 0.627), (22, 0.538), (23, 0.448)],
)
def test_shares_are_the_published_ones(week: int, share: float) -> None:
    assert REMISSION.share_before(week + 1)[0] == pytest.approx(share, abs=5e-4)


def test_the_share_is_read_just_before_an_age() -> None:
    assert REMISSION.share_before(6) == (1.0, (None, None))


def test_median_and_limits_are_those_of_r_with_log_log() -> None:
    median, (low, high) = REMISSION.quantile(0.5)
    assert (median, low, high) == (23, 13, None)


def test_greenwood_and_log_log_limits() -> None:
    share, (low, high) = REMISSION.share_before(7)
    assert share == pytest.approx(0.857143, abs=1e-6)
    assert low == pytest.approx(0.6197, abs=5e-5)
    assert high == pytest.approx(0.9516, abs=5e-5)


def test_outcomes_come_before_censorings_of_the_same_age() -> None:
    assert kaplan_meier([5], [5]).share_before(6)[0] == 0.5


def test_a_median_on_a_step_is_the_middle_of_that_step() -> None:
    assert kaplan_meier([1, 2, 4, 5], []).quantile(0.5)[0] == 3.0
    assert kaplan_meier([1, 2, 3], []).quantile(0.5)[0] == 2.0
    assert kaplan_meier([1, 2], [9, 9]).quantile(0.5)[0] == 2.0


def test_a_median_that_is_not_reached_is_none_never_the_largest_age() -> None:
    median, (_, high) = kaplan_meier([1, 2], [3] * 8).quantile(0.5)
    assert (median, high) == (None, None)


def test_shares_of_0_and_1_have_no_limits() -> None:
    assert kaplan_meier([1, 2], []).share_before(10) == (0.0, (None, None))
    assert kaplan_meier([], [4, 5]).share_before(10) == (1.0, (None, None))


def test_without_censoring_the_curve_is_the_plain_share() -> None:
    assert kaplan_meier([1, 1, 2, 3], [9] * 6).share_before(3)[0] == pytest.approx(0.7)
