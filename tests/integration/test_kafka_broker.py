"""The broker of the tests is a real one, and it can be killed, frozen and started again."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.kafka.broker import Broker
from tests.kafka.protocol import versions


async def create(servers: str, name: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(name, partitions, 1)])
        assert [code for _, code, *_ in answer.topic_errors] == [0]
    finally:
        await admin.close()


async def test_a_broker_says_in_its_own_protocol_what_it_is(kafka: str) -> None:
    told = await asyncio.to_thread(versions, kafka)
    assert told.requests[0] >= 9, "Produce"
    assert str(told) != ""


@pytest.mark.parametrize("_", range(2))
async def test_every_test_has_topics_of_its_own(kafka: str, topic_prefix: str, _: int) -> None:
    await create(kafka, f"{topic_prefix}.events")


# That the log loses nothing across both is asked in every run (test_kafka_log.py).
@pytest.mark.faults
@pytest.mark.full
async def test_what_was_acknowledged_outlives_kill_9_and_a_freeze_is_a_timeout(
    broker: Broker, topic_prefix: str
) -> None:
    await create(broker.bootstrap, topic_prefix)
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", request_timeout_ms=2000) as producer:
        first = await producer.send_and_wait(topic_prefix, b"1")
        broker.freeze()
        with pytest.raises(KafkaError):
            await producer.send_and_wait(topic_prefix, b"2")
        broker.thaw()
        await asyncio.to_thread(broker.kill)
        begun = time.monotonic()
        await asyncio.to_thread(broker.start)
        assert time.monotonic() - begun < 30
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
        assert (await producer.send_and_wait(topic_prefix, b"3")).offset > first.offset
