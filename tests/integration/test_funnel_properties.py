"""What holds of every funnel, on a random stream over HTTP.

A usual run takes some windows and steps, and of each odd query one combination, drawn by its seed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.store import ClickHouseStore
from schemas.metrics.funnels import FUNNELS
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, feed, filled, reader
from tests.reference.stream import stream
from tests.rotation import draw, full, some

pytestmark = pytest.mark.engine
together = pytest.mark.asyncio(loop_scope="module")
"""A test that reads the one stream of this file, which is stored once."""
AFTER = {"at": "2026-12-20T00:00:00Z", "from": "2026-09-01", "to": "2026-12-01"}
STEPS = "product_viewed,product_added,product_removed,product_viewed"
WINDOWS = ("PT0S", "PT1M", "PT1H", "P1D", "P14D", "P30D")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(engine_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may read the stream."""
    async with (
        filled(engine_dsn, stream(3, 1500, GrowthJourneys)) as store,
        reader(store, tmp_path_factory.mktemp("funnels")) as client,
    ):
        yield client


async def people(http: httpx.AsyncClient, **query: str) -> list[int]:
    body = json.loads(await ask(http, "funnels", {**AFTER, "steps": STEPS, **query}))
    return [step["people"] for step in body["steps"]]


@together
@pytest.mark.parametrize("query", [{}, {"order": "strict"}, {"order": "unordered"}, {"counting": "attempts"}], ids=str)
async def test_levels_fall_with_the_step_and_rise_with_the_window(http: httpx.AsyncClient, query: Any) -> None:
    windows = [WINDOWS[0], *some(WINDOWS[1:-1], 1, f"windows of funnels {query}"), WINDOWS[-1]]
    levels = [await people(http, within=within, **query) for within in windows]
    assert all(found == sorted(found, reverse=True) for found in levels)
    assert all(narrow <= wide for one, other in pairwise(levels) for narrow, wide in zip(one, other, strict=True))
    assert len({found[0] for found in levels}) == 1
    assert levels[0] < levels[-1]


@together
async def test_what_is_stricter_reaches_less(http: httpx.AsyncClient) -> None:
    ordered = await people(http)
    looser = await people(http, order="unordered")
    assert all(one <= other for one, other in zip(ordered, looser, strict=True))
    for query in ({"order": "strict"}, {"strict_increase": "true"}, {"exclude": "page_viewed"}, {"hold": "product_id"}):
        stricter = await people(http, **query)
        assert all(one <= other for one, other in zip(stricter, ordered, strict=True))
        assert stricter[0] == ordered[0]


@together
async def test_segments_add_up_to_the_total(http: httpx.AsyncClient) -> None:
    body = json.loads(await ask(http, "funnels", {**AFTER, "steps": STEPS, "segment": "country,trait.plan"}))
    for number, step in enumerate(body["steps"]):
        assert sum(segment["steps"][number]["people"] for segment in body["segments"]) == step["people"]


@together
async def test_the_people_behind_are_as_many_as_counted_and_each_of_one_outcome(http: httpx.AsyncClient) -> None:
    for query in ({"steps": STEPS}, {"steps": STEPS, "counting": "session"}, {}):
        asked = {**AFTER, **query}
        body = json.loads(await ask(http, "funnels", asked))
        before: set[str] | None = None
        pairs = some([*pairwise(enumerate(body["steps"], 1))], 1, f"steps of funnels {query}")
        for number, step in sorted({number: step for pair in pairs for number, step in pair}.items()):
            found: dict[str, set[str]] = {}
            for outcome in ("reached", "dropped"):
                page = (
                    await http.get(
                        "/v1/funnels/people",
                        params={**asked, "step": str(number), "outcome": outcome, "limit": "1000"},
                    )
                ).json()
                found[outcome] = {row["id"] for row in page["rows"]}
                assert page["total"] == len(page["rows"]) == len(found[outcome])
                assert all(row["message_ids"] and len(row["event_ids"]) == row["level"] for row in page["rows"])
            assert len(found["reached"]) == step["people"]
            assert not found["reached"] & found["dropped"]
            if before is not None:
                assert found["reached"] | found["dropped"] == before
            before = found["reached"]
        left_out = await http.get("/v1/funnels/people", params={**asked, "outcome": "excluded"})
        assert left_out.json()["total"] == sum(body["excluded"].values())


