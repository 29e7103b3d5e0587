"""Every metric on the real engine, asked oddly: ends of time, all segments, filters, traits, explanations.

A usual run asks each metric one of these questions, drawn by its seed; a full one asks all.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from query_api.app import router
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.tenants import Tenants
from tests.reference.harness import filled, served
from tests.rotation import some

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
NOW = parse_instant("2026-11-22T10:00:03.120Z", "UTC")
ODD = [
    {},
    {"at": "1970-01-01T00:00:00Z", "window": "P3660D"},
    {"at": "2199-12-31T23:59:59.999Z", "window": "P3660D"},
    {"at": "2200-01-01", "tz": "Pacific/Apia", "compare": "previous"},
    {"period": "month", "tz": "Pacific/Apia", "compare": "previous"},
    {"from": "2011-12-29", "to": "2011-12-31", "tz": "Pacific/Apia"},
    {"from": "2026-12-01", "to": "2026-12-02", "compare": "previous"},
    {"filter": "country:nin:DE,'; DROP TABLE events; --"},
    {"filter": "trait.{x:String}:eq:", "segment": "trait.a' OR 1=1,country"},
    {"segment": "trait.plan"},
    {"filter": "channel:eq:"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(engine_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may read an empty store."""
    path = tmp_path_factory.mktemp("odd") / "tenants.json"
    path.write_text(json.dumps({"tenants": [{"id": "demo", "timezone": "Europe/Berlin", "read_tokens": ["rt"]}]}))
    async with filled(engine_dsn, ()) as store:
        app = served(router(store, Tenants(path), lambda: NOW))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://sojourn", headers={"authorization": "Bearer rt"}
        ) as client:
            yield client


@pytest.mark.parametrize("name", METRICS)
async def test_nothing_that_can_be_asked_breaks_the_engine(http: httpx.AsyncClient, name: str) -> None:
    metric = METRICS[name]
    asked = [*ODD, *({"segment": dimension} for dimension in metric.segments if "*" not in dimension)]
    asked += [
        {own.name: value, "definition": (own.definitions or metric.definitions)[0]}
        for own in metric.parameters
        for value in own.values
    ]
    asked += [{"statistic": each} for each in metric.statistics]
    asked += [{"definition": each, "segment": "country"} for each in metric.definitions]
    if any(own.name == "events" for own in metric.parameters):
        asked += [{"events": "signed_in,x", "min_events": "3", "days": "366"}]
    if any(own.name == "bots" for own in metric.parameters):
        asked += [{"bots": "true", "sla": "PT1H"}]
    for query in some(asked, 1, f"odd {name}"):
        for path in (f"/v1/metrics/{name}", f"/v1/metrics/{name}/explain"):
            response = await http.get(path, params=query)
            assert response.status_code == 200, (path, query, response.text)


async def test_status_counts_what_is_stored(http: httpx.AsyncClient) -> None:
    told = (await http.get("/v1/status")).json()
    assert (told["events_stored"], told["dead_letters"]) == (0, 0)
