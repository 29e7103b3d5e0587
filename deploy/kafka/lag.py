"""How much of Kafka's log the processors have not counted, seen from outside: also what nobody reads is seen.

A partition that no worker was given, or a worker that says it is well and does nothing, shows here and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

from deploy.kafka.offsets import TopicOffsets
from deploy.kafka.security import options
from deploy.repeating import Repeating
from schemas.kafka_security import OPEN, KafkaSecurity
from schemas.topics import EVENTS, processors_group

SECONDS = 5.0
CLOSE_SECONDS = 2.0
PAUSE_SECONDS = 0.2
WATCH_SECONDS = 1.0
COORDINATION = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)
"""What passes by itself; the first is the answer to the first question that is ever asked about any group."""


class LagUnknown(Exception):
    """Kafka does not tell now; the next measurement may succeed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Records (frames) that are not counted, by partition."""

    records: Mapping[int, int]

    @property
    def total(self) -> int:
        return sum(self.records.values())


def uncounted(ends: Mapping[int, int], begins: Mapping[int, int], committed: Mapping[int, int]) -> Mapping[int, int]:
    """Per partition what stands behind the committed offset; without one (or below what is still kept), all of it."""
    return {
        partition: max(0, end - max(committed.get(partition, 0), begins.get(partition, 0)))
        for partition, end in ends.items()
    }


class Lag:
    """Asks over connections of its own, which are made again after every failure."""

    def __init__(
        self, bootstrap: str, prefix: str, security: KafkaSecurity = OPEN, *, seconds: float = SECONDS
    ) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._topic = EVENTS.full_name(prefix)
        self._group = processors_group(prefix)
        self._seconds = seconds
        self._clients: tuple[TopicOffsets, AIOKafkaAdminClient] | None = None

    async def measure(self) -> Measured:
        """The lag now. Raises `LagUnknown`, at the latest after `seconds` and a little."""
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    try:
                        return await self._measure()
                    except COORDINATION:
                        await asyncio.sleep(PAUSE_SECONDS)
        except LagUnknown:
            raise
        except TimeoutError:
            await self.close()
            raise LagUnknown(f"Kafka did not answer within {self._seconds:g} s") from None
        except Exception as error:  # the client also lets an AttributeError or an assertion out
            await self.close()
            raise LagUnknown(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Bounded in time also while the broker is frozen. Raises nothing."""
        clients, self._clients = self._clients, None
        if clients is not None:
            stops = [asyncio.ensure_future(client.close()) for client in clients]
            _, late = await asyncio.wait(stops, timeout=CLOSE_SECONDS)
            for stop in late:
                stop.cancel()
            await asyncio.gather(*stops, return_exceptions=True)

    async def _measure(self) -> Measured:
        if self._clients is None:
            # Connected by the first measurement, so that a service starts without Kafka.
            admin = AIOKafkaAdminClient(
                bootstrap_servers=self._bootstrap.split(","),
                request_timeout_ms=int(self._seconds * 1000),
                client_id="sojourn-lag",
                **options(self._security),
            )
            self._clients = TopicOffsets(self._bootstrap, self._topic, self._security), admin
            await admin.start()
        offsets, admin = self._clients
        (topic,) = await admin.describe_topics([self._topic])
        places = [TopicPartition(self._topic, each["partition"]) for each in topic["partitions"]]
        if not places:
            raise LagUnknown(f"Kafka has no topic {self._topic}")
        partitions = [place.partition for place in places]
        ends, begins = await offsets.ends(partitions), await offsets.begins(partitions)
        committed = await admin.list_consumer_group_offsets(self._group, partitions=places)
        return Measured(
            uncounted(
                ends,
                begins,
                {place.partition: found.offset for place, found in committed.items()},
            )
        )


class WatchedLag:
    """The lag, measured again every second beside whatever else a service does."""

    def __init__(self, lag: Lag) -> None:
        self.records: int | None = None
        """Unknown while Kafka does not tell: an old number would look like a present one."""
        self._lag = lag

    async def measure(self) -> None:
        """Raises `LagUnknown`."""
        try:
            self.records = (await self._lag.measure()).total
        except Exception:
            self.records = None
            raise


async def watched(bootstrap: str, prefix: str, security: KafkaSecurity, stack: AsyncExitStack) -> WatchedLag:
    """Watch the lag until `stack` closes; that Kafka does not answer is logged and stops nothing."""
    lag = Lag(bootstrap, prefix, security)
    stack.push_async_callback(lag.close)
    watch = WatchedLag(lag)
    await stack.enter_async_context(Repeating("the lag of the log", watch.measure, WATCH_SECONDS))
    return watch
