"""What `/series` promises over HTTP: its shape, its limits, and what is left empty."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from query_api.question import Cell
from schemas.metrics import METRICS
from tests.contracts.test_http_query import READ, Numbers, built, document, http, is_problem, served

__all__ = ["document", "http", "served"]
WEEK = {"from": "2026-11-16", "to": "2026-11-23"}


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def app(numbers: Numbers, tmp_path: Path) -> FastAPI:
    """One for each test: it makes series wait for each other, within one event loop."""
    return built(numbers, tmp_path)


async def ask(http: httpx.AsyncClient, metric: str = "event_count", **query: str) -> dict[str, Any]:
    response = await http.get(f"/v1/metrics/{metric}/series", params=query, headers=READ)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_every_metric_has_a_series_as_documented(http: httpx.AsyncClient, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    required, known = set(schemas["SeriesAnswer"]["required"]), set(schemas["SeriesAnswer"]["properties"])
    for name, metric in METRICS.items():
        operation = document["paths"][f"/v1/metrics/{name}/series"]["get"]
        told = {parameter["name"] for parameter in operation["parameters"]}
        assert {"step", *(own.name for own in metric.parameters)} <= told, name
        given = await ask(http, name, step="P1D", **WEEK)
        assert required <= set(given) <= known, name
        assert len(given["points"]) == 7, name
        assert all(set(point) == set(schemas["Point"]["properties"]) for point in given["points"]), name


async def test_points_part_the_window_and_say_which_of_them_are_cut_short(http: httpx.AsyncClient) -> None:
    given = await ask(http, step="P1D", window="P2D", at="2026-11-20T12:00:00Z")
    points = given["points"]
    assert [point["partial"] for point in points] == [True, False, True]
    assert (points[0]["start"], points[-1]["end"]) == (given["window"]["start"], given["window"]["end"])
    assert all(one["end"] == other["start"] for one, other in pairwise(points))


async def test_what_has_not_begun_is_null_and_what_is_not_over_is_provisional(
    http: httpx.AsyncClient, numbers: Numbers
) -> None:
    numbers.cells = [Cell()]
    given = await ask(http, step="P1D", at="2026-11-18T12:00:00Z", **WEEK)
    assert [point["value"] for point in given["points"]] == [0, 0, 0, None, None, None, None]
    assert [point["partial"] for point in given["points"]] == [False, False, True, True, True, True, True]
    assert given["points"][2]["status"] == "provisional"
    for point in given["points"][3:]:
        told = {name for name, value in point.items() if value is not None}
        assert told == {"start", "end", "status", "partial"}
    ratio = await ask(http, "cart_abandonment_rate", step="P1D", at="2026-11-18T12:00:00Z", **WEEK)
    assert [point["value"] for point in ratio["points"]] == [None] * 7
    assert [point["n"] for point in ratio["points"]] == [0, 0, 0, None, None, None, None]


async def test_weeks_and_days_are_those_of_the_tenant_or_of_the_zone_asked_for(http: httpx.AsyncClient) -> None:
    own = await ask(http, step="P1D", **{"from": "2026-10-24", "to": "2026-10-27"})
    assert [point["end"] for point in own["points"]] == [
        "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z",
    ]  # fmt: skip
    other = await ask(http, step="P1W", tz="America/New_York", **{"from": "2026-11-02", "to": "2026-11-16"})
    assert [point["start"] for point in other["points"]] == ["2026-11-02T05:00:00Z", "2026-11-09T05:00:00Z"]


async def test_each_segment_has_points_of_its_own_and_none_where_it_has_no_units(
    http: httpx.AsyncClient, numbers: Numbers
) -> None:
    numbers.cells = [Cell(n=3, numerator=3), Cell(segment=("web",), n=3, numerator=3)]
    given = await ask(http, step="P1D", segment="channel", **WEEK)
    (segment,) = given["segments"]
    assert [point["value"] for point in segment["points"]] == [3, 3, 3, 3, 3, 3, 3]
    assert set(segment["points"][0]) == set(given["points"][0])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"step": "PT2H"}, "invalid_parameter"),
        ({"step": ""}, "invalid_parameter"),
        ({"step": "PT1H", "from": "2026-01-01", "to": "2026-03-05"}, "too_many_points"),
        ({"step": "PT1H", "window": "P30D", "segment": "channel"}, "too_many_points"),
        ({"step": "P1D", "nonsense": "1"}, "unknown_parameter"),
        ({"step": "P1D", "segment": "nonsense"}, "unknown_segment"),
    ],
)
async def test_what_cannot_be_drawn_is_refused(
    http: httpx.AsyncClient, numbers: Numbers, query: dict[str, str], code: str
) -> None:
    is_problem(await http.get("/v1/metrics/event_count/series", params=query, headers=READ), code)
    assert not numbers.asked


async def test_1500_points_are_served(http: httpx.AsyncClient) -> None:
    given = await ask(http, step="PT1H", tz="UTC", **{"from": "2026-01-01", "to": "2026-03-04T12:00:00Z"})
    assert len(given["points"]) == 1500


async def test_a_step_given_twice_is_refused(http: httpx.AsyncClient) -> None:
    is_problem(await http.get("/v1/metrics/orders/series?step=P1D&step=P1D", headers=READ), "invalid_parameter")


async def test_an_unknown_metric_has_no_series(http: httpx.AsyncClient) -> None:
    is_problem(await http.get("/v1/metrics/nonsense/series", headers=READ), "unknown_metric")
