"""The rolling windows as services publish them: another worker goes on when their owner is killed, what is published
is what the facts say, also after `sojourn rebuild windows`. A usual run compares a few metrics that its seed draws; a
full one compares all, and after the rebuild again.
"""

from __future__ import annotations

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

from query_api.rolling.plan import WINDOWS
from schemas.metrics import METRICS
from tests.cluster import Cluster
from tests.rotation import full, some

pytestmark = [pytest.mark.e2e, pytest.mark.kafka]
KEPT = {"max_age": "PT1H", "plan": "1"}


def published(cluster: Cluster, metric: str = "event_count", **query: str) -> dict[str, Any]:
    """The answer, with its plan."""
    body: dict[str, Any] = cluster.metric(metric, **query, **KEPT)
    return body


def newest(cluster: Cluster) -> int:
    """The newest version that anything is published as of, ms; 0: nothing is."""
    sql = f"SELECT max(version) FROM metric_points WHERE tenant = '{cluster.tenant_id}' FORMAT TabSeparated"
    dsn = urlsplit(cluster.store.dsn())
    answer = httpx.post(
        cluster.store.url,
        params={"database": dsn.path.strip("/")},
        content=sql,
        auth=(dsn.username or "", dsn.password or ""),
    )
    answer.raise_for_status()
    return int(answer.text)


def wait_for_version(cluster: Cluster, after: int, seconds: float) -> float:
    """Until something is published as of an instant later than that; the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if newest(cluster) > after:
            return time.monotonic() - began
        time.sleep(0.2)
    raise AssertionError(f"nothing newer than {after} in {seconds:g} s\n{cluster.processors.output[-3000:]}")


def late(cluster: Cluster) -> None:
    """Events of the last three days, most of them of people who turn out to be others, and refunds."""
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
            "timestamp": (now - timedelta(minutes=chance.randrange(3 * 24 * 60))).isoformat(),
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


def questions() -> Iterator[tuple[str, dict[str, str]]]:
    """Of every metric one window, of every second one by a dimension."""
    drawn = some(range(len(METRICS)), 6, "rolling windows")
    for place, metric in enumerate(METRICS.values()):
        if place not in drawn:
            continue
        cut = {"segment": metric.dimensions[place % len(metric.dimensions)]} if place % 2 else {}
        yield metric.name, {"window": list(WINDOWS)[place % len(WINDOWS)], "compare": "previous", **cut}


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
        usual.start(120)


# Two owners die, each takes a session's end to be replaced, and everything is compared twice.
@pytest.mark.long
def test_the_windows_are_kept_whoever_dies(keeping: Cluster) -> None:
    cluster = keeping
    cluster.run(
        "demo", "--once", "--days", "3", "--members", "150",
        "--url", cluster.ingest.url, "--query-url", cluster.query.url,
        "--write-key", cluster.write_key, "--read-token", cluster.read_token,
    )  # fmt: skip
    cluster.settle(120)
    wait_for_version(cluster, 0, 120)
    for worker in cluster.processors.workers():  # one of them is the owner
        os.kill(worker, signal.SIGKILL)
        killed = round(time.time() * 1000)
        assert cluster.send({"event": "Product Viewed", "userId": "u", "messageId": str(worker)}).status_code == 202
        wait_for_version(cluster, killed, 40)
    late(cluster)
    settled = cluster.status()["watermark"]
    compared = equal_to_facts(cluster, settled)
    assert compared > 0
    if full():
        assert compared == len(METRICS)
        cluster.run("rebuild", "windows")
        assert equal_to_facts(cluster, settled) == len(METRICS)


def equal_to_facts(cluster: Cluster, since: str) -> int:
    """Everything that is published as of `since` or later is what the facts say as of the same instant; how much."""
    compared = 0
    deadline = time.monotonic() + 400
    for metric, query in questions():
        while True:
            kept = published(cluster, metric, **query)
            if kept["plan"]["layer"] != "facts" and kept["watermark"] >= since:
                break
            assert time.monotonic() < deadline, (metric, query, kept["plan"], kept["watermark"])
            time.sleep(0.5)
        plan = kept.pop("plan")
        facts = cluster.metric(metric, **query, at=kept["at"])
        assert {**facts, "watermark": ""} == {**kept, "watermark": ""}, (metric, query, plan)
        compared += 1
    return compared
