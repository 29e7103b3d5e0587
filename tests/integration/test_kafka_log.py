"""The log on a real Kafka that is frozen, killed, late, without topics, or whose answers are lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.kafka.log import KafkaLog
from deploy.kafka.open_frame import FRAME_BYTES
from deploy.kafka.producer import KafkaProducer, connect
from deploy.kafka.topics import ensure_topics
from schemas.ports import LogUnavailable
from schemas.record import Frame, pack
from schemas.topics import EVENTS
from tests.kafka.broker import Broker
from tests.kafka.frames import frames, lines
from tests.kafka.jars import NoKafka
from tests.kafka.load import Clients
from tests.kafka.presence import missing
from tests.kafka.proxy import Proxy
from tests.service import free_port
from tests.waiting import until

pytestmark = pytest.mark.kafka
DEADLINE = 2.0
PENDING = 200_000
AGAIN = 2.0
"""Within how many seconds of the broker's return the log has to be ready."""


def now() -> int:
    return time.time_ns() // 1_000_000


def kafka_log(bootstrap: str, prefix: str) -> KafkaLog:
    return KafkaLog(bootstrap, prefix, now, deadline_seconds=DEADLINE, max_pending_bytes=PENDING)


async def conserved(clients: Clients, bootstrap: str, prefix: str) -> None:
    """Every acknowledged line is in the topic, and none is there twice."""
    assert clients.account(await lines(bootstrap, f"{prefix}.events")) == (0, 0)


@pytest.fixture
async def log(broker: Broker, topic_prefix: str) -> AsyncIterator[KafkaLog]:
    """On a broker that may be killed, ready."""
    await ensure_topics(broker.bootstrap, topic_prefix, 1)
    log = kafka_log(broker.bootstrap, topic_prefix)
    await log.start()
    await until(log.ready, AGAIN)
    yield log
    await log.close(5.0)


async def refused(log: KafkaLog) -> float:
    """Seconds in which an append is refused."""
    began = time.perf_counter()
    with pytest.raises(LogUnavailable) as answer:
        await log.append(Frame(now(), [b"refused"]))
    assert 1 <= answer.value.retry_after <= 2
    return time.perf_counter() - began


async def test_a_frozen_broker_costs_answers_but_no_event_no_copy_and_no_memory(
    broker: Broker, log: KafkaLog, topic_prefix: str
) -> None:
    clients = Clients(log)
    most = 0
    async with clients.running():
        await asyncio.sleep(0.5)
        broker.freeze()
        frozen = time.monotonic()
        await until(lambda: not log.ready(), 4.0)
        while time.monotonic() - frozen < 7.0:  # longer than a request may take: it is made again
            most = max(most, log.pending_bytes)
            await asyncio.sleep(0.05)
        assert await refused(log) < 0.05
        broker.thaw()
        await until(log.ready, AGAIN)
        before = len(clients.acknowledged)
        await until(lambda: len(clients.acknowledged) > before + 100, 5.0)
    assert clients.refused > 0
    assert clients.slowest < DEADLINE + 0.5
    assert 0 < most <= PENDING
    assert log.pending_bytes == 0
    await conserved(clients, broker.bootstrap, topic_prefix)


async def test_a_killed_broker_costs_answers_but_no_event_and_no_copy(
    broker: Broker, log: KafkaLog, topic_prefix: str
) -> None:
    clients = Clients(log)
    async with clients.running():
        await asyncio.sleep(0.5)
        await asyncio.to_thread(broker.kill)
        await until(lambda: not log.ready(), 4.0)
        await asyncio.sleep(0.5)
        assert await refused(log) < 0.05
        await asyncio.to_thread(broker.start)
        await until(log.ready, AGAIN)
        await asyncio.sleep(0.5)
    assert clients.refused > 0
    assert clients.slowest < DEADLINE + 0.5
    await conserved(clients, broker.bootstrap, topic_prefix)


# tests/e2e/test_ingest_service.py waits for the broker in every run.
@pytest.mark.full
async def test_a_log_that_starts_before_the_broker_refuses_until_it_is_there(broker: Broker, topic_prefix: str) -> None:
    await ensure_topics(broker.bootstrap, topic_prefix, 1)
    await asyncio.to_thread(broker.kill)
    log = kafka_log(broker.bootstrap, topic_prefix)
    began = time.perf_counter()
    await log.start()
    assert time.perf_counter() - began < 0.1
    assert not log.ready()
    await asyncio.sleep(0.5)
    assert await refused(log) < 0.05
    await asyncio.to_thread(broker.start)
    await until(log.ready, AGAIN)
    await log.append(Frame(now(), [b"a"]))
    await log.close(5.0)
    assert await lines(broker.bootstrap, f"{topic_prefix}.events") == [b"a"]


