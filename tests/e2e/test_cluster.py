"""Three services, a real Kafka and a store behind HTTP: an event that was acknowledged is in what is settled next."""

from __future__ import annotations

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
    assert cluster.send({"event": "Product Viewed", "messageId": "after", "userId": "u"}).status_code == 202
    cluster.settle(90)
    assert cluster.status()["events_stored"] == 2
