"""Lag is what stands in the log behind the group's offsets, read by anybody or not."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.kafka.lag import Lag, LagUnknown, uncounted
from deploy.kafka.log import KafkaLog
from deploy.kafka.topics import ensure_topics
from schemas.record import Frame
from schemas.topics import EVENTS
from tests.kafka.broker import Broker


async def fill(bootstrap: str, prefix: str, count: int) -> None:
    log = KafkaLog(bootstrap, prefix, lambda: 1_000)
    await log.start()
    for n in range(count):
        await log.append(Frame(1_000, [b"%d" % n]))
    await log.close(5.0)


async def commit(bootstrap: str, prefix: str, offsets: dict[int, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=f"{prefix}.processors", enable_auto_commit=False)
    await consumer.start()
    places = {TopicPartition(EVENTS.full_name(prefix), each): offset for each, offset in offsets.items()}
    consumer.assign(list(places))
    await consumer.commit(places)
    await consumer.stop()


async def test_what_nobody_has_read_is_lag_and_what_was_committed_is_not(kafka: str, topic_prefix: str) -> None:
    await ensure_topics(kafka, topic_prefix, 1)
    lag = Lag(kafka, topic_prefix)
    assert (await lag.measure()).total == 0
    await fill(kafka, topic_prefix, 40)
    measured = await lag.measure()
    assert measured.total >= 40
    assert len(measured.records) == EVENTS.partitions
    await commit(kafka, topic_prefix, {0: measured.records[0], 1: 1})
    again = await lag.measure()
    assert again.records[0] == 0
    assert again.records[1] == measured.records[1] - 1
    assert again.records[2] == measured.records[2]
    await lag.close()


async def test_without_the_topic_the_lag_is_unknown_until_it_is_there(kafka: str, topic_prefix: str) -> None:
    lag = Lag(kafka, topic_prefix)
    with pytest.raises(LagUnknown, match=EVENTS.full_name(topic_prefix)):
        await lag.measure()
    await ensure_topics(kafka, topic_prefix, 1)
    assert (await lag.measure()).total == 0
    await lag.close()


async def test_an_outage_makes_the_lag_unknown_in_time_and_it_is_known_again_after(
    broker: Broker, topic_prefix: str
) -> None:
    await ensure_topics(broker.bootstrap, topic_prefix, 1)
    lag = Lag(broker.bootstrap, topic_prefix, seconds=1.0)
    await lag_known(lag)
    broker.freeze()
    began = time.monotonic()
    with pytest.raises(LagUnknown):
        await lag.measure()
    assert time.monotonic() - began < 4.0
    broker.thaw()
    await lag_known(lag)
    await asyncio.to_thread(broker.kill)
    with pytest.raises(LagUnknown):
        await lag.measure()
    await asyncio.to_thread(broker.start)
    await lag_known(lag)
    broker.freeze()
    began = time.monotonic()
    await lag.close()
    assert time.monotonic() - began < 3.0


async def lag_known(lag: Lag) -> None:
    """Within seconds; a broker that has just come up looks for its coordinators first."""
    async with asyncio.timeout(10.0):
        while True:
            try:
                await lag.measure()
            except LagUnknown:
                await asyncio.sleep(0.1)
            else:
                return


def test_without_a_committed_offset_all_that_is_kept_counts() -> None:
    ends, begins = {0: 10, 1: 10, 2: 10, 3: 10}, {0: 0, 1: 4, 2: 4, 3: 4}
    assert uncounted(ends, begins, {2: 2, 3: 9, 1: -1}) == {0: 10, 1: 6, 2: 6, 3: 1}
