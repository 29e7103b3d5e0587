"""Where the tests get a Kafka: `KAFKA_BOOTSTRAP_SERVERS`, else a container; else they start a native one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kafka.broker import SETTINGS
from tests.kafka.jars import NoKafka, version
from tests.kafka.protocol import NotKafka, Versions, versions
from tests.service import free_port

SERVERS = "KAFKA_BOOTSTRAP_SERVERS"


@contextmanager
def _container() -> Iterator[str]:
    """Apache's own image. Raises `NoKafka` where no engine answers or it cannot run the image."""
    try:
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.docker_client import DockerClient

        DockerClient().client.ping()
        port = free_port()  # chosen here, because a broker has to tell its clients the port that they see
        container = DockerContainer(f"apache/kafka:{version()}").with_bind_ports(9092, port)
        place = {
            "node.id": "1",
            "process.roles": "broker,controller",
            "controller.quorum.voters": "1@localhost:9093",
            "controller.listener.names": "CONTROLLER",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        }
        for name, value in {**place, **SETTINGS}.items():
            container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
        container.start()
    except Exception as error:  # whatever Docker lacks, a native Kafka may do
        raise NoKafka(f"no Docker engine: {error}") from error
    try:
        yield f"127.0.0.1:{port}"
    finally:
        container.stop()


def wait(bootstrap: str, seconds: float = 60.0) -> Versions:
    """Until a broker answers there. Raises `NoKafka`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return versions(bootstrap, 2.0)
        except (OSError, NotKafka) as error:
            if time.monotonic() > deadline:
                raise NoKafka(f"no Kafka answers at {bootstrap}: {error}") from error
            time.sleep(0.1)


@contextmanager
def elsewhere() -> Iterator[tuple[str, str, Versions]]:
    """Bootstrap servers, where they come from, and what they say they are. Raises `NoKafka`."""
    if servers := os.environ.get(SERVERS, ""):
        yield servers, SERVERS, wait(servers, 10.0)
        return
    with _container() as servers:
        yield servers, "container", wait(servers)
