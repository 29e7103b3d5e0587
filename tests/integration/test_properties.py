"""Laws that hold between answers, whatever happened: asked over HTTP on small random streams.

A usual run takes a metric of each shape that a law is about, drawn by its seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from schemas.metrics import METRICS
from schemas.metrics.metric import Shape
from tests.reference.experience_stream import QUESTIONS, Experiences
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import Filled, ask, feed, filled, filled_and_read, reader, shape
from tests.reference.stream import Delivery, stream
from tests.rotation import full, of_each, some

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
SEED = random.Random(20261122).randrange(10**6)
AT = "2026-12-20T00:00:00Z"
WHOLE = {"from": "2026-09-01", "to": "2026-11-12", "at": AT}
PEOPLE = (Shape.DISTINCT, Shape.STICKINESS, Shape.PER_PERSON)
PARTED = [name for name, metric in METRICS.items() if metric.shape not in PEOPLE]
"""Metrics whose units have one value of each dimension."""
ENTITIES = ("cart", "checkout", "ticket", "order", "invitation", "trial", "event", "visit")
ADDED_UP = [
    name
    for name, metric in METRICS.items()
    if metric.options.get("entity") in ENTITIES and metric.shape in (Shape.COUNT, Shape.MONEY, Shape.RATE)
]
"""Metrics whose units enter at an instant of their own, whatever the window."""
CUTS = ("channel", "country,device")
DAYS = [date(2026, 9, 1), date(2026, 9, 29), date(2026, 10, 26), date(2026, 11, 12)]


def deliveries() -> list[Delivery]:
    return [*stream(SEED, 800, GrowthJourneys), *stream(SEED + 1, 500, Experiences)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(engine_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filled]:
    """The stream is stored once; what a test adds to it breaks no law."""
    folder = tmp_path_factory.mktemp("properties")
    async with filled_and_read(engine_dsn, folder, deliveries(), QUESTIONS) as served:
        yield served


async def told(client: httpx.AsyncClient, metric: str, query: Mapping[str, str]) -> Any:
    return json.loads(await ask(client, metric, {**WHOLE, **query}))


async def test_cart_conversion_is_cart_to_checkout_times_checkout_to_order(service: Filled) -> None:
    variants: list[dict[str, str]] = [
        {},
        {"horizon": "PT1H"},
        {"horizon": "P9D", "void_window": "P2D"},
        {"filter": "country:eq:DE"},
    ]
    for query in some(variants, 2, "cart conversion"):
        asked = {**query, "segment": "device", "limit": "1000"}
        whole, first, second = [
            await told(service.client, "conversion_rate", {**asked, "definition": name})
            for name in ("cart", "cart_to_checkout", "checkout_to_order")
        ]
        assert 0 < second["numerator"] < second["denominator"] < first["denominator"]
        stages = {json.dumps(each["segment"]): each for each in second["segments"]}
        cells = [(whole, first, second)]
        for one, other in zip(whole["segments"], first["segments"], strict=True):
            assert one["segment"] == other["segment"]
            cells.append((one, other, stages.get(json.dumps(one["segment"]), {"numerator": 0, "denominator": 0})))
        for carts, reached, bought in cells:
            assert carts["denominator"] == reached["denominator"]
            assert reached["numerator"] == bought["denominator"]
            assert bought["numerator"] == carts["numerator"]
            if bought["denominator"]:
                assert carts["value"] == pytest.approx(reached["value"] * bought["value"], rel=1e-12)


async def test_one_promoter_and_one_detractor_more_leave_their_difference(service: Filled) -> None:
    draw = random.Random(SEED)
    before = await told(service.client, "nps", {"compare": "previous"})
    for number in range(3 if full() else 2):
        events = [
            {
                "messageId": f"added-{number}-{score}",
                "event": "survey_question_answered",
                "timestamp": f"2026-{draw.choice(('09', '10'))}-{draw.randrange(1, 30):02}T12:00:00Z",
                "userId": f"added-{number}-{score}",
                "properties": {"survey_id": "s1", "survey_question_id": "q1", "score": score},
            }
            for score in (draw.choice((9, 10)), draw.randrange(7))
        ]
        await feed(service.store, [{"received_at": "2026-11-20T00:00:00Z", "events": events}])
        after = await told(service.client, "nps", {"compare": "previous"})
        one, other = before["details"], after["details"]
        assert other["promoters"] - other["detractors"] == one["promoters"] - one["detractors"] == after["numerator"]
        assert (other["promoters"], other["passives"]) == (one["promoters"] + 1, one["passives"])
        assert after["n"] == before["n"] + 2
        before = after


async def test_parting_people_again_undoes_their_merge_in_every_metric(engine_dsn: str, tmp_path: Path) -> None:
    never = {"alias", "unalias"}  # the stream's own could touch the same edges
    parted = [{**each, "events": [e for e in each["events"] if e["event"] not in never]} for each in deliveries()]
    pairs = [(f"u{2 * number}", f"u{2 * number + 1}") for number in range(8)]
    always = {"mau", "purchase_frequency"}
    others = [name for name in METRICS if name not in {*always, "event_count"}]  # an alias is an event too
    counting = [*sorted(always), *some(of_each(shape, others, "merges"), 6, "shapes of merges")]

    def joining(name: str, day: int) -> Delivery:
        events = [
            {
                "messageId": f"{name}-{user}",
                "event": name,
                "timestamp": f"2026-11-{day}T00:00:00Z",
                "userId": user,
                "previousId": other,
            }
            for user, other in pairs
        ]
        return {"received_at": "2026-11-25T00:00:00Z", "events": events}

    async with (
        filled(engine_dsn, [each for each in parted if each["events"]]) as store,
        reader(store, tmp_path, QUESTIONS) as client,
    ):
        queries = {name: {**WHOLE, "segment": "trait.plan"} for name in counting}
        before = {name: await ask(client, name, query) for name, query in queries.items()}
        await feed(store, [joining("alias", 14)])
        merged = {name: await ask(client, name, query) for name, query in queries.items()}
        await feed(store, [joining("unalias", 15)])
        after = {name: await ask(client, name, query) for name, query in queries.items()}
    assert {name for name in counting if merged[name] != before[name]} >= always
    assert [name for name in counting if after[name] != before[name]] == []


async def test_the_counts_of_a_partition_add_up_to_the_total(service: Filled) -> None:
    wrong = []
    for name in of_each(shape, PARTED, "partitions"):
        known = [cut for cut in CUTS if set(cut.split(",")) <= set(METRICS[name].segments)]
        for cut in some(known, 1, f"partitions of {name}"):
            body = await told(service.client, name, {"segment": cut, "limit": "1000"})
            assert body["segments_left_out"] == 0
            for number in ("n", "numerator"):
                parts = [each[number] for each in body["segments"]]
                if body[number] is None or None in parts:
                    continue
                if sum(parts) != pytest.approx(body[number], rel=1e-12, abs=1e-9):
                    wrong.append((name, cut, number, body[number], sum(parts)))
    assert not wrong


async def test_the_windows_of_a_partition_of_time_add_up_to_the_whole(service: Filled) -> None:
    wrong = []
    for name in of_each(shape, ADDED_UP, "partitions of time"):
        whole = await told(service.client, name, {})
        assert whole["n"], name
        parts = [
            await told(service.client, name, {"from": str(begin), "to": str(end)}) for begin, end in pairwise(DAYS)
        ]
        for number in ("n", "numerator"):
            found = sum(each[number] for each in parts)
            if found != pytest.approx(whole[number], rel=1e-12):
                wrong.append((name, number, whole[number], found))
    assert not wrong


async def test_the_windows_are_a_partition() -> None:
    assert (str(DAYS[0]), str(DAYS[-1])) == (WHOLE["from"], WHOLE["to"])
    assert all(end - begin >= timedelta(days=1) for begin, end in pairwise(DAYS))
