"""The separate services with a Kafka that takes them by TLS only, and only with a user and a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import for_this_machine
from tests.cluster import Cluster
from tests.kafka.broker import Broker
from tests.kafka.jars import NoKafka
from tests.kafka.presence import missing
from tests.service import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.kafka]
USER, PASSWORD = "sojourn", "a-password"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def test_every_client_of_ours_logs_in_by_tls(tmp_path: Path) -> None:
    authority, server = for_this_machine(tmp_path)
    secured = f"127.0.0.1:{free_port()}"
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server),
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{LOGIN} required user_{USER}="{PASSWORD}";',
    }
    try:
        broker = Broker(tmp_path / "kafka", settings, listeners={"SASL_SSL": secured})
    except NoKafka as reason:
        missing(reason)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": secured,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password"),
        "KAFKA_SSL_CA": str(authority),
    }
    with Cluster(tmp_path / "cluster", workers=1, environment=environment, broker=broker) as cluster:
        sent = cluster.send([{"event": "product_viewed", "messageId": str(n), "userId": "u"} for n in range(50)])
        assert sent.status_code == 202
        cluster.settle(60)
        assert cluster.status()["events_stored"] == 50
        assert cluster.status()["lag_records"] == 0
        _is_refused(cluster, tmp_path, "KAFKA_SASL_PASSWORD_FILE", "another-password")
        outputs = [member.output for member in cluster.members]
        assert not any(PASSWORD in output for output in outputs)


def _is_refused(cluster: Cluster, folder: Path, variable: str, secret: str) -> None:
    right = cluster.environment[variable]
    (folder / "wrong").write_text(secret)
    cluster.environment[variable] = str(folder / "wrong")
    with pytest.raises(AssertionError, match="sojourn topics: 70") as failed:
        cluster.run("topics")
    assert secret not in str(failed.value)
    cluster.environment[variable] = right
