"""From counts to the body of a funnel: rates, limits, times and what may be shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from query_api.compile import UNBOUNDED
from query_api.funnel_answer import funnel_body, known_median
from query_api.funnel_count import FunnelCell, StepCount
from query_api.funnel_question import FunnelRequest, parse_funnel
from query_api.survival import kaplan_meier
from schemas.periods import DAY_MS, parse_instant
from schemas.tenants import Tenant

TENANT = Tenant(id="demo", timezone="UTC", currency="EUR")
AT = parse_instant("2026-11-30T00:00:00Z", "UTC")
DAY = [("steps", "a,b,c"), ("from", "2026-11-10"), ("to", "2026-11-11"), ("at", "2026-11-30T00:00:00Z")]
CELL = FunnelCell((), 10, 10, {"bot": 1}, [StepCount(10), StepCount(4, [1000, 2000, 3000, 9000], (), 6),
                                            StepCount(0, (), (), 4)])  # fmt: skip


def asked(*more: tuple[str, str]) -> FunnelRequest:
    return parse_funnel([*DAY, *more], TENANT, AT)


def body(*cells: FunnelCell, request: FunnelRequest | None = None, k_anon: int = 0) -> dict[str, Any]:
    return funnel_body(request or asked(), cells, AT, k_anon)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40).map(sorted), st.integers(0, 40))
def test_where_nobody_can_come_any_more_the_median_is_an_order_statistic(ages: list[int], others: int) -> None:
    curve = kaplan_meier(Counter(ages), Counter({UNBOUNDED: others}))
    assert known_median(ages, len(ages) + others) == curve.quantile(0.5)[0]


def test_a_step_is_measured_by_the_one_before() -> None:
    first, second, third = body(CELL)["steps"]
    assert (first["rate"], first["step_rate"], first["drop_off"], first["low"], first["high"]) == (1, 1, 0, None, None)
    assert (second["people"], second["rate"], second["step_rate"], second["drop_off"]) == (4, 0.4, 0.4, 0.6)
    assert second["low"] < 0.4 < second["high"]
    assert second["median_seconds"] is None
    assert second["converted_median_seconds"] == 2.5
    assert (third["people"], third["step_rate"], third["drop_off"]) == (0, 0.0, 1.0)


def test_an_empty_funnel_has_no_rates() -> None:
    given_body = body(FunnelCell(steps=(StepCount(),) * 3))
    assert (given_body["n"], given_body["maturity"], given_body["basis"]) == (0, 1.0, "mature")
    assert {step["rate"] for step in given_body["steps"]} == {None}
    assert given_body["interval"] is None


def test_young_units_are_estimated_and_provisional() -> None:
    young = StepCount(4, [1000, 2000, 3000, 9000], [5000, 6000], 4)
    given_body = body(replace(CELL, mature=8, steps=[StepCount(10), young, StepCount(0, (), [100], 3)]))
    assert (given_body["basis"], given_body["maturity"], given_body["status"]) == ("estimate", 0.8, "provisional")
    estimate = given_body["steps"][1]["estimate"]
    assert estimate["low"] < estimate["value"] < estimate["high"]
    assert estimate["value"] > given_body["steps"][1]["step_rate"]
    assert given_body["interval"] is None


def test_it_is_final_when_late_events_stop_to_matter() -> None:
    request = asked()
    over = request.question.end + 17 * DAY_MS
    assert funnel_body(request, [CELL], over - 1)["status"] == "mature"
    assert funnel_body(request, [CELL], over)["status"] == "final"


def test_few_people_are_hidden_where_the_tenant_says_so() -> None:
    some = [replace(CELL, segment=("DE",)), replace(CELL, segment=("AT",), n=2), replace(CELL, segment=("CH",), n=6)]
    given_body = body(CELL, *some, request=asked(("segment", "country")), k_anon=5)
    assert [segment["segment"]["country"] for segment in given_body["segments"]] == ["DE", "AT", "CH"]
    assert [segment["n"] for segment in given_body["segments"]] == [10, None, None]
    assert given_body["segments"][1]["steps"] == []
    filtered = body(CELL, request=asked(("filter", "country:eq:DE")), k_anon=11)
    assert (filtered["n"], filtered["steps"], filtered["numerator"], filtered["excluded"]) == (None, [], None, {})
    assert "suppressed" in filtered["warnings"]


def test_sessions_of_one_person_are_clustered() -> None:
    assert "clustered" in body(CELL, request=asked(("counting", "session")))["warnings"]
    assert "clustered" not in body(CELL)["warnings"]
