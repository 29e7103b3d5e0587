"""Each point of a series is what the same question says over its window: for every metric, on random streams.

A usual run takes some metrics, and of these some lines, drawn by its seed.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.store import ClickHouseStore
from query_api.count import count, count_apart, explain
from query_api.series import Series
from query_api.service import Answers
from schemas.metrics import METRICS
from schemas.metrics.metric import DEFAULT
from schemas.tenants import Tenants
from tests.reference.copies import instant
from tests.reference.experience_stream import QUESTIONS, experience
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import TENANT, WATERMARK, ask, feed, reader
from tests.reference.stream import stream
from tests.rotation import some

pytestmark = pytest.mark.engine
SIZE = int(os.environ.get("SOJOURN_TEST_SERIES_STREAM", "1500"))
SEED = 20261101
# Days in which clocks go back, asked before all of them are known; weeks cut by country; months filtered; odd hours.
ASKED: list[dict[str, str]] = [
    {"step": "P1D", "from": "2026-10-24T07:30:00Z", "to": "2026-10-29", "at": "2026-10-27T09:30:00Z"},
    {"step": "P1W", "from": "2026-10-19", "to": "2026-11-01", "at": "2026-12-20T00:00:00Z", "segment": "country"},
    {"step": "P1M", "from": "2026-09-10", "to": "2026-11-01", "at": "2026-12-20T00:00:00Z", "filter": "country:ne:DE"},
    {"step": "PT1H", "window": "PT2H", "at": "2026-10-25T03:20:00Z", "tz": "Australia/Lord_Howe"},
]
WHOLE = {"step": "P1M", "from": "2026-08-01", "to": "2026-12-01", "at": "2026-12-20T00:00:00Z"}
NUMBERS = ("value", "numerator", "denominator", "n", "maturity")


def shown(body: dict[str, Any]) -> dict[str, Any]:
    interval = body["interval"] or {"low": None, "high": None}
    return {name: body[name] for name in NUMBERS} | {name: interval[name] for name in ("low", "high")}


@pytest.fixture
async def client(store: ClickHouseStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Who may read a store in which everything of every metric has happened."""
    for deliveries in (stream(SEED, SIZE), stream(SEED, SIZE, GrowthJourneys), experience(SEED, SIZE)):
        await feed(store, deliveries)
    async with reader(store, tmp_path, QUESTIONS) as opened:
        yield opened


async def wrong(client: httpx.AsyncClient, metric: str, query: dict[str, str]) -> list[Any]:
    """What a series says otherwise than the questions over its points' windows."""
    series = json.loads((await client.get(f"/v1/metrics/{metric}/series", params=query, timeout=300)).content)
    rest = {key: value for key, value in query.items() if key not in ("step", "from", "to", "window")}
    rest["definition"] = series["definition"]  # a length of time may have stood for another one
    found: list[Any] = []
    for place, point in enumerate(series["points"]):
        window = {"from": point["start"], "to": point["end"], "at": query["at"], "limit": "1000"}
        if point["start"] >= series["at"]:
            found += [(metric, query, point)] if point["value"] is not None or point["n"] is not None else []
            continue
        body = json.loads(await ask(client, metric, {**rest, **window}))
        expected = shown(body) | {"start": point["start"], "end": point["end"], "status": body["status"]}
        given = {key: value for key, value in point.items() if key != "partial"}
        found += [(metric, query, given, expected)] if given != expected else []
        cut = {tuple(segment["segment"].items()): shown(segment) for segment in body["segments"]}
        for segment in series["segments"]:
            own = {key: segment["points"][place][key] for key in (*NUMBERS, "low", "high")}
            known = cut.pop(tuple(segment["segment"].items()), None)
            if known is None:
                found += [(metric, query, segment["segment"], own)] if own["n"] else []
            else:
                found += [(metric, query, segment["segment"], own, known)] if own != known else []
        # A state has the segments of its end; of the answers of one person the whole window may keep another one.
        listed = not series["segments_left_out"] and METRICS[metric].by_entry
        found += [(metric, query, "a segment is missing", cut)] if cut and listed else []
    return found


async def test_every_point_equals_the_question_over_its_window(client: httpx.AsyncClient) -> None:
    metrics = some([*METRICS], 6, "series")
    found, filled = [], dict.fromkeys(metrics, 0)
    for metric in metrics:
        for query in some(ASKED, 2, f"series {metric}"):
            if "country" in query.get("segment", "") and "country" not in METRICS[metric].segments:
                continue
            found += await wrong(client, metric, query)
        series = json.loads((await client.get(f"/v1/metrics/{metric}/series", params=WHOLE)).content)
        filled[metric] = sum(bool(point["n"]) for point in series["points"])
    assert not found, "\n".join(map(str, found[:10]))
    assert min(filled.values()) > 0, f"nothing to compare: {filled}"


@pytest.mark.long
async def test_one_statement_finds_what_a_question_for_each_point_finds(store: ClickHouseStore, tmp_path: Path) -> None:
    for deliveries in (stream(SEED, SIZE), stream(SEED, SIZE, GrowthJourneys)):
        await feed(store, deliveries)
    (tmp_path / "tenants.json").write_text(json.dumps({"tenants": [TENANT]}))
    (tenant,) = Tenants(tmp_path / "tenants.json").all
    watermark = instant(WATERMARK)
    assert watermark is not None
    singly = Answers(store, lambda: watermark, count, explain)
    at_once, compared = replace(singly, count_apart=count_apart), 0
    for metric in METRICS.values():
        for definition in metric.definitions:
            defined = metric.defined(definition)
            choices: list[dict[str, str]] = [{}] if definition != DEFAULT else []
            choices += [{own.name: value} for own in defined.parameters for value in own.values if value != own.default]
            for choice in choices:
                if not defined.asked_with(choice).by_entry:
                    continue
                for query in ASKED[:2]:
                    pairs = [*query.items(), *choice.items(), ("definition", definition)]
                    found = [await Series(each).series(metric, pairs, tenant) for each in (singly, at_once)]
                    assert found[0] == found[1], (metric.name, definition, choice, query)
                    compared += any(point["n"] for point in found[0]["points"])
    assert compared > 10
