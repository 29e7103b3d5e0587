"""The separate services with a Kafka that takes them by TLS only, and only with a user and a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.kafka.secured import PASSWORD, secured

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.full]


def test_every_client_of_every_service_logs_in_by_tls(tmp_path: Path) -> None:
    broker, environment = secured(tmp_path)
    with Cluster(tmp_path / "cluster", workers=1, environment=environment, broker=broker) as cluster:
        sent = cluster.send([{"event": "product_viewed", "messageId": str(n), "userId": "u"} for n in range(50)])
        assert sent.status_code == 202
        cluster.settle(60)
        assert cluster.status()["events_stored"] == 50
        assert cluster.status()["lag_records"] == 0
        assert not any(PASSWORD in member.output for member in cluster.members)
