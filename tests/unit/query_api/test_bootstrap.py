"""The bootstrap by person: weights are Poisson's, and limits cover the truth where a person has many units."""

from __future__ import annotations

import math
import random

import pytest

from query_api import bootstrap
from query_api.statistics import wilson
from tests.reference import bootstrap as plain
from tests.reference import numbers as reference


def test_the_cuts_are_poisson_s_distribution_with_mean_one() -> None:
    below = 0.0
    for number, cut in enumerate(bootstrap.CUTS):
        below += math.exp(-1) / math.factorial(number)
        assert cut / 2**64 == pytest.approx(below, abs=1e-15)
    assert list(bootstrap.CUTS) == sorted(set(bootstrap.CUTS))
    assert bootstrap.CUTS[-1] < 2**64


def test_a_draw_is_k_where_it_has_passed_k_cuts() -> None:
    chance = random.Random(5)
    for draw in (0, 1, *(chance.randrange(2**64) for _ in range(2000))):
        assert plain.poisson(draw) == sum(draw >= cut for cut in bootstrap.CUTS)


def test_weights_of_different_people_and_replicates_have_the_mean_and_variance_of_poisson() -> None:
    drawn = [weight for person in range(200) for weight in plain.weights("t", "m", f"u:{person}", 500)]
    mean = sum(drawn) / len(drawn)
    assert mean == pytest.approx(1, abs=0.01)
    assert sum((weight - mean) ** 2 for weight in drawn) / len(drawn) == pytest.approx(1, abs=0.02)
    assert plain.weights("t", "m", "u:1", 500) != plain.weights("t", "m", "u:2", 500)
    assert plain.weights("t", "m", "u:1", 500) != plain.weights("t", "other", "u:1", 500)


def test_limits_cover_where_each_person_has_many_units_and_wilson_s_do_not() -> None:
    """People differ in how likely each of their units succeeds: of 150 samples of 60 people with 10 units each, about
    95 % of the intervals must hold the truth; Wilson's takes 600 units for independent and misses it far more often.
    """
    chance, truth, people, each = random.Random(20261125), 0.3, 60, 10
    drawn = [plain.weights("t", "m", f"u:{person}", bootstrap.FEWEST) for person in range(people)]
    covered = covered_by_wilson = 0
    samples = 150
    for _ in range(samples):
        rates = [chance.betavariate(0.6, 1.4) for _ in range(people)]  # their mean is the truth
        successes = [sum(chance.random() < rate for _ in range(each)) for rate in rates]
        above = [sum(w[b] * k for w, k in zip(drawn, successes, strict=True)) for b in range(bootstrap.FEWEST)]
        below = [sum(w[b] * each for w in drawn) for b in range(bootstrap.FEWEST)]
        low, high = bootstrap.limits(bootstrap.ratios(above, below))
        assert low is not None
        assert high is not None
        covered += low <= truth <= high
        low, high = wilson(sum(successes), people * each)
        assert low is not None
        assert high is not None
        covered_by_wilson += low <= truth <= high
    assert 0.9 <= covered / samples <= 1
    assert covered_by_wilson / samples < 0.8


def test_limits_are_the_outer_fortieths_of_the_replicates() -> None:
    assert bootstrap.limits([float(number) for number in range(41)]) == (1.0, 39.0)
    assert bootstrap.limits([None, 3.0, None]) == (3.0, 3.0)
    assert bootstrap.limits([None]) == (None, None)
    assert bootstrap.ratios([1, 0, 4], [2, 0, 4], 10) == [0.05, None, 0.1]


def test_a_curve_is_drawn_again_as_if_each_stood_as_often_as_its_weight() -> None:
    chance = random.Random(3)
    for _ in range(50):
        ages = sorted(chance.sample(range(100), 8))
        out = [[chance.randrange(3) for _ in range(5)] for _ in ages]
        watched = [[chance.randrange(3) for _ in range(5)] for _ in ages]
        given = bootstrap.survivals(ages, out, watched, 60)
        for number in range(5):
            died = [age for age, each in zip(ages, out, strict=True) for _ in range(each[number])]
            censored = [age for age, each in zip(ages, watched, strict=True) for _ in range(each[number])]
            steps = reference.kaplan_meier(died, censored)
            assert given[number] == pytest.approx(reference.survival_before(steps, 60).survival)


def test_the_number_of_replicates_is_bounded_by_what_they_cost() -> None:
    assert [bootstrap.replicates(n) for n in (0, 50_000, 100_000, 10**9)] == [1000, 1000, 500, 200]
