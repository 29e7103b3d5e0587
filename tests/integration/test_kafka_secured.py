"""Our clients and a real Kafka that takes them by TLS only, and only with a user and a password."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from deploy.kafka.lag import Lag
from deploy.kafka.log import KafkaLog
from deploy.kafka.producer import NotConnected, connect
from deploy.kafka.topics import TopicsRefused, ensure_topics
from schemas import settings
from schemas.kafka_security import OPEN, KafkaSecurity
from schemas.record import Frame
from schemas.settings import Settings
from schemas.topics import EVENTS
from tests.kafka.presence import seen
from tests.kafka.secured import PASSWORD, secured

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a process of ours, while the broker runs."""
    broker, environment = secured(tmp_path_factory.mktemp("secured"))
    try:
        seen("native", broker.start())
        yield settings.read(environment)
    finally:
        broker.kill()


async def test_topics_are_made_frames_written_and_the_lag_measured(read: Settings) -> None:
    security = read.kafka_security
    assert len(await ensure_topics(read.kafka, "t", 1, security)) > 0
    log = KafkaLog(read.kafka, "t", lambda: 0, connector=partial(connect, security=security))
    lag = Lag(read.kafka, "t", security)
    try:
        await log.start()
        await log.append(Frame(records=[b"{}"], received_at=0))
        assert (await lag.measure()).total >= 1, "the log sends records without events too"
    finally:
        await log.close(1.0)
        await lag.close()


@pytest.mark.parametrize("wrong", ["password", "authority", "clear"])
async def test_whoever_is_not_let_in_says_so_without_the_password(read: Settings, wrong: str) -> None:
    right = read.kafka_security
    security: KafkaSecurity = {
        "password": replace(right, password="another-password"),
        "authority": replace(right, ca=""),
        "clear": OPEN,
    }[wrong]
    with pytest.raises(TopicsRefused) as refused:
        await ensure_topics(read.kafka, "t", 1, security, seconds=2.0)
    with pytest.raises(NotConnected) as unconnected:
        await connect(read.kafka, EVENTS.full_name("t"), security=security)
    assert not any(secret in f"{refused.value}{unconnected.value}" for secret in (PASSWORD, "another-password"))
