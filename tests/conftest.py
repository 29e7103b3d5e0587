"""Fixtures that several test directories share.

A process can open one chDB folder, so every test of one run shares it, and each gets an empty database.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from deploy import garbage
from deploy.store import ClickHouseStore
from tests import databases
from tests.cluster import Cluster
from tests.databases import lent
from tests.kafka.broker import Broker
from tests.kafka.jars import NoKafka
from tests.kafka.presence import missing, seen
from tests.kafka.source import SERVERS, elsewhere
from tests.store_server import running as running_store

pytest_plugins = ["tests.rotation", "tests.distribution", "tests.duration", "tests.tables", "tests.kafka.reporting"]


def pytest_collection_finish() -> None:
    """As services do: a search for cycles would go through all that was imported and collected, again and again."""
    garbage.seldom()


@pytest.fixture(scope="session")
def engine_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The one store of this test run. Mark tests that use it `engine`."""
    dsn = f"chdb://{tmp_path_factory.mktemp('engine') / 'store'}"
    yield dsn
    asyncio.run(databases.close(dsn))


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The one store of this test run that is reached over HTTP. Do not stop it."""
    with running_store(tmp_path_factory.mktemp("server")) as dsn:
        yield dsn
        asyncio.run(databases.close(dsn))


@pytest.fixture
async def store(engine_dsn: str) -> AsyncIterator[ClickHouseStore]:
    """A migrated, empty database; a test that changes its tables takes one from `tests.databases.own`."""
    async with lent(engine_dsn) as opened:
        yield opened


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """Bootstrap servers of a real Kafka. Do not stop it: `broker` is for that."""
    with ExitStack() as stack:
        try:
            servers, source, versions = stack.enter_context(elsewhere())
        except NoKafka:
            native: Broker = request.getfixturevalue("native_broker")
            yield native.bootstrap
        else:
            seen(source, versions)
            yield servers


@pytest.fixture(scope="session")
def native_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The one native Kafka of this run beside the cluster's. Use `broker`, which leaves it running."""
    try:
        own = Broker(tmp_path_factory.mktemp("kafka"))
    except NoKafka as reason:
        missing(NoKafka(f"{reason}; or set {SERVERS}"))
    try:
        seen("native", own.start())
        yield own
    finally:
        own.kill()


@pytest.fixture
def broker(native_broker: Broker) -> Iterator[Broker]:
    """A native Kafka to be killed, frozen and started again; name topics with `topic_prefix`."""
    yield native_broker
    native_broker.revive()


@pytest.fixture
def topic_prefix() -> str:
    """First part of the names of this test's topics and groups: nobody else's."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The one Kafka, store and three services of this run. Use `cluster`, unless other tests' events do not matter."""
    try:
        own = Cluster(tmp_path_factory.mktemp("cluster"))
    except NoKafka as reason:
        missing(reason)
    with own:
        yield own


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster of this run as a tenant of the test's own sees it. What a test kills it starts again."""
    with shared_cluster.tenant(f"t{uuid.uuid4().hex[:8]}") as seen_as:
        yield seen_as
