"""The judge of the growth metrics judged: its identities on a random stream, and Garwood's published limits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.reference.asking import ask
from tests.reference.brute import Reference
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.poisson import poisson_limits
from tests.reference.stream import shuffled, stream

AT = "2026-11-01T00:00:00Z"
WEEK = {"from": "2026-10-12", "to": "2026-10-19", "at": AT}
QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("conversion_rate", {}), ("conversion_rate", {"definition": "people", "goal": "signed_up"}),
    ("conversion_rate", {"definition": "checkout_to_order"}), ("sign_up_rate", {"visitors": "new"}),
    ("trial_to_paid_rate", {}), ("trial_to_paid_rate", {"attribution": "completion"}), ("referral_rate", {}),
    ("referral_rate", {"definition": "k_factor"}), ("service_to_sale_rate", {"segment": "channel"}),
    ("purchase_frequency", {"definition": "active", "same_day": "collapse"}), ("average_order_value", {}),
    ("repeat_purchase_rate", {"horizon": "P7D"}), ("retention_rate", {}), ("retention_rate", {"definition": "cohort"}),
    ("churn_rate", {}), ("churn_rate", {"definition": "exposure"}), ("churn_rate", {"definition": "revenue_net"}),
    ("churn_rate", {"definition": "non_contractual", "tau": "auto"}), ("retention", {"mode": "first_time"}),
    ("funnels", {}), ("funnels", {"steps": "page_viewed,product_viewed,order_completed", "segment": "device"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(stream(6, 4000, GrowthJourneys))


def answered(reference: Reference, metric: str, **query: Any) -> dict[str, Any]:
    return reference.answer(ask(metric, WEEK | query, "Europe/Berlin"))


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.688879), (1, 0.025318, 5.571643), (10, 4.795389, 18.390356)]
)
def test_poisson_limits_are_garwoods(count: int, low: float, high: float) -> None:
    assert list(poisson_limits(count)) == [pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6)]


def test_an_answer_does_not_depend_on_the_order_of_arrival(reference: Reference) -> None:
    other = Reference(shuffled(stream(6, 4000, GrowthJourneys), 1))
    for metric, query in QUERIES:
        assert answered(other, metric, **query) == answered(reference, metric, **query), (metric, query)


def test_every_metric_counts_something_on_the_stream(reference: Reference) -> None:
    for metric, query in QUERIES:
        body = answered(reference, metric, **query)
        assert body.get("n") or body["cohorts"], (metric, query)


def test_new_retained_and_resurrected_make_up_the_active(reference: Reference) -> None:
    early = {"from": "2026-09-14", "to": "2026-09-21"}
    body = answered(reference, "retention_rate", definition="activity", **early)
    details = body["details"]
    assert details["active"] == details["new"] + details["retained"] + details["resurrected"]
    assert details["retained"] + details["lost"] == body["denominator"]
    assert details["resurrected"] > 0
    assert details["new"] > 0


def test_the_active_of_a_week_are_its_wau(reference: Reference) -> None:
    wau = reference.answer(ask("wau", {"from": "2026-10-18", "to": "2026-10-19", "at": AT}, "Europe/Berlin"))
    week = answered(reference, "retention", period="week", periods="1")
    assert answered(reference, "retention_rate", definition="activity")["details"]["active"] == wau["value"]
    assert [row["size"] for row in week["cohorts"]] == [wau["value"]]


def test_retained_and_lost_make_up_the_start(reference: Reference) -> None:
    kept, lost = answered(reference, "retention_rate"), answered(reference, "churn_rate")
    assert kept["numerator"] + lost["numerator"] == kept["denominator"] == lost["denominator"]
    assert lost["numerator"] == kept["details"]["lost"]


@pytest.mark.parametrize("void_window", ["PT0S", "P2D"])
def test_the_conversion_of_carts_is_the_product_of_its_stages(reference: Reference, void_window: str) -> None:
    cart, first, second = (
        answered(reference, "conversion_rate", definition=name, void_window=void_window)
        for name in ("cart", "cart_to_checkout", "checkout_to_order")
    )
    assert first["numerator"] == second["denominator"]
    assert cart["numerator"] == second["numerator"]
    assert cart["value"] == pytest.approx(first["value"] * second["value"], abs=1e-12)


def test_a_funnel_falls_with_the_step_and_rises_with_the_window(reference: Reference) -> None:
    steps = "page_viewed,product_viewed,product_added,order_completed"
    levels = [
        [row["people"] for row in answered(reference, "funnels", steps=steps, within=within)["steps"]]
        for within in ("PT10M", "PT1H", "P1D", "P14D")
    ]
    assert all(found == sorted(found, reverse=True) for found in levels)
    assert all(narrow <= wide for one, other in pairwise(levels) for narrow, wide in zip(one, other, strict=True))
    assert levels[-1] > levels[0]


def test_unordered_reaches_what_ordered_does_and_strict_no_more(reference: Reference) -> None:
    steps = "product_viewed,product_added,order_completed"
    strict, ordered, unordered = (
        answered(reference, "funnels", steps=steps, order=order)["steps"]
        for order in ("strict", "ordered", "unordered")
    )
    assert all(one["people"] <= other["people"] for one, other in zip(strict, ordered, strict=True))
    assert all(one["people"] <= other["people"] for one, other in zip(ordered, unordered, strict=True))


def test_segments_of_a_cohort_add_up(reference: Reference) -> None:
    for metric in ("sign_up_rate", "trial_to_paid_rate", "service_to_sale_rate", "repeat_purchase_rate", "churn_rate"):
        body = answered(reference, metric, segment="device")
        assert sum(cell["n"] for cell in body["segments"]) == body["n"], metric
