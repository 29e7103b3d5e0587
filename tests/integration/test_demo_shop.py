"""The demo's stories can be seen in the numbers that the product computes from its events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from deploy.demo.history import History
from deploy.demo.visits import is_release
from deploy.demo.world import World
from deploy.store import ClickHouseStore
from ingest.accept import accept
from schemas.periods import parse_instant
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.reference.harness import reader

pytestmark = pytest.mark.engine
MONDAY = date(2026, 11, 30)
"""The release of the tests is out on the Tuesday and Wednesday of this week's successor."""
DAYS = [MONDAY + timedelta(days=number) for number in range(15)]
RECEIVED = parse_instant("2026-12-23T10:00:00Z", "UTC")


@pytest.fixture
async def shop(store: ClickHouseStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a shop with two weeks of history."""
    history, writes = History(World(1, ZoneInfo("Europe/Berlin"), 2000), DAYS[0]), Processor(store)
    for day in DAYS:
        events = history.dated(day)
        for start in range(0, len(events), 2000):
            body = json.dumps([event.item for event in events[start : start + 2000]]).encode()
            taken = accept(body, tenant="demo", received_at=RECEIVED, random_id=lambda: "none")
            assert not taken.rejected
            await write(writes, [taken.frame])
    async with reader(store, tmp_path) as client:
        yield client


async def ask(client: httpx.AsyncClient, metric: str, first: date, last: date, **query: str) -> Any:
    span = {"from": f"{first}", "to": f"{last + timedelta(days=1)}"}
    answer = await client.get(f"/v1/metrics/{metric}", params=span | query, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def stories(shop: httpx.AsyncClient) -> None:
    out = [day for day in DAYS if is_release(day)]
    assert len(out) == 2, "the days of this test have to hold a release"
    mobile = {"filter": "device:eq:mobile"}
    hurt = await ask(shop, "checkout_abandonment_rate", out[0], out[1], **mobile)
    usual = await ask(shop, "checkout_abandonment_rate", DAYS[0], out[0] - timedelta(days=1), **mobile)
    assert hurt["interval"]["low"] > usual["interval"]["high"]
    desktop = await ask(shop, "checkout_abandonment_rate", out[0], out[1], filter="device:eq:desktop")
    assert desktop["value"] < hurt["interval"]["low"], "the release hurts mobiles only"

    friday, monday = DAYS[4], DAYS[7]
    before, after = [
        (await shop.get("/v1/metrics/backlog", params={"at": f"{day}T{hour}:00:00+01:00"})).json()["value"]
        for day, hour in ((friday, "18"), (monday, "09"))
    ]
    assert after > 1.5 * before

    visits = await ask(shop, "conversion_rate", DAYS[0], DAYS[-1], segment="device")
    by_device = {each["segment"]["device"]: each["value"] for each in visits["segments"]}
    assert by_device["desktop"] > 1.2 * by_device["mobile"]


USUAL = {
    "cart_abandonment_rate": (0.65, 0.8),
    "conversion_rate": (0.02, 0.045),
    "csat": (0.7, 0.9),
    "nps": (20, 60),
    "survey_response_rate": (0.15, 0.45),
    "review_rating": (3.5, 4.8),
    "reopen_rate": (0.03, 0.14),
}
"""Where numbers of the demo lie that a reader would otherwise doubt."""


async def every_metric(shop: httpx.AsyncClient) -> None:
    catalogue = (await shop.get("/v1/metrics")).json()["metrics"]
    found = {name: await ask(shop, name, DAYS[0], DAYS[-1]) for name in (each["name"] for each in catalogue)}
    values = {name: found[name]["value"] for name in USUAL}
    assert {name: value for name, value in values.items() if not USUAL[name][0] <= value <= USUAL[name][1]} == {}
    silent = [name for name, body in found.items() if not body["n"]]
    unripe = {"trial_to_paid_rate", "retention_rate", "churn_rate"}
    assert set(silent) <= unripe, "its trials began within two weeks: none is over yet, and nobody pays"


async def test_the_stories_are_in_the_numbers_which_are_believable_and_all_there(shop: httpx.AsyncClient) -> None:
    await stories(shop)
    await every_metric(shop)
