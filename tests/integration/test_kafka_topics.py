"""Topics are made as they are declared, by whoever comes first, and never made smaller."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.kafka.topics import TopicsRefused, configuration, ensure_topics
from schemas.topics import EVENTS, MAX_RECORD_BYTES, TOPICS
from tests.service import free_port


async def partitions(bootstrap: str, name: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (topic,) = await admin.describe_topics([name])
        return len(topic["partitions"])
    finally:
        await admin.close()


async def settings(bootstrap: str, name: str) -> dict[str, Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()


async def test_topics_are_made_as_they_are_declared(kafka: str, topic_prefix: str) -> None:
    names = sorted(topic.full_name(topic_prefix) for topic in TOPICS.values())
    assert await ensure_topics(kafka, topic_prefix, 1) == names
    for topic in TOPICS.values():
        name = topic.full_name(topic_prefix)
        assert await partitions(kafka, name) == topic.partitions
        found = await settings(kafka, name)
        assert found["retention.ms"] == str(topic.retention_hours * 3_600_000)
        assert found["max.message.bytes"] == str(MAX_RECORD_BYTES)
    assert await ensure_topics(kafka, topic_prefix, 1) == []


async def test_who_makes_them_at_the_same_time_succeeds_too(kafka: str, topic_prefix: str) -> None:
    made = await asyncio.gather(*(ensure_topics(kafka, topic_prefix, 1) for _ in range(4)))
    assert sorted(name for each in made for name in each) == sorted(t.full_name(topic_prefix) for t in TOPICS.values())


@pytest.mark.parametrize("present", [EVENTS.partitions - 3, EVENTS.partitions + 3])
async def test_partitions_are_added_and_never_removed(kafka: str, topic_prefix: str, present: int) -> None:
    name = EVENTS.full_name(topic_prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, present, 1)])
    await admin.close()
    made = await asyncio.gather(*(ensure_topics(kafka, topic_prefix, 1) for _ in range(3)))
    assert any(name in each for each in made) == (present < EVENTS.partitions)
    assert await partitions(kafka, name) == max(present, EVENTS.partitions)


async def test_a_replication_that_the_brokers_cannot_give_is_refused_with_the_reason(
    kafka: str, topic_prefix: str
) -> None:
    with pytest.raises(TopicsRefused, match=r"(?i)replication"):
        await ensure_topics(kafka, topic_prefix, 99, seconds=1.0)


async def test_without_a_broker_it_gives_up_in_time_and_says_where_it_asked() -> None:
    bootstrap = f"127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(TopicsRefused, match=bootstrap):
        await ensure_topics(bootstrap, "t", 1, seconds=0.7)
    assert time.monotonic() - began < 2.0


def test_with_three_copies_two_have_to_have_a_record_before_it_is_acknowledged() -> None:
    assert "min.insync.replicas" not in configuration(EVENTS, 1)
    assert configuration(EVENTS, 3)["min.insync.replicas"] == "2"
