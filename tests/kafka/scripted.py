"""Kafka in memory, and a gate before any producer: what a test cannot make a real broker do at the right moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from deploy.kafka.producer import NotConnected, Producer, ProducerBroken, RecordRefused
from schemas.record import Frame, pack, unpack


@dataclass
class MemoryKafka:
    """Satisfies `Producer`: what it has acknowledged is in `frames`."""

    count: int = 8
    frames: list[Frame] = field(default_factory=list)

    def partitions(self) -> Sequence[int]:
        return range(self.count)

    async def send(self, frame: Frame, partition: int) -> None:
        value, headers = pack(frame)
        await asyncio.sleep(0)
        self.frames.append(unpack(value, headers, "events", partition, len(self.frames)))

    async def close(self, seconds: float) -> None:
        """Nothing is kept open."""


@dataclass
class Gate:
    """What stands between the log and Kafka. `open` holds records back, `broken` breaks the producer before it sends,
    `poison` is a line that Kafka refuses, `absent` lets nobody connect.
    """

    open: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    absent: str = ""
    poison: bytes = b"poison"
    connections: int = 0
    sent: list[tuple[int, Frame]] = field(default_factory=list)
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    async def passed(self, frame: Frame) -> None:
        """Return once a record may go on to Kafka. Raises what a producer raises."""
        await self.open.wait()
        if self.broken:
            raise ProducerBroken("out of order sequence number")
        if self.poison in frame.records:
            raise RecordRefused("too large")

    def around(self, connector: Callable[[str, str], Awaitable[Producer]]) -> Callable[[str, str], Awaitable[Producer]]:
        """The connector, with this gate before each producer that it makes."""

        async def connect(bootstrap: str, topic: str) -> Producer:
            if self.absent:
                raise NotConnected(self.absent)
            producer = await connector(bootstrap, topic)
            self.connections += 1
            return Gated(producer, self)

        return connect


class Gated:
    """Satisfies `Producer`. One record per partition is the rule that it watches over."""

    def __init__(self, producer: Producer, gate: Gate) -> None:
        self._producer = producer
        self._gate = gate
        self._flying: set[int] = set()
        self._spent: set[int] = set()

    def partitions(self) -> Sequence[int]:
        return self._producer.partitions()

    async def send(self, frame: Frame, partition: int) -> None:
        assert partition not in self._flying, "two unacknowledged records on one partition"
        assert partition not in self._spent, "a record after one that failed: its sequence number does not fit"
        gate = self._gate
        gate.sent.append((partition, frame))
        self._flying.add(partition)
        gate.most_in_flight = max(gate.most_in_flight, len(self._flying))
        try:
            await gate.passed(frame)
            await self._producer.send(frame, partition)
        except BaseException:
            self._spent.add(partition)
            raise
        finally:
            self._flying.discard(partition)

    async def close(self, seconds: float) -> None:
        await self._producer.close(seconds)