@together
async def test_cart_conversion_is_that_to_the_checkout_times_that_from_it(http: httpx.AsyncClient) -> None:
    query = {**AFTER, "horizon": "P2D"}
    cart, first, second = [
        json.loads(await ask(http, "conversion_rate", {**query, "definition": name}))
        for name in ("cart", "cart_to_checkout", "checkout_to_order")
    ]
    assert first["numerator"] == second["denominator"]
    assert cart["value"] == pytest.approx(first["value"] * second["value"], abs=1e-12)


async def test_undoing_a_merge_gives_back_the_funnel_before_it(store: ClickHouseStore, tmp_path: Path) -> None:
    def event(message: str, name: str, time: str, **who: str) -> dict[str, Any]:
        return {"messageId": message, "event": name, "timestamp": f"2026-10-{time}Z", **who}

    one = [event("v", "product_viewed", "05T10:00:00", anonymousId="a1")]
    other = [event("p", "product_added", "05T10:05:00", userId="u1")]
    merged = event("i", "identify", "06T00:00:00", userId="u1", anonymousId="a1")
    parted = event("n", "unalias", "07T00:00:00", userId="u1", anonymousId="a1")
    await feed(store, [{"received_at": "2026-10-08T00:00:00Z", "events": [*one, *other, merged, parted]}])
    query = {"steps": "product_viewed,product_added", "from": "2026-10-05", "to": "2026-10-06"}
    async with reader(store, tmp_path) as client:
        before, between, after = [
            json.loads(await ask(client, "funnels", {**query, "at": f"2026-10-{at}Z"}))["steps"]
            for at in ("06T00:00:00", "06T12:00:00", "07T12:00:00")
        ]
    assert [[step["people"] for step in steps] for steps in (before, between, after)] == [[1, 0], [1, 1], [1, 0]]


async def test_the_example_of_the_declaration_is_true(store: ClickHouseStore, tmp_path: Path) -> None:
    example = FUNNELS.example
    assert example is not None
    await feed(store, [{"received_at": "2026-11-19T00:00:00Z", "events": list(example.events)}])
    async with reader(store, tmp_path) as client:
        body = json.loads(await ask(client, "funnels", example.query))
    assert body["n"] == example.expected["n"]
    for given, expected in zip(body["steps"], example.expected["steps"], strict=True):
        assert expected.items() <= given.items()


ODD: list[dict[str, Any]] = [
    {"at": "1970-01-01T00:00:00Z", "window": "P3660D"},
    {"at": "2199-12-31T23:59:59.999Z", "window": "P3660D"},
    {"at": "2200-01-01", "tz": "Pacific/Apia"},
    {"filter": "country:nin:DE,'; DROP TABLE events; --"},
    {"filter": "trait.{x:String}:eq:", "segment": "trait.a' OR 1=1,country"},
    {"within": "P3660D"},
]
OWN: list[dict[str, Any]] = [
    {},
    {"entry": "any"},
    {"steps": "a"},
    {"steps": "a", "order": "unordered"},
    {"steps": ",".join(["a", "b"] * 10), "step_filter": ["1:x'{y}:eq:'", "2:z:in:1,2"]},
    {"steps": "a,b", "order": "strict", "hold": "k'", "counting": "attempts"},
]


@together
async def test_nothing_that_can_be_asked_breaks_the_engine(http: httpx.AsyncClient) -> None:
    for query, own in product(ODD, OWN) if full() else zip(ODD, draw("odd funnels").sample(OWN, len(OWN)), strict=True):
        for path in ("/v1/funnels", "/v1/funnels/people"):
            response = await http.get(path, params={**query, **own})
            assert response.status_code == 200, (path, query, own, response.text)
