"""Each point of a series is what the same question says over its window: for every metric, on random streams.

A usual run takes a metric of each shape, one line of each and some of its points, drawn by its seed.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from query_api.count import count, count_apart, explain
from query_api.series import Series
from query_api.service import Answers
from schemas.metrics import METRICS
from schemas.metrics.metric import DEFAULT, Metric
from schemas.tenants import Tenants
from tests.reference.copies import instant
from tests.reference.experience_stream import QUESTIONS, experience
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import TENANT, WATERMARK, Filled, ask, filled_and_read, shape
from tests.reference.stream import stream
from tests.rotation import draw, full, of_each, some

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stored(engine_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filled]:
    """All three streams, stored once."""
    deliveries = [*stream(SEED, SIZE), *stream(SEED, SIZE, GrowthJourneys), *experience(SEED, SIZE)]
    folder = tmp_path_factory.mktemp("series")
    async with filled_and_read(engine_dsn, folder, deliveries, QUESTIONS) as served:
        yield served


async def wrong(client: httpx.AsyncClient, metric: str, query: dict[str, str]) -> list[Any]:
    """What a series says otherwise than the questions over its points' windows."""
    series = json.loads((await client.get(f"/v1/metrics/{metric}/series", params=query, timeout=300)).content)
    rest = {key: value for key, value in query.items() if key not in ("step", "from", "to", "window")}
    rest["definition"] = series["definition"]  # a length of time may have stood for another one
    found: list[Any] = []
    for place, point in some([*enumerate(series["points"])], 3, f"points {metric}"):
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


def askable(metric: str, query: dict[str, str]) -> bool:
    """Whether the metric has the dimension that the question cuts by."""
    return query.get("segment", "country") in METRICS[metric].segments


async def test_every_point_equals_the_question_over_its_window(stored: Filled) -> None:
    metrics = of_each(shape, [*METRICS], "series")
    found, filled_in = [], dict.fromkeys(metrics, 0)
    lines = cycle(draw("lines").sample(ASKED, len(ASKED)))
    for metric in metrics:
        asked = ASKED if full() else [next(lines)]
        for query in asked:
            if askable(metric, query):
                found += await wrong(stored.client, metric, query)
        series = json.loads((await stored.client.get(f"/v1/metrics/{metric}/series", params=WHOLE)).content)
        filled_in[metric] = sum(bool(point["n"]) for point in series["points"])
    assert not found, "\n".join(map(str, found[:10]))
    assert min(filled_in.values()) > 0, f"nothing to compare: {filled_in}"


def choices() -> list[tuple[Metric, str, dict[str, str]]]:
    """Metrics, definitions and choices of parameters whose units enter at an instant, beside each metric's own."""
    found: list[tuple[Metric, str, dict[str, str]]] = []
    for metric in METRICS.values():
        for definition in metric.definitions:
            defined = metric.defined(definition)
            options: list[dict[str, str]] = [{}] if definition != DEFAULT else []
            options += [{own.name: value} for own in defined.parameters for value in own.values if value != own.default]
            found += [(metric, definition, choice) for choice in options if defined.asked_with(choice).by_entry]
    return found


@pytest.mark.long
async def test_one_statement_finds_what_a_question_for_each_point_finds(stored: Filled, tmp_path: Path) -> None:
    (tmp_path / "tenants.json").write_text(json.dumps({"tenants": [TENANT]}))
    (tenant,) = Tenants(tmp_path / "tenants.json").all
    watermark = instant(WATERMARK)
    assert watermark is not None
    singly = Answers(stored.store, lambda: watermark, count, explain)
    at_once, compared = replace(singly, count_apart=count_apart), 0
    for metric, definition, choice in some(
        of_each(lambda each: each[0].name, choices(), "at once"), 5, "metrics at once"
    ):
        for query in some(ASKED[:2], 1, f"at once {metric.name}"):
            pairs = [*query.items(), *choice.items(), ("definition", definition)]
            found = [await Series(each).series(metric, pairs, tenant) for each in (singly, at_once)]
            assert found[0] == found[1], (metric.name, definition, choice, query)
            compared += any(point["n"] for point in found[0]["points"])
    assert compared > 2
