"""Funnels on a random stream of journeys: those of the brute force, and the same bytes in any order of arrival.

The stream has steps of one instant told apart by their sequence, copies under other clocks, late events, bots, events
of nobody, merges and unmerges. `SOJOURN_TEST_GROWTH_STREAM` sets its size.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from tests.reference.agreement import counted, differences
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, feed, reader
from tests.reference.stream import Delivery, duplicated, rebatched, shuffled, stream

pytestmark = pytest.mark.engine
SIZE = int(os.environ.get("SOJOURN_TEST_GROWTH_STREAM", "5000"))
SEED = 11
STEPS = "product_viewed,product_added,order_completed"
AGAIN = "product_viewed,product_added,product_viewed,product_added,product_removed"
BROWSED = "page_viewed,products_searched,product_viewed,product_added"
ASKED: list[dict[str, Any]] = [
    {},
    {"entry": "any"},
    {"within": "P40D", "breakdown": "last"},
    *({"steps": steps, "order": order} for steps in (STEPS, AGAIN, BROWSED) for order in ("ordered", "unordered")),
    {"steps": BROWSED, "order": "strict"},
    {"steps": "product_viewed,product_viewed,product_viewed", "within": "P20D"},
    {"steps": STEPS, "within": "PT10M"},
    {"steps": AGAIN, "step_within": "PT1H"},
    {"steps": BROWSED, "exclude": "product_removed,page_viewed", "step_within": "P1D"},
    {"steps": "product_removed,product_removed", "exclude": "product_removed"},
    {"steps": AGAIN, "strict_increase": "true"},
    {"steps": BROWSED, "strict_increase": "true", "step_within": "PT10M", "exclude": "product_removed"},
    {"steps": "product_viewed,product_added", "hold": "product_id"},
    {"steps": AGAIN, "hold": "category", "strict_increase": "true", "exclude": "page_viewed"},
    {"steps": "product_viewed,product_added", "hold": "product_id", "order": "strict"},
    {"steps": AGAIN, "counting": "session"},
    {"steps": AGAIN, "counting": "attempts"},
    {"steps": BROWSED, "counting": "attempts", "hold": "category"},
    {"steps": BROWSED, "counting": "attempts", "order": "strict"},
    {"steps": STEPS, "step_filter": ["1:category:in:shoes,bags", "2:product_id:ne:p1", "1:category:ne:shoes"]},
    {
        "steps": "product_viewed,product_viewed,product_added,product_viewed", "order": "unordered", "within": "P2D",
        "step_filter": ["1:category:eq:", "2:category:nin:bags"],
    },
]  # fmt: skip
# Some units are young; everything is over, filtered and cut by a trait; rolling, cut by two.
WINDOWS: list[dict[str, Any]] = [
    {"at": "2026-10-27T09:30:00Z", "from": "2026-10-14", "to": "2026-10-28", "segment": "country"},
    {
        "at": "2026-12-20T00:00:00Z", "from": "2026-09-01", "to": "2026-12-01", "segment": "trait.plan",
        "filter": "device:ne:mobile",
    },
    {"at": "2026-10-27T09:30:00Z", "window": "P20D", "segment": "country,device", "limit": "1000"},
]  # fmt: skip
QUESTIONS = [{**window, **query} for window in WINDOWS for query in ASKED]
COMPARED = ("n", "basis", "maturity", "steps", "excluded", "segments")


async def answers(dsn: str, deliveries: list[Delivery], folder: Path, questions: list[dict[str, Any]]) -> list[bytes]:
    store = ClickHouseStore(dsn, name=f"test_{uuid.uuid4().hex}")
    await store.open()
    await migrate(store)
    await feed(store, deliveries)
    async with reader(store, folder) as client:
        found = [await ask(client, "funnels", query) for query in questions]
    await store.command(f"DROP DATABASE {store.database} SYNC")
    await store.close()
    return found


async def test_funnels_depend_on_events_alone_and_are_those_of_the_brute_force(engine_dsn: str, tmp_path: Path) -> None:
    deliveries = stream(SEED, SIZE, GrowthJourneys)
    first = await answers(engine_dsn, deliveries, tmp_path, QUESTIONS)
    reference, wrong = Reference(deliveries), []
    for query, given in zip(QUESTIONS, first, strict=True):
        body = reference.answer(understood("funnels", query, "Europe/Berlin"))
        expected = {key: body[key] for key in COMPARED}
        wrong += [(query, line) for line in differences(expected, counted(json.loads(given)))]
    assert not wrong, "\n".join(map(str, wrong))
    levels = [[step["people"] for step in json.loads(given)["steps"]] for given in first]
    assert sum(level[0] > level[1] > 0 for level in levels) > len(levels) / 2
    for order in (shuffled(deliveries, 1), duplicated(deliveries, 2), rebatched(deliveries, 3)):
        again = await answers(engine_dsn, order, tmp_path, QUESTIONS[: len(ASKED)])
        assert again == first[: len(ASKED)]
