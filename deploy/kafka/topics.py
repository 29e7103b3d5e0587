"""Make Kafka's topics what schemas/topics.py declares. Safe to repeat and to run twice at once; nothing is removed.

It looks, makes what is missing, and looks again, until everything is there: so it does not matter who made it, nor that
the admin client tells most failures as codes. What an operator has set on a topic that exists is left alone (the one
request with which aiokafka alters settings would reset all that it does not name).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidTopicError,
    KafkaError,
    NoError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from deploy.kafka.security import options
from schemas.kafka_security import OPEN, KafkaSecurity
from schemas.topics import MAX_RECORD_BYTES, TOPICS, Topic

logger = logging.getLogger(__name__)

SECONDS = 15.0
REQUEST_SECONDS = 5.0
PAUSE_SECONDS = 0.3
FINAL = (
    ClusterAuthorizationFailedError,
    InvalidConfigurationError,
    InvalidTopicError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)
"""What does not pass by waiting. A replication that is too high may: brokers that just start are not counted yet."""


class TopicsRefused(Exception):
    """Kafka does not answer, or does not make the topics."""


def configuration(topic: Topic, replication: int) -> dict[str, str]:
    """The settings that a topic is made with."""
    settings = {
        "retention.ms": str(topic.retention_hours * 3_600_000),
        "max.message.bytes": str(MAX_RECORD_BYTES),
    }
    if replication >= 3:
        settings["min.insync.replicas"] = "2"  # an acknowledgement then survives the loss of a machine
    return settings


async def ensure_topics(
    bootstrap: str, prefix: str, replication: int, security: KafkaSecurity = OPEN, *, seconds: float = SECONDS
) -> list[str]:
    """Make what is missing; answers the names of the topics that were made or got more partitions.

    Raises `TopicsRefused`, at the latest after `seconds`.
    """
    declared = {topic.full_name(prefix): topic for topic in TOPICS.values()}
    changed: set[str] = set()
    reason = "no answer"
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    async with _admin(bootstrap, security) as admin:
                        await _make(admin, declared, replication, changed)
                    return sorted(changed)
                except FINAL as error:
                    raise TopicsRefused(f"Kafka at {bootstrap} does not make the topics: {error}") from error
                except (KafkaError, OSError, TimeoutError, AttributeError) as error:
                    # AttributeError: the client asks a controller that a starting broker has not named yet.
                    reason = str(error) or type(error).__name__
                    logger.info("making topics failed, trying again: %s", reason)
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise TopicsRefused(f"no topics at {bootstrap} after {seconds:g} s: {reason}") from None


@asynccontextmanager
async def _admin(bootstrap: str, security: KafkaSecurity) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap.split(","),
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
        client_id="sojourn-setup",
        **options(security),
    )
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _make(admin: AIOKafkaAdminClient, declared: Mapping[str, Topic], replication: int, changed: set[str]) -> None:
    while True:
        found = await _partitions(admin, list(declared))
        missing = [name for name in declared if name not in found]
        narrow = [name for name, count in found.items() if count < declared[name].partitions]
        if not missing and not narrow:
            return
        if missing:
            changed.update(await _create(admin, {name: declared[name] for name in missing}, replication))
        for name in narrow:
            try:
                await admin.create_partitions({name: NewPartitions(declared[name].partitions)})
                changed.add(name)
            except InvalidPartitionsError:
                pass  # somebody else has just added them: the next look tells
        await asyncio.sleep(PAUSE_SECONDS)  # until every broker has heard of it


async def _partitions(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """How many partitions each topic that exists has."""
    found: dict[str, int] = {}
    for topic in await admin.describe_topics(names):
        error = for_code(topic["error_code"])
        if error is NoError:
            found[topic["topic"]] = len(topic["partitions"])
        elif error is not UnknownTopicOrPartitionError:
            raise error(topic["topic"])
    return found


async def _create(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic], replication: int) -> list[str]:
    """The names of those that were made here. Raises the error of the first that could not be."""
    asked = [
        NewTopic(name, topic.partitions, replication, topic_configs=configuration(topic, replication))
        for name, topic in topics.items()
    ]
    response = await admin.create_topics(asked)
    made: list[str] = []
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if error is NoError:
            made.append(name)
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message}")
    return made
