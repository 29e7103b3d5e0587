"""Three services, a real Kafka and a store behind HTTP: an event that was acknowledged is in what is settled next."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx

from deploy.looking import GLANCE_SECONDS
from deploy.owner_only import SHARED
from deploy.store import ClickHouseStore
from tests.cluster import Cluster
from tests.faults.damage import ALIVE, parts
from tests.rotation import some


def test_an_acknowledged_event_is_stored_and_the_watermark_passes_it(cluster: Cluster) -> None:
    answer = cluster.send([{"event": "Product Viewed", "messageId": str(n), "userId": "u"} for n in range(250)])
    assert answer.status_code == 202, answer.text
    cluster.settle(60)
    assert cluster.status()["events_stored"] == 250
    assert cluster.status()["dead_letters"] == 0


def test_it_goes_on_after_everything_was_killed(cluster: Cluster) -> None:
    assert cluster.send({"event": "Product Viewed", "messageId": "before", "userId": "u"}).status_code == 202
    cluster.stop()
    cluster.start()
    cluster.wait_until_ready()
    assert cluster.send({"event": "Product Viewed", "messageId": "after", "userId": "u"}).status_code == 202
    cluster.settle(90)
    assert cluster.status()["events_stored"] == 2


async def test_what_the_store_loses_is_marked_within_seconds_and_made_again(cluster: Cluster) -> None:
    orders = [
        {
            "event": "Order Completed",
            "messageId": f"o{n}",
            "timestamp": "2026-11-02T10:00:00Z",
            "properties": {"order_id": f"o{n}", "total": 1},
        }
        for n in range(100)
    ]
    assert cluster.send(orders).status_code == 202
    cluster.settle(60)
    store = ClickHouseStore(cluster.store.dsn())
    for loss in ("gone", *some(list(ALIVE), 1, "kinds of damage of a store that serves")):
        await asyncio.sleep(GLANCE_SECONDS + 1)  # a glance at the store as it was
        if loss == "gone":
            for (name,) in await store.query("SELECT name FROM system.parts WHERE active AND table = 'orders'"):
                await store.command(f"ALTER TABLE orders DROP PART '{name}'")
        else:
            for part in parts(cluster.store.folder, "orders"):
                ALIVE[loss](part)
            await store.command("SYSTEM DROP MARK CACHE")  # a question could still be answered out of it
        began = time.monotonic()
        answers: list[tuple[float, int, float | None, bool]] = []
        while not answers or answers[-1][1:] != (200, len(orders), False):
            assert time.monotonic() - began < 60, answers
            answers.append((time.monotonic() - began, *_asked(cluster)))
            await asyncio.sleep(0.2)
        noticed = next(at for at, status, value, marked in answers if marked or (status, value) == (200, len(orders)))
        assert noticed < 20, (loss, answers)  # 2 to 8 s on a machine that does nothing else
        unmarked = [answer for answer in answers if answer[0] >= noticed and answer[1] == 200 and answer[3] is False]
        assert {answer[2] for answer in unmarked} == {len(orders)}, (loss, answers)
        assert loss == "gone" or answers[0][1] == 503
    await store.close()


def _asked(cluster: Cluster) -> tuple[int, float | None, bool]:
    """Status, value and whether it carries the warning."""
    response = httpx.get(
        cluster.query.url + "/v1/metrics/orders",
        params={"from": "2026-11-01", "to": "2026-11-08", "at": "2026-11-20T00:00:00Z"},
        headers={"authorization": f"Bearer {cluster.read_token}"},
        timeout=40,
    )
    body = response.json()
    return response.status_code, body.get("value"), "facts_incomplete" in body.get("warnings", ())


def test_what_setup_writes_for_prometheus_opens_the_published_values(shared_cluster: Cluster) -> None:
    address = shared_cluster.query.url.removeprefix("http://")
    told = shared_cluster.run("setup", "--scrape", address)
    written = told.partition("Prometheus finds the values of test by ")[2].partition("\n")[0]
    assert f"/{SHARED}/" in written
    (job,) = json.loads(Path(written).read_text())["scrape_configs"]
    token = Path(written).with_name(job["authorization"]["credentials_file"]).read_text()
    (target,) = job["static_configs"][0]["targets"]
    assert target == address
    url = f"http://{target}{job['metrics_path']}"
    scraped = httpx.get(url, headers={"authorization": f"{job['authorization']['type']} {token}"}, timeout=10)
    assert scraped.status_code == 200, scraped.text
    assert "# TYPE sojourn_value gauge\n" in scraped.text
    assert httpx.get(url, timeout=10).status_code == 401
