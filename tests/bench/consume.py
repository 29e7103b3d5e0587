"""The least that a consumer can do, as a baseline: confluent-kafka and orjson decode and count a whole topic.

`python -m tests.bench.consume BOOTSTRAP TOPIC` prints one JSON object: events, records, CPU seconds of reading them,
how many records hold how many events, and with a second topic it first writes the events there, one a record.
"""

from __future__ import annotations

import bisect
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition

EDGES = (0, 1, 2, 5, 10, 25, 50, 100, 200, 300)
"""Upper ends of the histogram's classes, in events of a record."""


def records(bootstrap: str, topic: str, partitions: int) -> Iterator[list[Message]]:
    """Everything in the topic from its begin to its end, as it is fetched."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    ended: set[int] = set()
    while len(ended) < partitions:
        good = []
        for message in consumer.consume(1000, timeout=0.5):
            error = message.error()
            if error is None:
                good.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(int(message.partition() or 0))
        yield good
    consumer.close()


def count(bootstrap: str, topic: str, partitions: int) -> dict[str, object]:
    """Decode every event and count; what is measured is the CPU time of this process."""
    sizes: Counter[int] = Counter()
    names: Counter[str] = Counter()
    began = time.process_time()
    for some in records(bootstrap, topic, partitions):
        for message in some:
            lines = (message.value() or b"").split(b"\n")
            sizes[len(lines) if lines != [b""] else 0] += 1
            for line in lines:
                if line:
                    names[orjson.loads(line)["name"]] += 1
    seconds = time.process_time() - began
    histogram: Counter[str] = Counter()
    for size, times in sizes.items():
        at = bisect.bisect_left(EDGES, size)
        histogram[f"<={EDGES[at]}" if at < len(EDGES) else f">{EDGES[-1]}"] += times
    full = sum(times for size, times in sizes.items() if size)
    return {"events": names.total(), "records": full, "cpu_seconds": seconds, "histogram": dict(histogram)}


def part(bootstrap: str, topic: str, partitions: int, singles: str) -> None:
    """Write every event of the topic to another one, as a record of its own."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    turn = 0
    for some in records(bootstrap, topic, partitions):
        for message in some:
            for line in filter(None, (message.value() or b"").split(b"\n")):
                producer.produce(singles, line, partition=turn % partitions)
                turn += 1
                producer.poll(0)
    producer.flush(60)


if __name__ == "__main__":
    bootstrap, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if len(sys.argv) > 4:
        part(bootstrap, topic, partitions, sys.argv[4])
        topic = sys.argv[4]
    print(json.dumps(count(bootstrap, topic, partitions)))
