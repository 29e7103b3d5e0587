"""What stands beside a number: the tenant's target in the metric's direction, and the band with its source."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from query_api.answer import body
from query_api.parameters import parse
from query_api.question import Cell, Scored
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.tenants import Target, Tenant

WATERMARK = parse_instant("2026-11-22T10:00:03.120Z", "UTC")
DAY = (("from", "2026-11-18"), ("to", "2026-11-19"), ("at", "2026-11-20T12:00:00Z"))


def answer(metric: str, *cells: Cell, query: tuple[tuple[str, str], ...] = (), **target: Any) -> dict[str, Any]:
    targets = (Target(metric=metric, **target),) if target else ()
    tenant = Tenant(id="demo", timezone="Europe/Berlin", targets=targets)
    request = parse(METRICS[metric], (*DAY, *query), tenant, WATERMARK)
    return body(request, cells, None, WATERMARK)


def carts(abandoned: int, n: int, *segment: str) -> Cell:
    return Cell(segment, n=n, numerator=abandoned, denominator=n, mature=n, persons=n)


def scores(*given: int) -> Cell:
    return Cell(
        n=len(given),
        mature=len(given),
        persons=len(given),
        scores=[Scored("", Fraction(each), True, 1) for each in given],
    )


def test_where_lower_is_better_a_value_below_the_target_meets_it() -> None:
    given = answer("cart_abandonment_rate", carts(60, 100), value=0.65)["target"]
    assert given == {"value": 0.65, "distance": pytest.approx(0.05), "met": True, "interval_excludes": False}
    missed = answer("cart_abandonment_rate", carts(60, 100), value=0.45)["target"]
    assert (missed["met"], missed["interval_excludes"]) == (False, True)
    assert missed["distance"] == pytest.approx(-0.15)


def test_where_higher_is_better_it_is_the_other_way_round_and_the_target_itself_is_met() -> None:
    assert answer("nps", scores(10, 10, 8, 3), value=25)["target"] == {
        "value": 25.0,
        "distance": 0.0,
        "met": True,
        "interval_excludes": False,
    }
    assert answer("nps", scores(10, 10, 8, 3), value=26)["target"]["met"] is False


def test_a_number_without_an_interval_excludes_nothing_and_an_absent_one_is_at_no_distance() -> None:
    assert answer("orders", Cell(n=4, numerator=4), value=3)["target"]["interval_excludes"] is None
    assert answer("nps", Cell(), value=3)["target"] == {
        "value": 3.0,
        "distance": None,
        "met": None,
        "interval_excludes": None,
    }


def test_a_metric_that_has_no_better_has_a_distance_and_meets_nothing() -> None:
    given = answer("visit_purpose", Cell(n=4, persons=4, classes={"buy": 1}, headline="buy"), value=0.5)["target"]
    assert (given["distance"], given["met"]) == (-0.25, None)


def test_a_target_of_a_segment_is_that_of_the_segment_and_of_a_filter_that_chooses_it() -> None:
    cells = (carts(60, 100), carts(40, 50, "mobile"), carts(20, 50, "desktop"))
    cut = answer(
        "cart_abandonment_rate", *cells, query=(("segment", "device"),), segment={"device": "mobile"}, value=0.5
    )
    assert cut["target"] is None
    told = {each["segment"]["device"]: each["target"] for each in cut["segments"]}
    assert told["desktop"] is None
    assert told["mobile"]["met"] is False
    for query, has_one in (
        ("device:eq:mobile", True),
        ("device:in:mobile", True),
        ("device:in:mobile,tablet", False),
        ("device:ne:desktop", False),
        ("country:eq:DE", False),
    ):
        filtered = answer(
            "cart_abandonment_rate", cells[1], query=(("filter", query),), segment={"device": "mobile"}, value=0.5
        )
        assert (filtered["target"] is not None) == has_one, query
    assert (
        answer("cart_abandonment_rate", cells[1], query=(("filter", "device:eq:mobile"),), value=0.5)["target"] is None
    )


def test_a_target_is_of_one_definition_and_one_statistic() -> None:
    mean = (("definition", "mean"),)
    assert answer("csat", scores(4, 5), query=mean, value=0.8)["target"] is None
    assert answer("csat", scores(4, 5), query=mean, value=4.2, definition="mean")["target"]["met"] is True
    closed = Cell(n=2, mature=2, numerator=10_000, durations=[4_000, 6_000], events=Counter([4_000, 6_000]))
    assert answer("first_response_time", closed, value=5)["target"]["met"] is True
    assert answer("first_response_time", closed, query=(("statistic", "p90"),), value=5)["target"] is None
    p90 = answer("first_response_time", closed, query=(("statistic", "p90"),), value=5, statistic="p90")["target"]
    assert (p90["met"], p90["distance"]) == (False, pytest.approx(-0.8))


@pytest.mark.parametrize(
    ("given", "name", "low", "high"),
    [
        ((3, 8), None, None, None),
        ((9, 3), None, None, None),
        ((9, 8), "good", 0, 50),
        ((9, 9, 8), "excellent", 50, None),
    ],
)
def test_a_score_has_the_best_band_that_it_reaches_with_its_source(
    given: tuple[int, ...], name: str | None, low: float | None, high: float | None
) -> None:
    band = answer("nps", scores(*given))["band"]
    assert (band and band["name"], band and band["low"], band and band["high"]) == (name, low, high)
    assert band is None or "industry" in band["source"]


def test_a_band_of_a_rate_that_should_be_low_lies_below_and_is_of_the_default_definition_only() -> None:
    better = answer("cart_abandonment_rate", carts(69, 100))["band"]
    assert (better["low"], better["high"]) == (None, 0.7019)
    assert "Baymard" in better["source"]
    assert answer("cart_abandonment_rate", carts(71, 100))["band"] is None
    assert answer("csat", scores(5, 5), query=(("definition", "mean"),))["band"] is None


def test_a_band_of_one_scale_says_nothing_of_another() -> None:
    assert answer("ces", scores(6, 7))["band"]["name"] == "good"
    assert answer("ces", scores(6, 7), query=(("scale", "1-10"),))["band"] is None
