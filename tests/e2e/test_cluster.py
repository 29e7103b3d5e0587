"""Three services, a real Kafka and a store behind HTTP: an event that was acknowledged is in what is settled next."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from deploy.owner_only import SHARED
from tests.cluster import Cluster


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
