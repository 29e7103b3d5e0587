"""The contract of a number, rule by rule (docs/definitions.md#maturity, #small-numbers)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from query_api.answer import body
from query_api.parameters import parse
from query_api.question import Cell
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.remarks import EXCLUDED, WARNINGS
from schemas.tenants import Tenant

DEMO = Tenant(id="demo", timezone="Europe/Berlin", currency="EUR")
WATERMARK = parse_instant("2026-11-22T10:00:03.120Z", "UTC")
DAY = (("from", "2026-11-18"), ("to", "2026-11-19"), ("at", "2026-11-20T12:00:00Z"))
HOUR = 3_600_000


def answer(
    metric: str,
    *cells: Cell,
    query: tuple[tuple[str, str], ...] = DAY,
    before: Cell | None = None,
    watermark: int = WATERMARK,
    k_anon: int = 0,
) -> dict[str, Any]:
    request = parse(METRICS[metric], query, DEMO, watermark)
    return body(request, cells, [before] if before else None, watermark, k_anon)


def rate(successes: int, n: int, mature: int | None = None, **more: Any) -> Cell:
    return Cell(numerator=successes, denominator=n, n=n, mature=n if mature is None else mature, persons=n, **more)


def test_a_mature_rate_is_its_quotient_with_wilson_limits() -> None:
    given = answer("cart_abandonment_rate", rate(897, 1284, excluded={"cartless_orders": 31, "bot": 12}))
    assert given["value"] == 897 / 1284
    assert given["interval"]["low"] == pytest.approx(0.672937, abs=5e-7)
    assert given["interval"]["high"] == pytest.approx(0.723074, abs=5e-7)
    assert (given["basis"], given["status"], given["maturity"]) == ("mature", "mature", 1.0)
    assert given["window"] == {"start": "2026-11-17T23:00:00Z", "end": "2026-11-18T23:00:00Z", "tz": "Europe/Berlin"}
    assert given["final_at"] == "2026-11-22T23:00:00Z"
    assert given["excluded"] == {"bot": 12, "cartless_orders": 31}
    assert given["observed"] == {"numerator": 897, "denominator": 1284, "value": 897 / 1284}
    assert (given["estimate"], given["statistics"], given["comparison"]) == (None, None, None)


def test_every_field_of_the_contract_is_always_there() -> None:
    fields = set(answer("cart_abandonment_rate", rate(1, 2)))
    for name in METRICS:
        given = set(answer(name, Cell()))
        assert given - {"currency", "by_currency"} == fields, name


def test_only_watermark_and_status_change_with_time() -> None:
    early = answer("cart_abandonment_rate", rate(5, 9))
    late = answer("cart_abandonment_rate", rate(5, 9), watermark=WATERMARK + 30 * 24 * HOUR)
    assert {key for key in early if early[key] != late[key]} == {"watermark", "status"}
    assert (early["status"], late["status"]) == ("mature", "final")


def test_an_immature_rate_is_the_kaplan_meier_estimate() -> None:
    cell = rate(7, 10, mature=4, events=Counter([HOUR, HOUR, 2 * HOUR]), censored=Counter([HOUR] * 3 + [24 * HOUR] * 4))
    given = answer("cart_abandonment_rate", cell)
    assert given["value"] == pytest.approx(0.8 * 4 / 5)
    assert (given["basis"], given["status"], given["maturity"]) == ("estimate", "provisional", 0.4)
    assert (given["numerator"], given["denominator"]) == (7, 10)
    assert given["observed"]["value"] == 0.7
    assert given["estimate"]["value"] == given["value"]
    assert given["estimate"]["reached"] is True
    assert given["interval"]["method"] == "kaplan_meier"


def test_a_rate_of_outcomes_is_the_complement() -> None:
    cell = rate(1, 4, mature=1, events=Counter([HOUR]), censored=Counter([2 * HOUR] * 3))
    given = answer("reopen_rate", cell)
    assert given["value"] == 0.25
    assert given["interval"]["low"] < 0.25 < given["interval"]["high"]


def test_an_estimate_that_no_unit_of_that_age_backs_says_so() -> None:
    given = answer("cart_abandonment_rate", rate(3, 3, mature=0, censored=Counter([HOUR] * 3)))
    assert given["estimate"]["reached"] is False
    assert "horizon_not_reached" in given["warnings"]
    assert given["interval"] == {"low": None, "high": None, "method": "kaplan_meier", "confidence": 0.95}


def test_nothing_is_null_for_rates_and_0_for_counts_and_money() -> None:
    given = answer("cart_abandonment_rate", rate(0, 0))
    assert (given["value"], given["interval"], given["estimate"]) == (None, None, None)
    assert (given["maturity"], given["status"]) == (1.0, "mature")
    assert answer("orders", Cell())["value"] == 0
    assert answer("revenue", Cell())["value"] == 0
    assert answer("resolution_time", Cell())["value"] is None
    assert answer("stickiness", Cell(denominator=0))["value"] is None


def test_nothing_in_a_young_window_is_not_mature() -> None:
    given = answer("cart_abandonment_rate", rate(0, 0), query=(*DAY[:2], ("at", "2026-11-19T12:00:00Z")))
    assert (given["maturity"], given["status"]) == (0.0, "provisional")


def test_a_window_that_is_still_open_is_provisional_whatever_the_maturity() -> None:
    given = answer("orders", Cell(n=3, numerator=3), query=(*DAY[:2], ("at", "2026-11-18T12:00:00Z")))
    assert (given["status"], given["maturity"], given["warnings"]) == ("provisional", 1.0, ["open_window"])


def test_at_may_lie_beyond_the_watermark() -> None:
    given = answer("orders", Cell(), query=(("at", "2027-01-01T00:00:00Z"),))
    assert given["warnings"] == ["ahead_of_watermark"]


def test_small_sparse_imprecise_and_clustered_rates_say_so() -> None:
    cell = Cell(numerator=2, denominator=9, n=9, mature=9, persons=8)
    assert answer("cart_abandonment_rate", cell)["warnings"] == ["clustered", "imprecise", "small_n", "sparse"]
    assert answer("cart_abandonment_rate", rate(400, 1000))["warnings"] == []


def test_money_is_in_units_of_its_currency() -> None:
    cell = Cell(n=2, numerator=4501, by_currency={"JPY": (500, 1), "KWD": (1500, 2)})
    given = answer("revenue", cell)
    assert (given["value"], given["numerator"], given["denominator"], given["currency"]) == (45.01, 45.01, None, "EUR")
    assert given["by_currency"] == [
        {"currency": "JPY", "value": 500.0, "n": 1},
        {"currency": "KWD", "value": 1.5, "n": 2},
    ]


def test_stickiness_is_a_quotient_without_limits() -> None:
    given = answer("stickiness", Cell(n=4, numerator=5, denominator=112))
    assert (given["value"], given["interval"]) == (5 / 112, None)


def test_a_state_says_when_its_last_day_is_not_over() -> None:
    assert answer("dau", Cell(n=1, numerator=1))["warnings"] == []
    open_day = answer("dau", Cell(n=1, numerator=1), query=(("at", "2026-11-20T12:00:00Z"),))
    assert (open_day["warnings"], open_day["maturity"], open_day["status"]) == (["partial_day"], 1.0, "mature")
    assert open_day["window"]["end"] == "2026-11-20T12:00:00Z"


SOLVED = Cell(
    n=4,
    numerator=10_000,
    denominator=4,
    durations=[1000, 2000, 3000, 4000],
    events=Counter([1000, 2000]),
    censored=Counter([5000] * 2),
)


def test_a_duration_fills_all_statistics() -> None:
    given = answer("resolution_time", SOLVED)
    assert (given["value"], given["numerator"], given["denominator"], given["n"]) == (2.5, 10.0, 4, 4)
    assert given["interval"]["method"] == "t"
    assert given["statistics"] == {
        "mean": 2.5,
        "median": 2.5,
        "p90": pytest.approx(3.7),
        "km_median": 2.0,
        "n": 4,
        "open": 2,
        "low": 1.0,
        "high": None,
        "of": "km_median",
        "sla_share": None,
    }
    assert (given["maturity"], given["final_at"]) == (1.0, None)


def test_a_chosen_statistic_becomes_the_value() -> None:
    given = answer("resolution_time", SOLVED, query=(*DAY, ("statistic", "median")))
    assert (given["value"], given["numerator"], given["parameters"]["statistic"]) == (2.5, None, "median")
    assert given["interval"] is None
    given = answer("resolution_time", SOLVED, query=(*DAY, ("statistic", "km_median")))
    assert (given["value"], given["basis"]) == (2.0, "estimate")


def test_the_median_of_a_young_cohort_counts_those_still_open() -> None:
    cell = Cell(
        n=4,
        numerator=3000,
        mature=2,
        durations=[1000, 2000],
        events=Counter([1000, 2000]),
        censored=Counter([9000] * 2),
    )
    given = answer("first_response_time", cell)
    assert (given["value"], given["basis"], given["maturity"]) == (2.0, "estimate", 0.5)
    assert given["observed"]["value"] == 1.5
    mean = answer("first_response_time", cell, query=(*DAY, ("statistic", "mean")))
    assert (mean["value"], mean["basis"], mean["estimate"]) == (1.5, "observed", None)
    assert "immature" in mean["warnings"]


def test_no_resolution_yet_is_nothing_rather_than_immature() -> None:
    query = (*DAY[:2], ("at", "2026-11-18T12:00:00Z"), ("statistic", "median"))
    given = answer("resolution_time", Cell(censored=Counter([HOUR])), query=query)
    assert (given["value"], given["basis"], given["estimate"]) == (None, "observed", None)
    assert given["warnings"] == ["not_reached", "open_window", "small_n"]


def test_a_median_that_is_not_reached_is_null_with_a_warning() -> None:
    cell = Cell(n=4, numerator=1000, mature=1, durations=[1000], events=Counter([1000]), censored=Counter([9000] * 3))
    given = answer("first_response_time", cell)
    assert given["value"] is None
    assert "not_reached" in given["warnings"]


def test_the_share_within_an_sla_counts_those_still_waiting() -> None:
    cell = Cell(
        n=4, numerator=1000, mature=1, durations=[1000], events=Counter([1000]), censored=Counter([500, 9000, 9000])
    )
    given = answer("first_response_time", cell, query=(*DAY, ("sla", "PT5S")))
    assert given["statistics"]["sla_share"] == pytest.approx(1 / 3)


def test_segments_come_by_n_then_name_and_the_rest_is_counted() -> None:
    cells = [Cell(segment=(name,), n=n, numerator=n) for name, n in (("b", 2), (None, 2), ("a", 2), ("z", 7))]
    given = answer("orders", Cell(n=13, numerator=13), *cells, query=(*DAY, ("segment", "device"), ("limit", "3")))
    assert [each["segment"]["device"] for each in given["segments"]] == ["z", None, "a"]
    assert given["segments_left_out"] == 1


def test_people_in_several_segments_overlap_except_by_their_own_trait() -> None:
    by_country = answer("dau", Cell(), query=(*DAY, ("segment", "country")))
    assert by_country["warnings"] == ["overlapping_segments"]
    assert answer("dau", Cell(), query=(*DAY, ("segment", "trait.plan")))["warnings"] == []


def test_a_hidden_segment_takes_a_second_one_with_it() -> None:
    cells = [Cell(segment=(name,), n=n, numerator=n) for name, n in (("a", 9), ("b", 7), ("c", 2))]
    given = answer("orders", Cell(n=18, numerator=18), *cells, query=(*DAY, ("segment", "device")), k_anon=5)
    shown = [(each["segment"]["device"], each["value"], each["n"], each["warnings"]) for each in given["segments"]]
    assert shown == [("a", 9, 9, []), ("b", None, None, ["suppressed"]), ("c", None, None, ["suppressed"])]
    assert given["value"] == 18


def test_filters_cannot_reach_below_what_the_tenant_shows() -> None:
    query = (*DAY, ("filter", "country:eq:DE"))
    cell = Cell(n=2, numerator=2, excluded={"bot": 1})
    given = answer("orders", cell, query=query, k_anon=5)
    assert (given["value"], given["n"], given["excluded"], given["observed"]["value"]) == (None, None, {}, None)
    assert given["warnings"] == ["suppressed"]
    assert answer("orders", cell, query=query)["value"] == 2


def test_two_rates_are_compared_by_newcombe() -> None:
    given = answer("cart_abandonment_rate", rate(56, 70), query=(*DAY, ("compare", "previous")), before=rate(48, 80))
    compared = given["comparison"]
    assert compared["value"] == 0.6
    assert compared["difference"] == pytest.approx(0.2)
    assert compared["low"] == pytest.approx(0.0524, abs=5e-5)
    assert compared["high"] == pytest.approx(0.3339, abs=5e-5)
    assert (compared["method"], compared["significant"]) == ("newcombe", True)
    assert compared["window"] == {"start": "2026-11-16T23:00:00Z", "end": "2026-11-17T23:00:00Z"}


def test_counts_are_compared_without_limits() -> None:
    given = answer(
        "orders", Cell(n=5, numerator=5), query=(*DAY, ("compare", "previous")), before=Cell(n=3, numerator=3)
    )
    assert (given["comparison"]["difference"], given["comparison"]["low"]) == (2, None)
    assert given["comparison"]["significant"] is None


def test_an_estimate_is_compared_by_mover() -> None:
    young = rate(3, 4, mature=2, events=Counter([HOUR]), censored=Counter([HOUR] + [24 * HOUR] * 2))
    given = answer("cart_abandonment_rate", young, query=(*DAY, ("compare", "previous")), before=rate(48, 80))
    assert given["comparison"]["method"] == "mover"


def test_an_average_of_money_is_divided_once_and_shows_others_beside_it() -> None:
    cell = Cell(n=3, numerator=1000, denominator=3, values={250: 2, 500: 1}, other_values={"JPY": {7: 1, 8: 1}})
    given = answer("average_order_value", cell)
    assert given["value"] == 1000 / 300
    assert (given["numerator"], given["denominator"], given["n"]) == (10.0, 3, 3)
    assert given["by_currency"] == [{"currency": "JPY", "value": 7.5, "n": 2}]
    assert given["interval"]["method"] == "t"
    assert given["warnings"] == ["small_n"]
    middle = answer("average_order_value", cell, query=(*DAY, ("statistic", "median")))
    assert (middle["value"], middle["numerator"], middle["denominator"]) == (2.5, None, None)


def test_remarks_come_from_closed_lists() -> None:
    for metric in METRICS.values():
        assert set(metric.excluded) <= set(EXCLUDED), metric.name
    assert list(WARNINGS) == sorted(WARNINGS)


MONTH_MS = 2_630_016_000


def test_a_pace_is_ends_per_month_with_garwoods_limits_and_its_yearly_share() -> None:
    cell = Cell(n=11, numerator=4, denominator=8 * MONTH_MS, mature=9)
    given = answer("churn_rate", cell, query=(("window", "P30D"), ("at", "2026-11-20T12:00:00Z")))
    assert given["definition"] == "exposure"
    assert (given["value"], given["numerator"], given["denominator"], given["n"]) == (0.5, 4, 8.0, 11)
    assert given["interval"]["low"] == pytest.approx(1.089865 / 8, abs=1e-6)
    assert given["interval"]["high"] == pytest.approx(10.241589 / 8, abs=1e-6)
    assert given["details"]["monthly"] == pytest.approx(0.3934693, abs=1e-7)
    assert given["details"]["annualised"] == pytest.approx(0.9975212, abs=1e-7)
    assert (given["maturity"], given["basis"]) == (9 / 11, "observed")
    assert given["warnings"] == ["immature", "small_n"]


def test_without_exposure_there_is_no_pace() -> None:
    given = answer("churn_rate", Cell(), query=(("window", "P30D"), ("at", "2026-11-20T12:00:00Z")))
    assert (given["value"], given["interval"], given["maturity"]) == (None, None, 1.0)
    assert given["details"] == {"monthly": None, "annualised": None}


def test_revenue_by_the_year_is_shown_by_the_month_in_units_of_its_currency() -> None:
    for currency, minor in (("EUR", 100), ("JPY", 1), ("KWD", 1000)):
        cell = Cell(n=8, numerator=75 * 12 * minor, denominator=215 * 12 * minor, mature=8)
        given = answer("churn_rate", cell, query=(*DAY, ("definition", "revenue_gross"), ("currency", currency)))
        assert (given["value"], given["numerator"], given["denominator"]) == (75 / 215, 75.0, 215.0)
        assert (given["currency"], given["interval"]) == (currency, None)


def test_members_whose_period_is_open_count_for_the_maturity_alone() -> None:
    query = (*DAY, ("definition", "cohort"))
    given = answer("retention_rate", Cell(n=2, numerator=1, denominator=2, mature=2, members=7), query=query)
    assert (given["value"], given["n"], given["maturity"], given["basis"]) == (0.5, 2, 2 / 7, "observed")
    nobody = answer("retention_rate", Cell(members=5), query=query)
    assert (nobody["value"], nobody["maturity"]) == (None, 0.0)
