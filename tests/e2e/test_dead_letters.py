"""What could not be counted, all the way: told, kept in topic and table with its place, listed, replayed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.settings import TOPIC_PREFIX
from schemas.topics import DEAD_LETTERS, EVENTS
from tests.cluster import Cluster

PREFIX = TOPIC_PREFIX.default
GOOD = {"event": "page_viewed", "messageId": "good", "userId": "u"}
BAD = {"event": "order_completed", "messageId": "bad", "properties": {"order_id": "o1", "total": "a lot"}}


async def produce(bootstrap: str, value: bytes, headers: list[tuple[str, bytes]]) -> int:
    """Write a record of our own into the topic of events; its offset in partition 0."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        written = await producer.send_and_wait(EVENTS.full_name(PREFIX), value, partition=0, headers=headers)
        return int(written.offset)
    finally:
        await producer.stop()


async def letters(bootstrap: str) -> list[tuple[bytes, dict[str, str]]]:
    """Value and headers of every dead letter."""
    place = TopicPartition(DEAD_LETTERS.full_name(PREFIX), 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        found: list[tuple[bytes, dict[str, str]]] = []
        while await consumer.position(place) < end:
            records = (await consumer.getmany(timeout_ms=500)).get(place, [])
            found += [(each.value, {name: text.decode() for name, text in each.headers}) for each in records]
        return found
    finally:
        await consumer.stop()


def test_what_could_not_be_counted_is_kept_where_it_stood_and_can_be_sent_again(cluster: Cluster) -> None:
    answer = cluster.send([GOOD, BAD]).json()
    assert (answer["accepted"], [each["messageId"] for each in answer["rejected"]]) == (1, ["bad"])
    junk, other = b"\xff no frame", f'{{"tenant":"{cluster.tenant_id}"}}\nnot json'.encode()
    lost = asyncio.run(produce(cluster.broker.bootstrap, junk, []))
    headers = [("v", b"1"), ("n", b"2"), ("d", b"0"), ("t", b"1795000000000")]
    broken = asyncio.run(produce(cluster.broker.bootstrap, other, headers))
    cluster.settle(60)

    told = {
        (value, told["reason"], told["offset"], told["index"])
        for value, told in asyncio.run(letters(cluster.broker.bootstrap))
    }
    assert (junk, "undecodable_record", str(lost), "0") in told
    assert (b"not json", "undecodable_record", str(broken), "1") in told
    assert (other.splitlines()[0], "undecodable_record", str(broken), "0") in told
    assert [json.loads(value) for value, reason, *_ in told if reason == "invalid_property"].count(BAD) == 1

    listed: list[dict[str, Any]] = [json.loads(line) for line in cluster.run("dead-letters", "list").splitlines()]
    assert len(listed) == len(told)
    (mine,) = json.loads("[" + cluster.run("dead-letters", "list", "--tenant", cluster.tenant_id) + "]")
    assert (mine["reason"], mine["field"], mine["message_id"]) == ("invalid_property", "properties.total", "bad")
    assert mine["topic"] == EVENTS.full_name(PREFIX)
    assert cluster.status()["dead_letters"] == 1

    again = cluster.run("dead-letters", "replay", "--tenant", cluster.tenant_id)
    assert again.splitlines() == ["sent again: 0 of 1", "not sent, still invalid_property: 1"]
    assert cluster.status()["events_stored"] == 1


def test_indented_events_are_counted_like_all_others(cluster: Cluster) -> None:
    before = cluster.status()["events_stored"]
    with httpx.Client(base_url=cluster.ingest.url, headers={"Authorization": f"Bearer {cluster.write_key}"}) as client:
        for number in range(401):
            item = {"event": "order_completed", "properties": {"order_id": f"i{number}", "total": 1}, "traits": {}}
            body = json.dumps(item, indent=1 if number % 10 == 0 else None)
            assert client.post("/v1/events", content=body).json()["accepted"] == 1
    cluster.settle(60)
    assert cluster.status()["events_stored"] == before + 401
