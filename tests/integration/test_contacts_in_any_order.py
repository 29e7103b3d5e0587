"""What is said of contacts, in a random stream of them, is what the brute force finds, to the same bytes in any order.

The stream has calls, menus, chats and tickets with duplicates, disorder, late events, merges and unmerges;
SOJOURN_TEST_STREAM sets its size (100000 if unset).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.experience_stream import experience
from tests.reference.harness import answers, ask, feed, reader
from tests.reference.stream import Delivery, duplicated, rebatched, shuffled

pytestmark = pytest.mark.engine
SIZE = int(os.environ.get("SOJOURN_TEST_STREAM", "100000"))
SEED = 20261125
ORDERS: dict[str, Callable[[list[Delivery], int], list[Delivery]]] = {
    "shuffled": shuffled,
    "duplicated": duplicated,
    "re-batched": rebatched,
}
MIDDLE, AFTER = {"at": "2026-10-26T12:00:00Z"}, {"at": "2026-12-20T00:00:00Z"}
AUTUMN = {"from": "2026-10-19", "to": "2026-10-27"}
WHOLE = {"from": "2026-09-01", "to": "2026-11-12"}
FCR, CONTAINED = "first_contact_resolution_rate", "self_service_containment_rate"
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("contact_volume", {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    ("contact_volume", {**AFTER, **WHOLE, "direction": "all", "segment": "trait.plan"}),
    ("contact_volume", {**AFTER, **AUTUMN, "filter": "country:ne:DE", "segment": "agent", "tz": "Asia/Kathmandu"}),
    ("handling_time", {**MIDDLE, **AUTUMN, "segment": "agent", "compare": "previous"}),
    ("handling_time", {**AFTER, **WHOLE, "statistic": "p90", "parts": "hold,wrap", "segment": "channel"}),
    ("handling_time", {**MIDDLE, **AUTUMN, "statistic": "km_median", "filter": "channel:eq:voice"}),
    ("handling_time", {**AFTER, **AUTUMN, "statistic": "median", "parts": "talk", "segment": "trait.plan"}),
    ("transfers_per_contact", {**MIDDLE, **AUTUMN, "segment": "agent", "compare": "previous"}),
    ("transfers_per_contact", {**AFTER, **WHOLE, "ivr": "count", "consult": "count", "segment": "channel,country"}),
    ("transfers_per_contact", {**AFTER, **AUTUMN, "definition": "share", "segment": "trait.plan"}),
    (CONTAINED, {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    (CONTAINED, {**AFTER, **WHOLE, "within": "P3D", "engagement": "PT1M", "segment": "trait.plan"}),
    (CONTAINED, {**AFTER, **WHOLE, "goals": "ivr_option_selected,IVR Goal Reached", "filter": "channel:ne:chat"}),
    (CONTAINED, {**MIDDLE, **WHOLE, "definition": "naive", "segment": "country"}),
    (CONTAINED, {**AFTER, **AUTUMN, "definition": "abandonment", "compare": "previous"}),
    (CONTAINED, {**AFTER, **AUTUMN, "definition": "handoff", "segment": "device"}),
    (FCR, {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    (FCR, {**AFTER, **WHOLE, "within": "P1D", "segment": "trait.plan"}),
    (FCR, {**AFTER, **WHOLE, "scope": "channel", "filter": "country:in:DE,AT"}),
    (FCR, {**MIDDLE, **WHOLE, "declared": "agent", "segment": "agent"}),
    (FCR, {**MIDDLE, **AUTUMN, "definition": "gross", "segment": "country"}),
    (FCR, {**AFTER, **WHOLE, "definition": "net", "scope": "channel", "segment": "channel"}),
    (FCR, {**AFTER, **WHOLE, "definition": "freshservice", "segment": "device"}),
    (FCR, {**MIDDLE, **WHOLE, "definition": "zendesk"}),
    (FCR, {**AFTER, **AUTUMN, "definition": "zendesk_older", "compare": "previous"}),
    (FCR, {**MIDDLE, **WHOLE, "definition": "articles", "segment": "channel"}),
]


async def test_answers_depend_on_events_alone_and_are_those_of_the_brute_force(engine_dsn: str, tmp_path: Path) -> None:
    deliveries = experience(SEED, SIZE)
    first = await answers(engine_dsn, deliveries, tmp_path, QUESTIONS)
    reference, wrong = Reference(deliveries), []
    for (metric, query), given in zip(QUESTIONS, first, strict=True):
        expected = of_reference(reference.answer(understood(metric, query, "Europe/Berlin")))
        wrong += [(metric, query, line) for line in differences(expected, counted(json.loads(given)))]
    assert not wrong, "\n".join(map(str, wrong))
    for name, order in ORDERS.items():
        again = await answers(engine_dsn, order(deliveries, 1), tmp_path, QUESTIONS)
        changed = [asked for asked, one, other in zip(QUESTIONS, first, again, strict=True) if one != other]
        assert not changed, name


@pytest.mark.parametrize("seed", range(2))
async def test_the_four_ways_to_leave_self_service_add_up(seed: int, store: ClickHouseStore, tmp_path: Path) -> None:
    await feed(store, experience(seed, 1500))
    variations: tuple[dict[str, str], ...] = (
        {},
        {"engagement": "PT5M"},
        {"goals": "call_started"},
        {"filter": "channel:eq:chat"},
        {"at": "2026-10-26T12:00:00Z"},
    )
    async with reader(store, tmp_path) as client:
        for more in variations:
            query = {**AFTER, **WHOLE, **more}
            body = json.loads(await ask(client, CONTAINED, query))
            naive = json.loads(await ask(client, CONTAINED, {**query, "definition": "naive"}))
            details = body["details"]
            ways = {way: details[way] for way in ("completed", "abandoned", "transferred", "technical")}
            assert sum(ways.values()) == body["n"] > 0, (query, details)
            assert body["numerator"] == ways["completed"] - details["repeated"]
            assert naive["numerator"] == body["n"] - ways["transferred"]
