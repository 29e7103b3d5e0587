"""What stands in a topic, read to its end by a client that shares nothing with the code under test."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.record import Frame, unpack


async def frames(bootstrap: str, topic: str) -> list[Frame]:
    """Every frame of the topic, heartbeats included, by partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 << 20,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, each) for each in await consumer._client._wait_on_metadata(topic)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[Frame] = []
        await consumer.seek_to_beginning(*places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                found += [unpack(r.value, r.headers, topic, r.partition, r.offset) for r in records]
        return found
    finally:
        await consumer.stop()


async def lines(bootstrap: str, topic: str) -> list[bytes]:
    """Every line of every frame, in no particular order."""
    return [line for frame in await frames(bootstrap, topic) for line in (*frame.records, *frame.dead_letters)]
