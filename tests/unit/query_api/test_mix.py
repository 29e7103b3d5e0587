"""Shares of classes: intervals that hold together, the class that the number is about, and how far mixes drift."""

from __future__ import annotations

import pytest

from query_api.mix import drift, most_frequent, share
from query_api.question import Cell
from query_api.statistics import goodman, wilson


def test_goodman_limits_are_wilson_s_with_the_normal_point_shared_by_the_classes() -> None:
    assert goodman(4, 8, 1) == wilson(4, 8)
    low, high = goodman(4, 8, 4)
    assert low == pytest.approx(0.16903763405590405)
    assert high == pytest.approx(0.8309623659440959)


def test_the_headline_is_the_most_frequent_class_and_of_several_the_first_by_name() -> None:
    assert most_frequent({"b": 2, "a": 2, "c": 1}) == "a"
    assert most_frequent({}) == ""


def test_a_class_that_nobody_named_has_an_interval_and_no_visit_has_no_share() -> None:
    found = share(Cell(n=3, classes={"buy": 3}, headline="browse"))
    assert (found.value, found.numerator, found.limits) == (0.0, 0, wilson(0, 3))
    empty = share(Cell(headline="browse"))
    assert (empty.value, empty.limits, empty.details["shares"]) == (None, (None, None), [])


def test_the_drift_of_a_mix_from_itself_is_nothing() -> None:
    assert drift({"a": 2, "b": 6}, {"a": 1, "b": 3}) == {"total_variation": 0.0, "chi_square": 0.0, "degrees": 1}
    assert drift({"a": 4}, {"b": 1})["total_variation"] == 1.0
    assert drift({"a": 4}, {}) == {"total_variation": None, "chi_square": None, "degrees": None}
