"""No route tells how many, or who, the few people are that a tenant does not show (`k_anon`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.store import ClickHouseStore
from tests.reference.harness import feed, reader

pytestmark = pytest.mark.engine
COUNTRIES = {"DE": 12, "FR": 8, "AT": 2, "CH": 4}
WINDOW = {"from": "2026-11-02", "to": "2026-11-03", "at": "2026-11-10T00:00:00Z"}
SECRET = ("country:eq:AT", "country:ne:AT")
OPEN = ("country:nin:AT,CH",)
STEPS: dict[str, Any] = {"steps": "product_viewed,order_completed"}


def _events() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for country, many in COUNTRIES.items():
        for number in range(many):
            who = {"userId": f"{country}-{number}", "context": {"country": country}}
            for minute, (name, own) in enumerate(
                (
                    ("product_viewed", {"product_id": "p"}),
                    ("order_completed", {"order_id": f"{country}-{number}", "total": 10}),
                )
            ):
                time = f"2026-11-02T10:{minute:02}:00Z"
                message = f"{country}-{number}-{name}"
                events.append({**who, "event": name, "messageId": message, "timestamp": time, "properties": own})
    return events


@pytest.fixture
async def http(store: ClickHouseStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    await feed(store, [{"received_at": "2026-11-02T12:00:00Z", "events": _events()}])
    async with reader(store, tmp_path, k_anon=5) as client:
        yield client


async def get(http: httpx.AsyncClient, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
    response = await http.get(f"/v1/{path}", params={**WINDOW, **query})
    assert response.status_code == status, response.text
    told: dict[str, Any] = response.json()
    assert status == 200 or told["code"] == "suppressed"
    return told


async def test_numbers_segments_and_points(http: httpx.AsyncClient) -> None:
    for hides, texts in ((True, SECRET), (False, OPEN)):
        for text in texts:
            for metric in ("orders", "dau"):
                told = await get(http, f"metrics/{metric}", filter=text, segment="device")
                assert (told["n"] is None) is hides, (metric, text)
                assert all((each["n"] is None) is hides for each in told["segments"]), (metric, text)
            told = await get(http, "metrics/orders/series", filter=text, step="PT1H")
            assert (told["n"] is None) is hides
            assert any(point["n"] for point in told["points"]) is not hides
            told = await get(http, "values", filter=text, metrics="orders,revenue")
            assert [(each["n"] is None) for each in told["values"]] == [hides, hides]


async def test_lists_of_units_and_differences(http: httpx.AsyncClient) -> None:
    for hides, texts in ((403, SECRET), (200, OPEN)):
        for text in texts:
            await get(http, "metrics/dau/explain", hides, filter=text)
            await get(http, "metrics/orders/explain", hides, filter=text, id="AT-0")
            await get(http, "metrics/orders/compare", hides, filter=text)
            await get(http, "funnels/people", hides, filter=text, **STEPS)
    rows = (await get(http, "funnels/people", segment="country", **STEPS))["rows"]
    named = {row["person"].partition("-")[0].removeprefix("u:"): row["segment"] for row in rows}
    assert named == {"DE": {"country": "DE"}, "FR": {"country": "FR"}, "AT": {}, "CH": {}}


async def test_funnels_and_retention(http: httpx.AsyncClient) -> None:
    for hides, texts in ((True, SECRET), (False, OPEN)):
        for text in texts:
            told = await get(http, "funnels", filter=text, **STEPS)
            assert (told["n"] is None, told["numerator"] is None, not told["steps"]) == (hides, hides, hides), text
            told = await get(http, "retention", filter=text, period="day", periods="2")
            assert [each["size"] is None for each in told["cohorts"]] == [hides], text
    for value, hides in (("p", False), ("q", True)):
        told = await get(http, "funnels", **STEPS, step_filter=f"1:product_id:eq:{value}")
        assert (told["n"] is None) is hides