async def test_without_topics_it_is_not_ready_and_says_what_to_run(
    kafka: str, topic_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = kafka_log(kafka, topic_prefix)
    await log.start()
    with pytest.raises(LogUnavailable):
        await log.append(Frame(now(), [b"a"]))
    await asyncio.sleep(1.5)
    assert not log.ready()
    assert await refused(log) < 0.05
    assert "sojourn topics" in caplog.text
    await ensure_topics(kafka, topic_prefix, 1)
    await until(log.ready, 2 * AGAIN)
    await log.append(Frame(now(), [b"b"]))
    await log.close(5.0)


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "without_idempotence"])
async def test_lost_answers_make_copies_only_without_idempotence(
    proxied: tuple[Broker, int], topic_prefix: str, idempotent: bool
) -> None:
    broker, port = proxied
    proxy, bootstrap = Proxy(port, broker.port), f"127.0.0.1:{port}"
    await proxy.start()
    await ensure_topics(bootstrap, topic_prefix, 1)
    log = KafkaLog(bootstrap, topic_prefix, now, connector=partial(connect, idempotent=idempotent))
    await log.start()
    await until(log.ready, AGAIN)
    clients = Clients(log)
    async with clients.running():
        for _ in range(5):
            proxy.lose = 1
            await until(lambda: proxy.lose == 0, 2.0)
            await asyncio.sleep(0.2)
    await log.close(5.0)
    lost, copies = clients.account(await lines(bootstrap, f"{topic_prefix}.events"))
    await proxy.close()
    assert proxy.lost == 5
    assert lost == 0
    assert (copies == 0) == idempotent


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, int]]:
    """A broker that tells its clients to come through a proxy, and the port of that."""
    port = free_port()
    try:
        broker = Broker(tmp_path_factory.mktemp("proxied"), {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}"})
    except NoKafka as reason:
        missing(reason)
    try:
        broker.start()
        yield broker, port
    finally:
        broker.kill()


async def test_an_append_larger_than_a_record_is_cut_between_lines(kafka: str, topic_prefix: str) -> None:
    await ensure_topics(kafka, topic_prefix, 1)
    log = KafkaLog(kafka, topic_prefix, now)
    await log.start()
    records = [b"r%d" % n + b"x" * 400 for n in range(1_500)]
    letters = [b"d%d" % n + b"x" * 400 for n in range(500)]
    await log.append(Frame(now(), records, letters))
    await log.close(5.0)
    found = [each for each in await frames(kafka, f"{topic_prefix}.events") if each.size]
    assert len(found) >= 4
    assert all(len(pack(each)[0]) <= FRAME_BYTES for each in found)
    assert sorted(line for each in found for line in each.records) == sorted(records)
    assert sorted(line for each in found for line in each.dead_letters) == sorted(letters)


async def test_a_record_that_is_too_large_for_the_broker_fails_alone(kafka: str, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    topic = NewTopic(EVENTS.full_name(topic_prefix), 4, 1, topic_configs={"max.message.bytes": "20000"})
    await admin.create_topics([topic])
    await admin.close()
    log = kafka_log(kafka, topic_prefix)
    await log.start()
    await until(log.ready, AGAIN)
    texts = [b"a", b"x" * 30_000, b"b", b"c"]
    answers = await asyncio.gather(*(log.append(Frame(now(), [text])) for text in texts), return_exceptions=True)
    assert [answer is None for answer in answers] == [True, False, True, True]
    assert log.ready()
    await log.append(Frame(now(), [b"after"]))
    await log.close(5.0)
    assert sorted(await lines(kafka, f"{topic_prefix}.events")) == [b"a", b"after", b"b", b"c"]


async def test_a_producer_whose_sequence_is_broken_is_replaced(kafka: str, topic_prefix: str) -> None:
    await ensure_topics(kafka, topic_prefix, 1)
    log = kafka_log(kafka, topic_prefix)
    await log.start()
    await until(log.ready, AGAIN)
    for _ in range(20):
        await log.append(Frame(now(), [b"before"]))
    link = log._connections.link
    assert link is not None
    assert isinstance(link.producer, KafkaProducer)
    for partition in link.partitions:
        place = TopicPartition(EVENTS.full_name(topic_prefix), partition)
        link.producer._producer._txn_manager.increment_sequence_number(place, 7)
    with pytest.raises(LogUnavailable, match="Sequence"):
        await log.append(Frame(now(), [b"lost"]))
    await until(log.ready, AGAIN)
    await log.append(Frame(now(), [b"after"]))
    await log.close(5.0)
    assert set(await lines(kafka, f"{topic_prefix}.events")) == {b"before", b"after"}


async def test_close_is_bounded_while_the_broker_is_frozen(broker: Broker, log: KafkaLog) -> None:
    broker.freeze()
    appending = asyncio.create_task(log.append(Frame(now(), [b"a"])))
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    await log.close(1.0)
    assert time.perf_counter() - began < 2.0
    with pytest.raises(LogUnavailable):
        await appending


async def test_close_sends_what_waits_when_the_broker_comes_back_in_time(
    broker: Broker, log: KafkaLog, topic_prefix: str
) -> None:
    broker.freeze()
    appends = [asyncio.create_task(log.append(Frame(now(), [b"%d" % n]))) for n in range(50)]
    await asyncio.sleep(0.5)
    closing = asyncio.create_task(log.close(5.0))
    await asyncio.sleep(0.5)
    broker.thaw()
    await closing
    await asyncio.gather(*appends)
    assert len(await lines(broker.bootstrap, f"{topic_prefix}.events")) == 50


async def test_without_traffic_readiness_follows_the_broker(broker: Broker, log: KafkaLog, topic_prefix: str) -> None:
    await asyncio.sleep(3.0)
    assert log.ready()
    broker.freeze()
    await until(lambda: not log.ready(), 4.0)
    broker.thaw()
    await until(log.ready, AGAIN)
    assert not any(each.size for each in await frames(broker.bootstrap, f"{topic_prefix}.events"))
