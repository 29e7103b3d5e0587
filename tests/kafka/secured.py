"""A Kafka that takes clients by TLS only, and only with a user and a password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.certificates import for_this_machine
from tests.kafka.broker import Broker
from tests.kafka.jars import NoKafka
from tests.kafka.presence import missing
from tests.service import free_port

USER, PASSWORD = "sojourn", "a-password"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def secured(folder: Path) -> tuple[Broker, Mapping[str, str]]:
    """The broker, not started, and the settings with which ours reach it."""
    authority, server = for_this_machine(folder)
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server),
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{LOGIN} required user_{USER}="{PASSWORD}";',
    }
    (folder / "password").write_text(PASSWORD + "\n")
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": address,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD_FILE": str(folder / "password"),
        "KAFKA_SSL_CA": str(authority),
    }
    try:
        return Broker(folder / "kafka", settings, listeners={"SASL_SSL": address}), environment
    except NoKafka as reason:
        missing(reason)
