"""The rolling windows as services publish them: another worker goes on when their owner is killed, what is published
is what the facts say, also after `sojourn rebuild windows`. A usual run kills both workers at once and compares a few
answers that its seed draws of those that come first; a full one kills one worker after the other, and compares every
metric, and again after the rebuild.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from query_api.rolling.kept import ROLLING
from query_api.rolling.plan import WINDOWS, Place
from schemas.metrics import METRICS
from tests.cluster import Cluster
from tests.rotation import full, some

pytestmark = [pytest.mark.e2e, pytest.mark.kafka]
KEPT = {"max_age": "PT1H", "plan": "1"}
PUBLISHED, COMPARED = 40, 8
"""In a usual run so many answers are waited for, and so many of them compared."""


def published(cluster: Cluster, metric: str, **query: str) -> dict[str, Any]:
    """The answer, with its plan."""
    body: dict[str, Any] = cluster.metric(metric, **query, **KEPT)
    return body


def newest(cluster: Cluster) -> dict[Place, int]:
    """Every rolling window that is published: the newest version, ms."""
    sql = f"""SELECT metric, window, cut, max(version) FROM metric_points
        WHERE tenant = '{cluster.tenant_id}' AND end = {ROLLING} GROUP BY ALL FORMAT JSONCompactEachRow"""
    dsn = urlsplit(cluster.store.dsn())
    answer = httpx.post(
        cluster.store.url,
        params={"database": dsn.path.strip("/")},
        content=sql,
        auth=(dsn.username or "", dsn.password or ""),
    )
    answer.raise_for_status()
    return {Place(*place): int(version) for *place, version in map(json.loads, answer.text.splitlines())}


def wait_for_versions(cluster: Cluster, after: int, count: int, seconds: float) -> list[Place]:
    """What is published as of an instant later than that, once it is so much."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        found = [place for place, version in newest(cluster).items() if version > after]
        if len(found) >= count:
            return sorted(found, key=str)
        time.sleep(0.2)
    raise AssertionError(f"not {count} newer than {after} in {seconds:g} s\n{cluster.processors.output[-3000:]}")


def late(cluster: Cluster) -> None:
    """Events of the last three days, a third of the last hour, most of them of people who turn out to be others."""
    chance, now = Random(7), datetime.now(UTC)
    names = (
        "Product Viewed",
        "Product Added",
        "Order Completed",
        "Order Refunded",
        "Ticket Created",
        "Ticket Solved",
        "identify",
    )
    events = [
        {
            "event": chance.choice(names),
            "messageId": f"late-{number}",
            "timestamp": (
                now - timedelta(minutes=chance.randrange(chance.choice((60, 24 * 60, 3 * 24 * 60))))
            ).isoformat(),
            "anonymousId": f"a{number % 40}",
            **({"userId": f"u{number % 15}"} if number % 3 else {}),
            "properties": {
                "cart_id": f"c{number % 60}",
                "order_id": f"o{number % 60}",
                "ticket_id": f"t{number % 60}",
                "product_id": "p",
                "quantity": 1,
                "price": 9.5,
                "total": 9.5,
                "currency": "EUR",
            },
            "context": {"country": chance.choice(("DE", "AT")), "device": {"type": "mobile"}},
        }
        for number in range(600)
    ]
    answer = cluster.send({"events": events})
    assert (answer.status_code, answer.json()["rejected"]) == (202, []), answer.text
    cluster.settle(120)


def questions() -> Iterator[Place]:
    """Of every metric one window, of every second one by a dimension."""
    for number, metric in enumerate(METRICS.values()):
        cut = metric.dimensions[number % len(metric.dimensions)] if number % 2 else ""
        yield Place(metric.name, list(WINDOWS)[number % len(WINDOWS)], cut)


@pytest.fixture
def keeping(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with workers that publish rolling windows, in the place of those that do not."""
    usual = cluster.processors
    share = {"SOJOURN_KEEP_SHARE": "1"}
    cluster.processors = cluster.member("keeping", "processors", "--workers", "2", environment=share)
    usual.kill()
    try:
        cluster.processors.start(120)
        yield cluster
    finally:
        cluster.processors.kill()
        cluster.members.remove(cluster.processors)
        usual.spawn()  # whoever needs it waits until it is ready


# The full run: two owners die, each takes a session's end to be replaced, and everything is compared twice.
@pytest.mark.long
def test_the_windows_are_kept_whoever_dies(keeping: Cluster) -> None:
    cluster = keeping
    if full():
        cluster.run(
            "demo", "--once", "--days", "3", "--members", "150",
            "--url", cluster.ingest.url, "--query-url", cluster.query.url,
            "--write-key", cluster.write_key, "--read-token", cluster.read_token,
        )  # fmt: skip
        cluster.settle(120)
    else:
        late(cluster)
    wait_for_versions(cluster, 0, 1, 120)
    workers = cluster.processors.workers()  # one of them is the owner
    for dying in [[each] for each in workers] if full() else [workers]:
        for worker in dying:
            os.kill(worker, signal.SIGKILL)
        killed = round(time.time() * 1000)
        sent = cluster.send({"event": "Product Viewed", "userId": "u", "messageId": str(dying)})
        assert sent.status_code == 202
        wait_for_versions(cluster, killed, 1, 120)
    if full():
        late(cluster)
    cluster.settle(120)
    settled = cluster.status()["watermark"]
    if not full():
        after = round(datetime.fromisoformat(settled).timestamp() * 1000)
        found = wait_for_versions(cluster, after, PUBLISHED, 120)
        equal_to_facts(cluster, settled, some(found, COMPARED, "rolling windows"))
        return
    equal_to_facts(cluster, settled, list(questions()))
    cluster.run("rebuild", "windows")
    equal_to_facts(cluster, settled, list(questions()))


def equal_to_facts(cluster: Cluster, since: str, places: list[Place]) -> None:
    """What is published there as of `since` or later is what the facts say as of the same instant."""
    deadline = time.monotonic() + 400
    for place in places:
        query = {"window": place.window, "compare": "previous", **({"segment": place.cut} if place.cut else {})}
        while True:
            kept = published(cluster, place.metric, **query)
            if kept["plan"]["layer"] != "facts" and kept["watermark"] >= since:
                break
            assert time.monotonic() < deadline, (place, kept["plan"], kept["watermark"])
            time.sleep(0.5)
        plan = kept.pop("plan")
        facts = cluster.metric(place.metric, **query, at=kept["at"])
        assert {**facts, "watermark": ""} == {**kept, "watermark": ""}, (place, plan)
