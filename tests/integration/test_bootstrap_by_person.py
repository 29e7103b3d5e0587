"""interval=bootstrap: limits are those of an independent calculation in plain Python, and the same in any order.

A usual run takes shorter streams and some questions about each, drawn by its seed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference import bootstrap
from tests.reference.asking import Asked, local_day
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.experience_stream import experience
from tests.reference.growth import GROWTH, people
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, feed, reader
from tests.reference.outcome import FOREVER
from tests.reference.scores import Score
from tests.reference.stream import Delivery, shuffled, stream
from tests.reference.unit import Unit
from tests.rotation import full, some

pytestmark = pytest.mark.engine
MANY, OF_CURVES = 1000, 200
SIZE = 2500 if full() else 1200
YOUNG = {"at": "2026-10-27T09:30:00Z", "from": "2026-10-20", "to": "2026-10-28"}
OLD = {"at": "2026-12-20T00:00:00Z", "from": "2026-09-01", "to": "2026-12-01"}
STREAMS: dict[str, tuple[Callable[[], list[Delivery]], list[tuple[str, dict[str, Any]]]]] = {
    "shop and tickets": (
        lambda: stream(11, SIZE),
        [
            ("cart_abandonment_rate", {**OLD, "segment": "device"}),
            ("cart_abandonment_rate", {**YOUNG, "segment": "device"}),
            ("checkout_abandonment_rate", YOUNG),
            ("reopen_rate", YOUNG),
            ("resolution_time", {**OLD, "segment": "priority", "statistic": "mean"}),
        ],
    ),
    "growth": (
        lambda: stream(12, SIZE, GrowthJourneys),
        [
            ("average_order_value", OLD),
            ("purchase_frequency", {**OLD, "same_day": "collapse"}),
            ("conversion_rate", {**YOUNG, "filter": "device:ne:mobile"}),
            ("referral_rate", OLD),
        ],
    ),
    "what people say": (
        lambda: experience(13, SIZE),
        [("nps", OLD), ("csat", {**OLD, "segment": "survey"}), ("csat", {**OLD, "definition": "mean"}), ("ces", OLD)],
    ),
}


def units_of(reference: Reference, asked: Asked) -> list[Unit]:
    if asked.metric in GROWTH:
        return [unit for unit, _ in people(reference.known(asked.at), asked)]
    return reference.units(asked)


def sides(asked: Asked, unit: Unit) -> tuple[float, float]:
    """What a counted unit adds above and below the line."""
    if isinstance(unit, Score):
        if asked.metric == "nps":
            return 100 * ((unit.score >= 9) - (unit.score < 7)), 1
        return (float(unit.score) if asked.metric == "ces" or asked.definition == "mean" else unit.score >= unit.cut), 1
    match asked.metric:
        case "resolution_time":
            return (0, 0) if unit.value is None or not unit.n else (unit.value / 1000, 1)
        case "average_order_value":
            return (unit.money / 100, 1) if unit.currency == asked.currency else (0, 0)
        case "cart_abandonment_rate" | "checkout_abandonment_rate":
            return int(not unit.success), 1
        case _:
            return int(unit.success), unit.n


def cluster(unit: Unit) -> str:
    return unit.person or f"unit {unit.id}"


def expected(asked: Asked, units: Iterable[Unit], basis: str) -> tuple[float, float] | None:
    counted = [unit for unit in units if not unit.reason]
    drawn = {
        cluster(unit): bootstrap.weights(
            "demo", asked.metric, cluster(unit), OF_CURVES if basis == "estimate" else MANY
        )
        for unit in counted
    }
    if len(drawn) < 2:
        return None
    if basis == "estimate":
        died = [(cluster(unit), unit.died) for unit in counted if unit.died is not None]
        survived = [(cluster(unit), unit.survived) for unit in counted if unit.survived is not None]
        low, high = bootstrap.of_curves(drawn, died, survived, FOREVER)
        is_absence = asked.metric.endswith("abandonment_rate")
        return (low, high) if is_absence else (1 - high, 1 - low)
    sums: dict[str, tuple[float, float]] = defaultdict(lambda: (0, 0))
    for unit in counted:
        (above, below), (more, of) = sums[cluster(unit)], sides(asked, unit)
        sums[cluster(unit)] = above + more, below + of
    if asked.metric == "purchase_frequency":
        days: dict[str, set[Any]] = defaultdict(set)
        for unit in counted:
            days[cluster(unit)].add(local_day(unit.entry, asked.tz))
        sums = defaultdict(lambda: (0, 0), {person: (len(found), 1) for person, found in days.items()})
    return bootstrap.of_quotients(drawn, sums)


@pytest.mark.parametrize("name", STREAMS)
async def test_limits_are_those_of_plain_python_in_any_order(name: str, store: ClickHouseStore, tmp_path: Path) -> None:
    draw, questions = STREAMS[name]
    deliveries = draw()
    await feed(store, shuffled(deliveries, 3))
    reference, wrong, seen = Reference(deliveries), [], set()
    async with reader(store, tmp_path) as client:
        for metric, query in [questions[0], *some(questions[1:], 2, f"bootstrap {name}")]:
            body = json.loads(await ask(client, metric, {**query, "interval": "bootstrap"}))
            plain = json.loads(await ask(client, metric, query))
            assert {**body, "interval": 0, "warnings": 0, "segments": 0} == {
                **plain, "interval": 0, "warnings": 0, "segments": 0,
            }  # fmt: skip
            assert "clustered" not in body["warnings"]
            asked = understood(metric, query, "Europe/Berlin")
            units = units_of(reference, asked)
            cells = [(body, units)]
            for segment in body["segments"]:
                ((dimension, value),) = segment["segment"].items()
                cells.append((segment, [unit for unit in units if (unit.dimensions(dimension) or None) == value]))
            for told, own in cells:
                limits = expected(asked, own, told["basis"])
                interval = told["interval"] or {}
                if limits is None:
                    assert interval.get("method") != "bootstrap_person"
                    continue
                seen.add(told["basis"])
                given = interval.get("low"), interval.get("high")
                if interval.get("method") != "bootstrap_person" or given != pytest.approx(limits, abs=1e-9):
                    wrong.append((metric, query, told.get("segment"), told["basis"], limits, interval))
    assert not wrong, "\n".join(map(str, wrong))
    assert "mature" in seen


async def test_limits_do_not_depend_on_the_order_of_arrival(store: ClickHouseStore, tmp_path: Path) -> None:
    draw, questions = STREAMS["shop and tickets"]
    deliveries = draw()
    asked = [(metric, {**query, "interval": "bootstrap"}) for metric, query in some(questions, 2, "bootstrap again")]
    found: list[list[bytes]] = []
    async with reader(store, tmp_path) as client:
        for order in (deliveries, shuffled(deliveries, 5)):
            await feed(store, order)  # the second time everything comes again, in another order
            found.append([await ask(client, metric, query) for metric, query in asked])
    assert found[0] == found[1]
