"""Published numbers, and the edges that formulas alone do not settle."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from query_api.statistics import (
    Ranked,
    adjusted_wald,
    garwood,
    histogram_mean_limits,
    mean_limits,
    moment_limits,
    quantile,
    quantile_limits,
    square_and_add,
    wilson,
)
from tests.reference.published import DIFFERENCES, SHARES


@pytest.mark.parametrize("share", SHARES)
def test_wilson_limits_are_those_of_newcombe_1998(share: tuple[int, int]) -> None:
    assert tuple(f"{limit:.4f}" for limit in wilson(*share)) == SHARES[share]


def test_wilson_limits_of_the_design_s_example() -> None:
    assert wilson(897, 1284) == pytest.approx((0.672937, 0.723074), abs=5e-7)
    assert wilson(489, 655) == pytest.approx((0.711882, 0.778373), abs=5e-7)


def test_nothing_has_no_limits() -> None:
    assert wilson(0, 0) == (None, None)
    assert quantile_limits([], 0.5) == (None, None)
    assert mean_limits([5]) == (None, None)


@pytest.mark.parametrize("pair", DIFFERENCES)
def test_difference_of_two_shares_is_newcombe_s(pair: tuple[int, int, int, int]) -> None:
    one, n, other, of = pair
    limits = square_and_add(one / n, wilson(one, n), other / of, wilson(other, of))
    assert tuple(f"{limit:+.4f}" for limit in limits) == DIFFERENCES[pair]


def test_a_missing_limit_leaves_the_difference_without_any() -> None:
    assert square_and_add(1.0, (None, None), 0.5, (0.4, 0.6)) == (None, None)


def test_quantiles_interpolate_linearly() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 2.5
    assert quantile([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 0.9) == 91.0
    assert quantile([7], 0.9) == 7.0


def test_median_of_100_lies_between_ranks_40_and_61() -> None:
    assert quantile_limits(range(1, 101), 0.5) == (40.0, 61.0)


def test_five_values_do_not_bound_their_median() -> None:
    assert quantile_limits([1, 2, 3, 4, 5], 0.5) == (None, None)
    assert quantile_limits([1, 2, 3, 4, 5, 6], 0.5) == (1.0, 6.0)


def test_mean_limits_are_student_s() -> None:
    low, high = mean_limits([1, 2, 3, 4, 5])
    assert low is not None
    assert high is not None
    assert (low + high) / 2 == pytest.approx(3.0)
    assert (high - low) / 2 == pytest.approx(2.776445 * math.sqrt(2.5 / 5), abs=1e-6)


def test_limits_of_a_net_score_are_rocks_and_have_a_width_where_all_promote() -> None:
    low, high = adjusted_wald(5, 1, 4)
    assert low == pytest.approx(-40.98232805146129)
    assert high == pytest.approx(56.366943436076674)
    low, high = adjusted_wald(10, 0, 0)
    assert low is not None
    assert 0 < low < 100
    assert high == 100
    assert adjusted_wald(0, 0, 0) == (None, None)


def test_a_histogram_has_the_limits_of_its_values() -> None:
    assert histogram_mean_limits([(Fraction(1), 2), (Fraction(4), 3)]) == mean_limits([1, 1, 4, 4, 4])
    assert histogram_mean_limits([(Fraction(7, 2), 1)]) == (None, None)


def test_values_told_by_how_often_they_occur_are_the_values_themselves() -> None:
    values = [3, 3, 3, 5, 8, 8, 13]
    ranked = Ranked({8: 2, 3: 3, 13: 1, 5: 1})
    assert [*ranked] == ranked[:] == values
    assert len(Ranked({})) == 0
    for q in (0.1, 0.5, 0.9):
        assert quantile(ranked, q) == quantile(values, q)
        assert quantile_limits(ranked, q) == quantile_limits(values, q)
    assert moment_limits(7, sum(values), sum(value * value for value in values)) == mean_limits(values)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.688879), (1, 0.025318, 5.571643), (10, 4.795389, 18.390356)]
)
def test_limits_of_a_poisson_count_are_garwoods_table(count: int, low: float, high: float) -> None:
    assert garwood(count) == pytest.approx((low, high), abs=1e-6)
