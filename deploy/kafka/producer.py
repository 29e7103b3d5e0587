"""The one module that knows aiokafka's producer: connect, send a frame as one record, stop, each bounded in time.

Idempotent and acks=all: a response that was lost or came late makes no second copy, and a record that may be sent
again is sent again until Kafka answers, for as long as that takes. What aiokafka does not do is done here:

- `start()` fails without a broker and loops for ever with one that takes no producer; `connect` does neither.
- Every failed record leaves a gap in its partition's sequence, after which the broker refuses all that follow: the
  producer must be replaced, and `send` says so.
- `stop()` waits for what may never be answered, and when it is cut short it leaves its tasks behind.

Records are not compressed: of the codecs that aiokafka has without another dependency only gzip is there, and it costs
more than everything else together. A topic may be given `compression.type=zstd`; the broker then does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    ProducerClosed,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)

from deploy.kafka.quiet import quiet
from deploy.kafka.security import options
from schemas.kafka_security import OPEN, KafkaSecurity
from schemas.record import Frame, pack
from schemas.topics import MAX_RECORD_BYTES

logger = logging.getLogger(__name__)

REQUEST_SECONDS = 5.0
RETRY_SECONDS = 0.1
METADATA_SECONDS = 10.0
"""How old the knowledge of partitions and leaders may become."""
TOPIC_SECONDS = 1.0
START_SECONDS = 20.0
"""Above the three requests that a start makes, so that it is cut only when it loops."""

REFUSALS = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTimestampError,
    CorruptRecordException,
    PolicyViolationError,
)


class RecordRefused(Exception):
    """Kafka does not take this record and has not kept it; others it may take. The partition needs a new producer."""


class ProducerBroken(Exception):
    """The record's outcome is unknown and this producer is not to be used any more."""


class NotConnected(Exception):
    """There is no producer now; trying again later may help."""


class Producer(Protocol):
    """A connection that was made."""

    def partitions(self) -> Sequence[int]:
        """The partitions that have a leader, or all if none is known to have."""
        ...

    async def send(self, frame: Frame, partition: int) -> None:
        """Return once all in-sync replicas have the record. Raises `RecordRefused`, `ProducerBroken`.

        Unbounded in time: whoever cannot wait stops waiting, and the record may still arrive.
        """
        ...

    async def close(self, seconds: float) -> None:
        """Stop without flushing: whatever is being sent fails, though it may be in the log. Raises nothing."""
        ...


class KafkaProducer:
    """Satisfies `Producer` on top of aiokafka."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    def partitions(self) -> Sequence[int]:
        cluster = self._producer.client.cluster
        found = cluster.available_partitions_for_topic(self._topic) or cluster.partitions_for_topic(self._topic)
        return tuple(sorted(found or ()))

    async def send(self, frame: Frame, partition: int) -> None:
        value, headers = pack(frame)
        try:
            await (await self._producer.send(self._topic, value, partition=partition, headers=headers))
        except REFUSALS as error:
            raise RecordRefused(_text(error)) from error
        except Exception as error:  # also an assertion or a key error of the client: nothing of it is certain any more
            raise ProducerBroken(_text(error)) from error

    async def close(self, seconds: float) -> None:
        # stop() flushes first, which a frozen broker makes endless; so its sender is ended and its waiters are failed
        # before. A cancelled sender waits for its requests, which a second cancellation ends.
        sender = self._producer._sender.sender_task
        until = asyncio.get_running_loop().time() + seconds
        while sender is not None and not sender.done() and asyncio.get_running_loop().time() < until:
            sender.cancel()
            await asyncio.wait({sender}, timeout=0.1)
        accumulator = self._producer._message_accumulator
        for batch in (each for batches in accumulator._batches.values() for each in batches):
            batch._drain_waiter.cancel()  # nobody looks at it, and asyncio would complain of its exception
        accumulator.fail_all(ProducerClosed())
        await _stop(self._producer, max(0.2, until - asyncio.get_running_loop().time()))


async def connect(bootstrap: str, topic: str, *, security: KafkaSecurity = OPEN, idempotent: bool = True) -> Producer:
    """A producer that knows the topic's partitions. Raises `NotConnected`; bounded in time."""
    quiet()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap.split(","),
        client_id="sojourn-ingest",
        acks="all",
        enable_idempotence=idempotent,
        linger_ms=0,  # frames are filled before they come here
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
        retry_backoff_ms=int(RETRY_SECONDS * 1000),
        metadata_max_age_ms=int(METADATA_SECONDS * 1000),
        max_request_size=MAX_RECORD_BYTES,
        **options(security),
    )
    started = False
    try:
        async with asyncio.timeout(START_SECONDS):
            await producer.start()
        started = True
        async with asyncio.timeout(TOPIC_SECONDS):
            await producer.partitions_for(topic)
    except asyncio.CancelledError:
        await _stop(producer, 1.0)
        raise
    except Exception as error:
        await _stop(producer, 1.0)
        if started and isinstance(error, (UnknownTopicOrPartitionError, TimeoutError)):
            raise NotConnected(f"Kafka has no topic {topic}: create it with `sojourn topics`") from error
        raise NotConnected(f"Kafka at {bootstrap} cannot be used: {_text(error)}") from error
    return KafkaProducer(producer, topic)


async def _stop(producer: AIOKafkaProducer, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            try:
                await producer.stop()
            except Exception as error:  # noqa: BLE001 -- it is thrown away, in whatever state it is
                logger.debug("a producer did not stop cleanly: %r", error)


def _text(error: BaseException) -> str:
    text = str(error)
    name = type(error).__name__
    return text if name in text else f"{name}: {text}".rstrip(": ")
