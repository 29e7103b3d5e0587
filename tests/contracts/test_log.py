"""What every log must do, whatever stands behind it: the in-process one, and the one on Kafka, both with a Kafka in
memory and with a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.kafka.log import KafkaLog
from deploy.kafka.producer import Producer, connect
from deploy.kafka.topics import ensure_topics
from schemas.ports import LogUnavailable, RecordsRefused
from schemas.record import Frame
from schemas.topics import EVENTS
from tests.contracts.log_rigs import DEADLINE, MAX_PENDING, InProcess, OnKafka, Rig
from tests.kafka.frames import lines
from tests.kafka.scripted import Gate, MemoryKafka


def frame(text: str, received_at: int = 1_000) -> Frame:
    return Frame(received_at=received_at, records=[text.encode()])


def kafka_log(gate: Gate, connector: Producer | None, bootstrap: str = "", prefix: str = "") -> KafkaLog:
    async def given(_: str, __: str) -> Producer:
        assert connector is not None
        return connector

    return KafkaLog(
        bootstrap,
        prefix,
        lambda: 1_000,
        deadline_seconds=DEADLINE,
        max_pending_bytes=MAX_PENDING,
        connector=gate.around(given if connector else connect),
    )


@pytest.fixture(params=["in_process", "kafka_in_memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    if request.param == "in_process":
        yield InProcess()
        return
    gate = Gate()
    if request.param == "kafka_in_memory":
        memory = MemoryKafka()

        async def read() -> list[bytes]:
            return [line for each in memory.frames for line in each.records]

        rig = OnKafka(kafka_log(gate, memory), gate, read)
    else:
        bootstrap, prefix = request.getfixturevalue("kafka"), request.getfixturevalue("topic_prefix")
        await ensure_topics(bootstrap, prefix, 1)
        topic = EVENTS.full_name(prefix)
        rig = OnKafka(kafka_log(gate, None, bootstrap, prefix), gate, lambda: lines(bootstrap, topic))
    await rig.log.start()
    await rig.wait_until_ready()
    yield rig
    gate.open.set()
    await rig.log.close(5.0)


@pytest.fixture
def in_process() -> InProcess:
    return InProcess()


async def test_an_append_returns_only_once_the_frame_is_durable(rig: Rig) -> None:
    rig.hold()
    appending = asyncio.create_task(rig.log.append(frame("a")))
    await asyncio.sleep(0.05)
    assert not appending.done()
    assert rig.log.pending_records() == 1
    rig.release()
    await appending
    assert await rig.durable() == [b"a"]
    assert rig.log.pending_records() == 0
    assert rig.log.pending_bytes == 0


async def test_appends_that_wait_for_a_write_share_the_next_one(rig: Rig) -> None:
    rig.hold()
    first = asyncio.create_task(rig.log.append(frame("first")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(rig.log.append(frame(str(n)))) for n in range(20)]
    await asyncio.sleep(0.02)
    rig.release()
    await asyncio.gather(first, *rest)
    assert len(await rig.durable()) == 21
    assert rig.writes() == 2


async def test_an_outage_is_unavailable_and_never_a_success(rig: Rig) -> None:
    rig.fail(True)
    answers = await asyncio.gather(*(rig.log.append(frame(str(n))) for n in range(5)), return_exceptions=True)
    assert all(isinstance(answer, LogUnavailable) for answer in answers)
    assert not rig.log.ready()
    rig.fail(False)
    await rig.wait_until_ready()
    await rig.log.append(frame("after"))
    assert rig.log.ready()
    assert await rig.durable() == [b"after"]


async def test_a_failing_log_becomes_ready_again_by_itself_so_that_somebody_tries(rig: Rig) -> None:
    rig.fail(True)
    with pytest.raises(LogUnavailable):
        await rig.log.append(frame("a"))
    assert not rig.log.ready()
    rig.fail(False)
    await rig.wait_until_ready()
    assert rig.log.ready()


async def test_a_frame_that_is_refused_takes_no_other_with_it(rig: Rig) -> None:
    rig.hold()
    first = asyncio.create_task(rig.log.append(frame("first")))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(rig.log.append(frame(text))) for text in ("a", "poison", "b")]
    await asyncio.sleep(0.02)
    rig.release()
    await first
    answers = await asyncio.gather(*rest, return_exceptions=True)
    assert [isinstance(answer, LogUnavailable) for answer in answers] == [False, True, False]
    assert set(await rig.durable()) == {b"first", b"a", b"b"}


async def test_pending_bytes_are_bounded(rig: Rig) -> None:
    rig.hold()
    first = asyncio.create_task(rig.log.append(frame("x" * 900)))
    await asyncio.sleep(0)
    with pytest.raises(LogUnavailable):
        await rig.log.append(frame("y" * 200))
    rig.release()
    await first
    await rig.log.append(frame("y" * 200))


async def test_an_append_ends_at_the_deadline_and_its_write_goes_on(rig: Rig) -> None:
    rig.hold()
    began = asyncio.get_running_loop().time()
    with pytest.raises(LogUnavailable):
        await rig.log.append(frame("late"))
    assert DEADLINE / 2 < asyncio.get_running_loop().time() - began < DEADLINE + 0.2
    assert rig.log.pending_bytes > 0
    rig.release()
    await rig.log.append(frame("after"))
    assert set(await rig.durable()) == {b"late", b"after"}
    assert rig.log.pending_bytes == 0


async def test_close_writes_what_waits_and_refuses_what_comes(rig: Rig) -> None:
    rig.hold()
    appends = [asyncio.create_task(rig.log.append(frame(str(n)))) for n in range(3)]
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(rig.log.close(5.0))
    await asyncio.sleep(0)
    assert not rig.log.ready()
    with pytest.raises(LogUnavailable):
        await rig.log.append(frame("late"))
    rig.release()
    await closing
    await asyncio.gather(*appends)
    assert set(await rig.durable()) == {b"0", b"1", b"2"}


async def test_close_gives_up_after_its_bound_and_says_so(rig: Rig) -> None:
    rig.hold()
    appending = asyncio.create_task(rig.log.append(frame("a")))
    await asyncio.sleep(0.01)
    await rig.log.close(0.05)
    with pytest.raises(LogUnavailable):
        await appending


async def test_a_caller_that_gives_up_does_not_stop_the_write_of_others(rig: Rig) -> None:
    rig.hold()
    gone = asyncio.create_task(rig.log.append(frame("gone")))
    other = asyncio.create_task(rig.log.append(frame("other")))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.sleep(0)
    rig.release()
    await other
    assert set(await rig.durable()) == {b"gone", b"other"}


# Only the in-process log knows the store behind it.


async def test_whoever_sent_what_can_never_be_counted_is_the_one_to_hear_of_it(in_process: InProcess) -> None:
    mixed = Frame(1_000, [b"a", b"uncountable", b"b"])
    answers = await asyncio.gather(
        in_process.log.append(frame("other")), in_process.log.append(mixed), return_exceptions=True
    )
    assert answers[0] is None
    assert isinstance(answers[1], RecordsRefused)
    assert answers[1].refused == {1: "no store takes it"}


async def test_what_an_outage_left_half_done_is_settled_before_the_next_success(in_process: InProcess) -> None:
    log = in_process.log
    in_process.outage = True
    with pytest.raises(LogUnavailable):
        await log.append(frame("a", received_at=900))
    in_process.outage = False
    await log.append(frame("b", received_at=950))
    await log.append(frame("c", received_at=960))
    assert in_process.settled == [900]


async def test_the_watermark_is_the_oldest_pending_receipt_else_now(in_process: InProcess) -> None:
    log = in_process.log
    assert log.watermark() == 1_000
    in_process.hold()
    appends = [asyncio.create_task(log.append(frame(str(at), at))) for at in (900, 800)]
    await asyncio.sleep(0.01)
    assert log.watermark() == 800
    in_process.release()
    await asyncio.gather(*appends)
    assert log.watermark() == 1_000
