"""When records leave, what opens and closes the breaker, and what happens to a producer that failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from deploy.kafka import log as kafka_log
from deploy.kafka.log import KafkaLog
from deploy.kafka.open_frame import FRAME_BYTES
from deploy.kafka.producer import Producer
from deploy.kafka.quiet import Seldom
from schemas.ports import LogUnavailable
from schemas.record import Frame
from tests.kafka.scripted import Gate, MemoryKafka
from tests.waiting import until


@pytest.fixture
def memory() -> MemoryKafka:
    return MemoryKafka(count=3)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def log(memory: MemoryKafka, gate: Gate) -> AsyncIterator[KafkaLog]:
    async def connect(_: str, __: str) -> Producer:
        return memory

    log = KafkaLog("nowhere", "t", lambda: 1_000, connector=gate.around(connect))
    await log.start()
    yield log
    gate.open.set()
    await log.close(1.0)


def frame(text: bytes, received_at: int = 1_000) -> Frame:
    return Frame(received_at, [text])


async def test_who_comes_while_the_first_connection_is_made_waits_for_it(log: KafkaLog, memory: MemoryKafka) -> None:
    await log.append(frame(b"a"))
    assert [each.records for each in memory.frames if each.records] == [[b"a"]]


async def test_every_partition_has_its_turn_and_never_two_records(log: KafkaLog, gate: Gate) -> None:
    await until(log.ready, 1.0)
    gate.sent.clear()
    gate.open.clear()
    appends = []
    for n in range(12):  # the gate refuses a second record on a partition
        appends.append(asyncio.create_task(log.append(frame(b"%d" % n))))
        await asyncio.sleep(0.005)
    assert sorted(partition for partition, _ in gate.sent) == [0, 1, 2]
    gate.open.set()
    await asyncio.gather(*appends)
    assert len(gate.sent) == 4  # what waited while all were busy left together


async def test_a_full_frame_does_not_wait_for_the_pace(
    log: KafkaLog, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(log.ready, 1.0)
    monkeypatch.setattr(kafka_log, "PACE_SECONDS", 30.0)
    await log.append(frame(b"first"))
    waits = asyncio.create_task(log.append(frame(b"waits")))
    await asyncio.sleep(0.05)
    assert not waits.done()
    await log.append(frame(b"x" * FRAME_BYTES))
    await waits


async def test_silence_opens_the_breaker_and_the_first_acknowledgement_closes_it(
    log: KafkaLog, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(kafka_log, "HEARTBEAT_SECONDS", 0.1)
    await until(log.ready, 1.0)
    gate.sent.clear()
    gate.open.clear()
    await until(lambda: not log.ready(), 1.0)
    await asyncio.sleep(0.2)
    with pytest.raises(LogUnavailable):
        await log.append(frame(b"a"))
    assert len([each for _, each in gate.sent if not each.records]) == 1, "one heartbeat and no more"
    gate.open.set()
    await until(log.ready, 0.2)
    await log.append(frame(b"b"))


async def test_readiness_needs_no_traffic(log: KafkaLog, memory: MemoryKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(kafka_log, "HEARTBEAT_SECONDS", 0.1)
    await until(log.ready, 1.0)
    for _ in range(20):
        await asyncio.sleep(0.05)
        assert log.ready()
    assert {len(each.records) for each in memory.frames} == {0}
    assert 3 <= len(memory.frames) <= 11


async def test_a_heartbeat_does_not_promise_more_than_what_waits(log: KafkaLog, gate: Gate) -> None:
    await until(log.ready, 1.0)
    gate.open.clear()
    appends = []
    for received_at in (900, 800, 700, 600):  # three are on their way, the last one waits
        appends.append(asyncio.create_task(log.append(frame(b"a", received_at))))
        await asyncio.sleep(0.005)
    assert log._open.received_at(1_000) == 600
    gate.open.set()
    await asyncio.gather(*appends)


async def test_a_producer_that_broke_is_replaced_and_what_had_not_left_is_sent(
    log: KafkaLog, memory: MemoryKafka, gate: Gate
) -> None:
    await until(log.ready, 1.0)
    gate.open.clear()
    lost = asyncio.create_task(log.append(frame(b"lost")))
    await asyncio.sleep(0.01)
    gate.broken = True
    gate.open.set()
    with pytest.raises(LogUnavailable, match="out of order"):
        await lost
    gate.broken = False
    await until(log.ready, 1.5)
    await log.append(frame(b"after"))
    assert gate.connections == 2
    assert [each.records for each in memory.frames if each.records] == [[b"after"]]


async def test_a_refused_record_costs_its_partition_until_the_producer_is_new(log: KafkaLog, gate: Gate) -> None:
    await until(log.ready, 1.0)
    with pytest.raises(LogUnavailable, match="refused"):
        await log.append(frame(b"poison"))
    assert log.ready()
    for n in range(10):  # the gate refuses a record after one that failed
        await log.append(frame(b"%d" % n))
    await until(lambda: gate.connections == 2, 1.5)


async def test_without_a_connection_the_reason_is_told(log: KafkaLog, gate: Gate) -> None:
    await until(log.ready, 1.0)
    gate.absent = "no topic: run `sojourn topics`"
    gate.broken = True
    with pytest.raises(LogUnavailable):
        await log.append(frame(b"a"))
    await asyncio.sleep(0.6)
    assert not log.ready()
    gate.absent, gate.broken = "", False
    await until(log.ready, 1.5)


async def test_a_log_that_was_not_started_refuses_and_can_be_closed() -> None:
    log = KafkaLog("nowhere", "t", lambda: 0)
    assert not log.ready()
    with pytest.raises(LogUnavailable):
        await log.append(frame(b"a"))
    await log.close(1.0)


def test_the_same_message_of_the_client_is_told_seldom() -> None:
    seldom = Seldom()
    records = [logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, (n,), None) for text in "ab" for n in (1, 2)]
    assert [seldom.filter(record) for record in records] == [True, False, True, False]
