"""One long stream delivered in four ways: byte for byte the same answers, and those of the brute force.

`SOJOURN_TEST_STREAM` sets the number of events (200,000 if unset).
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.harness import ask, feed, reader
from tests.reference.stream import Delivery, duplicated, rebatched, shuffled, stream

pytestmark = pytest.mark.engine
SIZE = int(os.environ.get("SOJOURN_TEST_STREAM", "200000"))
SEED = 20261025
ORDERS: dict[str, Callable[[list[Delivery]], list[Delivery]]] = {
    "in order": lambda deliveries: deliveries,
    "shuffled": lambda deliveries: shuffled(deliveries, 1),
    "duplicated": lambda deliveries: duplicated(deliveries, 2),
    "re-batched": lambda deliveries: rebatched(deliveries, 3),
}
# In the middle of the stream, so that much is open, late or yet to be undone; the last instant lies after its end.
MIDDLE, AFTER = {"at": "2026-10-26T12:00:00Z"}, {"at": "2026-12-20T00:00:00Z"}
AUTUMN = {"from": "2026-10-19", "to": "2026-10-27"}
WHOLE = {"from": "2026-09-01", "to": "2026-11-12"}
DEFINED: list[tuple[str, dict[str, str]]] = [
    ("resolution_time", {"definition": "zendesk", "statistic": "mean"}),
    ("resolution_time", {"definition": "chatwoot", "statistic": "mean"}),
    ("resolution_time", {"definition": "articles"}),
    ("first_response_time", {"definition": "zendesk", "statistic": "median"}),
    ("first_response_time", {"definition": "chatwoot", "statistic": "mean"}),
    ("reopen_rate", {"definition": "events"}),
    ("cart_abandonment_rate", {"definition": "items"}),
    ("cart_abandonment_rate", {"definition": "completion"}),
    ("cart_abandonment_rate", {"definition": "articles"}),
]
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("event_count", {**MIDDLE, **AUTUMN, "segment": "event"}),
    ("event_count", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "segment": "country,channel"}),
    ("visits", {**MIDDLE, "window": "P3D", "segment": "trait.plan"}),
    ("visits", {**AFTER, "period": "month", "tz": "Asia/Kathmandu", "filter": "device:in:mobile,tablet"}),
    ("visits", {**AFTER, **AUTUMN, "segment": "device", "compare": "previous"}),
    ("orders", {**MIDDLE, **WHOLE, "segment": "channel"}),
    ("orders", {**AFTER, **AUTUMN, "tz": "Australia/Lord_Howe", "segment": "trait.plan"}),
    ("revenue", {**MIDDLE, **AUTUMN, "segment": "country"}),
    ("revenue", {**AFTER, **WHOLE, "currency": "USD"}),
    ("cart_abandonment_rate", {**MIDDLE, "period": "day", "segment": "device", "compare": "previous"}),
    ("cart_abandonment_rate", {**MIDDLE, "window": "PT6H"}),
    ("cart_abandonment_rate", {**AFTER, **WHOLE, "emptied": "excluded", "horizon": "P7D", "segment": "trait.plan"}),
    ("cart_abandonment_rate", {**AFTER, **WHOLE, "entity": "session", "inactivity": "PT20M", "recovery": "P2D"}),
    ("checkout_abandonment_rate", {**MIDDLE, **AUTUMN, "segment": "country"}),
    ("checkout_abandonment_rate", {**AFTER, **WHOLE, "horizon": "PT3H", "filter": "country:nin:DE,FR"}),
    ("dau", {**MIDDLE, "segment": "country"}),
    ("wau", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "events": "page_viewed,tour_taken", "min_events": "2"}),
    ("mau", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "segment": "trait.plan"}),
    ("mau", {**MIDDLE, "filter": "device:ne:mobile", "tz": "America/New_York"}),
    ("stickiness", {**MIDDLE}),
    ("stickiness", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "variant": "wau_mau"}),
    ("resolution_time", {**MIDDLE, **AUTUMN, "statistic": "mean", "segment": "agent"}),
    ("resolution_time", {**AFTER, **WHOLE, "statistic": "km_median", "pending": "exclude", "segment": "priority"}),
    ("resolution_time", {**MIDDLE, "window": "P7D", "attribution": "cohort", "clock": "first", "statistic": "p90"}),
    ("first_response_time", {**MIDDLE, **AUTUMN, "statistic": "km_median", "sla": "PT4H"}),
    ("first_response_time", {**AFTER, **WHOLE, "statistic": "mean", "bots": "true", "segment": "country"}),
    ("reopen_rate", {**MIDDLE, **AUTUMN, "segment": "agent"}),
    ("reopen_rate", {**AFTER, **WHOLE, "thank_you": "count", "within": "P3D"}),
    *((metric, {**MIDDLE, **AUTUMN, **more}) for metric, more in DEFINED),
    *((metric, {**AFTER, **WHOLE, "segment": "country", **more}) for metric, more in DEFINED),
    ("backlog", {**MIDDLE, "segment": "priority"}),
    ("backlog", {**AFTER, **AUTUMN, "segment": "agent", "compare": "previous"}),
]


async def answers(dsn: str, deliveries: list[Delivery], folder: Path) -> list[bytes]:
    store = ClickHouseStore(dsn, name=f"test_{uuid.uuid4().hex}")
    await store.open()
    await migrate(store)
    await feed(store, deliveries)
    async with reader(store, folder) as client:
        found = [await ask(client, metric, query) for metric, query in QUESTIONS]
    await store.command(f"DROP DATABASE {store.database} SYNC")
    await store.close()
    return found


async def test_answers_depend_on_events_alone_and_are_those_of_the_brute_force(engine_dsn: str, tmp_path: Path) -> None:
    deliveries = stream(SEED, SIZE)
    first = await answers(engine_dsn, deliveries, tmp_path)
    reference, wrong = Reference(deliveries), []
    for (metric, query), given in zip(QUESTIONS, first, strict=True):
        expected = of_reference(reference.answer(understood(metric, query, "Europe/Berlin")))
        wrong += [(metric, query, line) for line in differences(expected, counted(json.loads(given)))]
    assert not wrong, "\n".join(map(str, wrong))
    for name, order in ORDERS.items():
        if name != "in order":
            again = await answers(engine_dsn, order(deliveries), tmp_path)
            changed = [asked for asked, one, other in zip(QUESTIONS, first, again, strict=True) if one != other]
            assert not changed, name


def test_the_stream_is_the_same_for_a_seed_and_holds_what_it_should() -> None:
    deliveries = stream(SEED, 20_000)
    assert deliveries == stream(SEED, 20_000)
    copies = Reference(deliveries).copies.all
    times: dict[str, set[int]] = {}
    for copy in copies:
        times.setdefault(copy.event_id, set()).add(copy.time)
    assert len(times) == 20_000
    assert len(copies) > 20_500
    assert sum(len(found) > 1 for found in times.values()) > 50
    assert {"unalias", "alias", "order_refunded", "order_cancelled", "ticket_reopened"} <= {
        copy.name for copy in copies
    }
    for order in ORDERS.values():
        known = {(copy.event_id, copy.time) for copy in Reference(order(deliveries)).copies.all}
        assert known == {(copy.event_id, copy.time) for copy in copies}
