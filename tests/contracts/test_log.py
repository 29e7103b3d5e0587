"""What every log must do, whatever stands behind it: each implementation runs the same tests.

A `Rig` is a log together with handles to what it writes to: the frames that are durable, and a switch for an outage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from deploy.in_process_log import InProcessLog
from schemas.ports import LogUnavailable, StoreRejected, StoreUnavailable
from schemas.record import Frame


class ClosableLog(Protocol):
    """A log as the process that runs it sees it."""

    async def append(self, frame: Frame) -> None: ...

    def ready(self) -> bool: ...

    def watermark(self) -> int: ...

    async def close(self, seconds: float = ...) -> None: ...


@dataclass
class Sink:
    """Stands for the processor and the store; `outage` refuses, `gate` holds a write, `poison` is always refused."""

    durable: list[Frame] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    outage: bool = False
    poison: bytes = b"poison"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    now: int = 1_000
    settled: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    async def write(self, frames: Sequence[Frame]) -> None:
        self.running += 1
        assert self.running == 1, "two writes at once"
        try:
            await self.gate.wait()
            if self.outage:
                raise StoreUnavailable("no space on disk")
            if any(self.poison in frame.records for frame in frames):
                raise StoreRejected("a row that no store takes")
            self.durable.extend(frames)
            self.batches.append(len(frames))
        finally:
            self.running -= 1

    async def settle(self, since: int) -> None:
        self.settled.append(since)


def frame(text: str, received_at: int = 1_000) -> Frame:
    return Frame(received_at=received_at, records=[text.encode()])


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture(params=["in_process"])
def log(request: pytest.FixtureRequest, sink: Sink) -> ClosableLog:
    assert request.param == "in_process"
    return InProcessLog(
        sink.write, lambda: sink.now, settle=sink.settle, max_pending_bytes=1_000, retry_after_seconds=0.01
    )


async def test_an_append_returns_only_once_the_frame_is_durable(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    appending = asyncio.create_task(log.append(frame("a")))
    await asyncio.sleep(0.02)
    assert not appending.done()
    sink.gate.set()
    await appending
    assert sink.durable == [frame("a")]


async def test_appends_that_wait_for_a_write_share_the_next_one(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    first = asyncio.create_task(log.append(frame("first")))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(log.append(frame(str(n)))) for n in range(20)]
    await asyncio.sleep(0.01)
    sink.gate.set()
    await asyncio.gather(first, *rest)
    assert len(sink.durable) == 21
    assert len(sink.batches) == 2


async def test_an_outage_is_unavailable_and_never_a_success(log: ClosableLog, sink: Sink) -> None:
    sink.outage = True
    answers = await asyncio.gather(*(log.append(frame(str(n))) for n in range(5)), return_exceptions=True)
    assert all(isinstance(answer, LogUnavailable) for answer in answers)
    assert not log.ready()
    sink.outage = False
    await log.append(frame("after"))
    assert log.ready()
    assert sink.durable == [frame("after")]


async def test_a_failing_log_becomes_ready_again_by_itself_so_that_somebody_tries(log: ClosableLog, sink: Sink) -> None:
    sink.outage = True
    with pytest.raises(LogUnavailable):
        await log.append(frame("a"))
    assert not log.ready()
    sink.now += 5_000
    assert log.ready()


async def test_what_an_outage_left_half_done_is_settled_before_the_next_success(log: ClosableLog, sink: Sink) -> None:
    sink.outage = True
    with pytest.raises(LogUnavailable):
        await log.append(frame("a", received_at=900))
    sink.outage = False
    await log.append(frame("b", received_at=950))
    await log.append(frame("c", received_at=960))
    assert sink.settled == [900]


async def test_a_frame_that_the_store_refuses_takes_no_other_with_it(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    first = asyncio.create_task(log.append(frame("first")))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(log.append(frame(text))) for text in ("a", "poison", "b")]
    await asyncio.sleep(0.01)
    sink.gate.set()
    await first
    answers = await asyncio.gather(*rest, return_exceptions=True)
    assert [isinstance(answer, LogUnavailable) for answer in answers] == [False, True, False]
    assert {line for durable in sink.durable for line in durable.records} == {b"first", b"a", b"b"}


async def test_pending_bytes_are_bounded(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    first = asyncio.create_task(log.append(frame("x" * 900)))
    await asyncio.sleep(0)
    with pytest.raises(LogUnavailable):
        await log.append(frame("y" * 200))
    sink.gate.set()
    await first
    await log.append(frame("y" * 200))


async def test_the_watermark_is_the_oldest_pending_receipt_else_now(log: ClosableLog, sink: Sink) -> None:
    assert log.watermark() == 1_000
    sink.gate.clear()
    appends = [asyncio.create_task(log.append(frame(str(at), at))) for at in (900, 800)]
    await asyncio.sleep(0.01)
    assert log.watermark() == 800
    sink.gate.set()
    await asyncio.gather(*appends)
    assert log.watermark() == 1_000


async def test_close_writes_what_waits_and_refuses_what_comes(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    appends = [asyncio.create_task(log.append(frame(str(n)))) for n in range(3)]
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(log.close(5.0))
    await asyncio.sleep(0)
    assert not log.ready()
    with pytest.raises(LogUnavailable):
        await log.append(frame("late"))
    sink.gate.set()
    await closing
    await asyncio.gather(*appends)
    assert len(sink.durable) == 3


async def test_close_gives_up_after_its_bound_and_says_so(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    appending = asyncio.create_task(log.append(frame("a")))
    await asyncio.sleep(0.01)
    await log.close(0.05)
    with pytest.raises(LogUnavailable):
        await appending


async def test_a_caller_that_gives_up_does_not_stop_the_write_of_others(log: ClosableLog, sink: Sink) -> None:
    sink.gate.clear()
    gone = asyncio.create_task(log.append(frame("gone")))
    other = asyncio.create_task(log.append(frame("other")))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.sleep(0)
    sink.gate.set()
    await other
    assert {line for durable in sink.durable for line in durable.records} == {b"gone", b"other"}
