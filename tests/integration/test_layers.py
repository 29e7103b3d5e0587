"""Every layer says what the facts say, in the middle of a random stream with late events, refunds and merges of people;
and what was restated since the look before is listed, no more and no less.

Of one stream a usual run takes a metric, and where something is sure to be restated another, with some questions, all
drawn by its seed; a full run leaves nothing out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from query_api.count import count, count_apart, explain
from query_api.rolling.keeper import Keeper
from query_api.rolling.plan import WINDOWS
from query_api.rolling.revisions import listed
from query_api.series import Series
from query_api.service import Answers
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric
from schemas.periods import DAY_MS, format_instant
from schemas.tenants import Tenant, Tenants
from tests.reference.copies import instant
from tests.reference.harness import TENANT, feed
from tests.rotation import some
from tests.streams.streams import STREAMS

EVENTS = 6_000
RESTATED = {"shop": "orders", "growth": "average_order_value"}
"""Of these something is restated in each draw; of what the experience stream holds so early, nothing has to be."""
DRAWN, ASKED = 1, 4
"""Metrics of each stream, and questions about each of them, in a usual run."""
LATER_MS = 2 * DAY_MS
KEPT = {"max_age": "P1D", "plan": "1"}
# Windows that are not published, but are made of whole buckets.
OTHERS = ({"window": "PT3H"}, {"window": "P3D"}, {"window": "P14D", "compare": "previous"})
LINES = ({"window": "P28D", "step": "P1D"}, {"window": "P1D", "step": "PT1H"}, {"window": "P28D", "step": "P1W"})


@dataclass
class Bench:
    """A store that is filled step by step, and the watermark up to which it is."""

    store: ClickHouseStore
    tenants: Tenants
    metrics: Mapping[str, Metric]
    watermark: int = 0

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.store, self.tenants, lambda: self.watermark, metrics=self.metrics)
        self.answers = Answers(self.store, lambda: self.watermark, count, explain, count_apart=count_apart)
        self.series = Series(self.answers)

    @property
    def tenant(self) -> Tenant:
        (only,) = self.tenants.all
        return only

    async def both(self, metric: Metric, query: Mapping[str, str], layer: str) -> Iterator[Any]:
        """What the layer answers, and what the facts do."""
        ask = self.series.series if "step" in query else self.answers.value
        kept = await ask(metric, [*query.items(), *KEPT.items()], self.tenant)
        plan = kept.pop("plan")
        assert plan["layer"] == layer, (metric.name, query, plan)
        return iter((kept, await ask(metric, list(query.items()), self.tenant)))


def questions(metric: Metric) -> Iterator[tuple[Mapping[str, str], str]]:
    """What is asked, and the layer that has to answer."""
    for window in WINDOWS:
        for cut in ("", *metric.dimensions):
            yield {"window": window, "compare": "previous", **({"segment": cut} if cut else {})}, "points"
    yield {}, "points"
    if metric.adds_up:
        cuts = cycle(metric.dimensions)
        for query in (*OTHERS, *LINES):
            yield query, "buckets"
            yield {**query, "segment": next(cuts)}, "buckets"


# Every layer of several days is compared with the facts after each of them: on a busy machine that takes a minute.
@pytest.mark.long
@pytest.mark.engine
@pytest.mark.parametrize("name", some([*STREAMS], 1, "streams of layers"))
async def test_every_layer_is_what_the_facts_say_and_revisions_are_what_changed(
    name: str, store: ClickHouseStore, tmp_path: Path
) -> None:
    one = STREAMS[name]
    always = {RESTATED[name]} if name in RESTATED else set()
    names = sorted({asked for asked, _ in one.questions} & METRICS.keys() - always)
    metrics = {metric: METRICS[metric] for metric in (*always, *some(names, DRAWN, f"layers {name}"))}
    deliveries = sorted(one.draw(EVENTS), key=received)
    half = received(deliveries[len(deliveries) // 2])
    parts = [
        [each for each in deliveries if received(each) < half],
        [each for each in deliveries if half <= received(each) < half + LATER_MS],
    ]
    (tmp_path / "tenants.json").write_text(json.dumps({"tenants": [{**TENANT, "questions": list(one.surveys)}]}))
    kept = Bench(store, Tenants(tmp_path / "tenants.json"), metrics)
    published: list[dict[tuple[str, str, str], Any]] = []
    for part in parts:
        await feed(store, part)
        kept.watermark = received(part[-1]) + 120
        await kept.keeper.all(kept.tenant)
        assert not kept.keeper.failures
        published.append(await _closed(store))
    changed = await _revisions(kept, published)
    assert changed or name not in RESTATED
    wrong = []
    for metric in metrics.values():
        for query, layer in some([*questions(metric)], ASKED, f"layers {metric.name}"):
            found, expected = await kept.both(metric, query, layer)
            if json.dumps(found) != json.dumps(expected):
                wrong.append((metric.name, query, _first(found, expected)))
    assert not wrong, "\n".join(map(str, wrong[:20]))


def received(delivery: Mapping[str, Any]) -> int:
    at = instant(delivery["received_at"])
    assert at is not None
    return at


async def _closed(store: ClickHouseStore) -> dict[tuple[str, str, str], Any]:
    """The published answers of closed windows, by metric and window."""
    rows = await store.query(
        "SELECT metric, argMax(body, version) FROM metric_points WHERE end > 0 GROUP BY metric, window, end"
    )
    bodies = [(metric, json.loads(body)) for metric, body in rows]
    return {(metric, body["window"]["start"], body["window"]["end"]): body for metric, body in bodies}


async def _revisions(
    kept: Bench, published: Sequence[Mapping[tuple[str, str, str], Any]]
) -> set[tuple[str, str, str, Any, Any]]:
    """What was restated, which is what is listed."""
    before, after = published
    changed = {
        (*place, old["value"], after[place]["value"])
        for place, old in before.items()
        if old["maturity"] == 1 and old["value"] != after[place]["value"]
    }
    told = set()
    for metric in kept.metrics.values():
        body = await listed(kept.store, metric, [("limit", "1000")], kept.tenant)
        assert body["next_cursor"] is None
        for each in body["revisions"]:
            told.add((metric.name, each["window"]["start"], each["window"]["end"], each["old"], each["new"]))
            assert each["at"] == format_instant(kept.watermark)
    assert told == changed
    return changed


def _first(found: Any, expected: Any, path: str = "") -> str:
    """Where two bodies differ first."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in {**found, **expected}:
            if found.get(key) != expected.get(key):
                return _first(found.get(key), expected.get(key), f"{path}.{key}")
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for place, pair in enumerate(zip(found, expected, strict=True)):
            if pair[0] != pair[1]:
                return _first(*pair, f"{path}[{place}]")
    return f"{path}: {found!r} is not {expected!r}"
