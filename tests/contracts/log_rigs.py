"""Each log with handles to what it writes to, so that one suite can hold all of them to the same rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deploy.in_process_log import InProcessLog
from deploy.kafka.log import KafkaLog
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.record import Frame
from tests.kafka.scripted import Gate
from tests.waiting import until

MAX_PENDING = 1_000
DEADLINE = 0.6


class ClosableLog(Protocol):
    """A log as the process that runs it sees it."""

    @property
    def pending_bytes(self) -> int: ...

    async def append(self, frame: Frame) -> None: ...

    def ready(self) -> bool: ...

    def pending_records(self) -> int: ...

    async def close(self, seconds: float = ...) -> None: ...


class Rig(Protocol):
    """A log and a hand on what stands behind it."""

    @property
    def log(self) -> ClosableLog: ...

    def hold(self) -> None:
        """Nothing that is written becomes durable from now on..."""
        ...

    def release(self) -> None:
        """...until now."""
        ...

    def fail(self, failing: bool) -> None:
        """Every write fails while this is so."""
        ...

    async def wait_until_ready(self) -> None:
        """Give the log the time that it takes to see that it can write again."""
        ...

    async def durable(self) -> list[bytes]:
        """Lines that are durable, in no particular order."""
        ...

    def writes(self) -> int:
        """How many writes have succeeded or failed, whatever was joined in them."""
        ...


@dataclass
class InProcess:
    """Satisfies `Rig`. Stands for the processor and the store as well."""

    frames: list[Frame] = field(default_factory=list)
    batches: int = 0
    outage: bool = False
    poison: bytes = b"poison"
    uncountable: bytes = b"uncountable"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    now: int = 1_000
    settled: list[int] = field(default_factory=list)
    log: InProcessLog = field(init=False)

    def __post_init__(self) -> None:
        self.gate.set()
        self.log = InProcessLog(
            self.write,
            lambda: self.now,
            settle=self.settle,
            max_pending_bytes=MAX_PENDING,
            deadline_seconds=DEADLINE,
            retry_after_seconds=0.01,
        )

    async def write(self, frames: Sequence[Frame]) -> dict[bytes, str]:
        self.running += 1
        assert self.running == 1, "two writes at once"
        try:
            await self.gate.wait()
            if self.outage:
                raise StoreUnavailable("no space on disk")
            if any(self.poison in frame.records for frame in frames):
                raise StoreRejected("a row that no store takes")
            self.frames.extend(frames)
            self.batches += 1
            return {self.uncountable: "no store takes it"}
        finally:
            self.running -= 1

    async def settle(self, since: int) -> None:
        self.settled.append(since)

    def hold(self) -> None:
        self.gate.clear()

    def release(self) -> None:
        self.gate.set()

    def fail(self, failing: bool) -> None:
        self.outage = failing

    async def wait_until_ready(self) -> None:
        self.now += 5_000
        assert self.log.ready()

    async def durable(self) -> list[bytes]:
        return [line for frame in self.frames for line in frame.records]

    def writes(self) -> int:
        return self.batches


@dataclass
class OnKafka:
    """Satisfies `Rig` with Kafka, in memory or real, behind a gate; `read` tells which lines are in the topic."""

    log: KafkaLog
    gate: Gate
    read: Callable[[], Awaitable[list[bytes]]]

    def hold(self) -> None:
        self.gate.open.clear()

    def release(self) -> None:
        self.gate.open.set()

    def fail(self, failing: bool) -> None:
        self.gate.broken = failing

    async def wait_until_ready(self) -> None:
        await until(self.log.ready, 2.0)

    async def durable(self) -> list[bytes]:
        return await self.read()

    def writes(self) -> int:
        return sum(1 for _, frame in self.gate.sent if frame.records)
