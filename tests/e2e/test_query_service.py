"""`sojourn query` as a process of its own, over a store that it reaches by HTTP: what it says with and without workers,
and what it says when the store goes away.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.store import ClickHouseStore
from schemas.tables import WATERMARKS
from tests.service import HTTP, READ_TOKEN, Service
from tests.store_server import StoreServer

pytestmark = [pytest.mark.e2e, pytest.mark.engine]
READ = {"Authorization": f"Bearer {READ_TOKEN}"}
COUNTED_TO = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    running = StoreServer(tmp_path_factory.mktemp("store"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def database(server: StoreServer, request: pytest.FixtureRequest) -> str:
    """A database of the test's own, not migrated."""
    return server.dsn(re.sub(r"\W", "_", request.node.name)[:60])


@pytest.fixture
def query(database: str, tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "query", arguments=("query",), environment={"SOJOURN_STORE_DSN": database})
    yield service
    service.kill()


def migrate(folder: Path, dsn: str) -> str:
    process = Service(folder, arguments=("migrate",), environment={"SOJOURN_STORE_DSN": dsn})
    assert process.spawn().wait(60) == 0, process.output
    return process.output


def report(dsn: str, partition: int, partitions: int, counted_to: int = COUNTED_TO) -> None:
    """What a worker does after an insert."""
    row = {"topic": "sojourn.events", "partition": partition, "counted_to": counted_to, "partitions": partitions}

    async def insert() -> None:
        store = ClickHouseStore(dsn)
        await store.insert(WATERMARKS.name, {name: [value] for name, value in row.items()})
        await store.close()

    asyncio.run(insert())


def until(service: Service, status: int, path: str = "/readyz", seconds: float = 45.0) -> dict[str, Any]:
    """The body of the first answer with this status."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = HTTP.get(service.url + path, headers=READ, timeout=15.0)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == status:
            body: dict[str, Any] = answer.json()
            return body
        time.sleep(0.05)
    raise AssertionError(f"{path} has not answered {status} in {seconds:g} s:\n{service.output}")


def reason(service: Service, wanted: str) -> str:
    """The reason of not being ready, once it says what is wanted."""
    deadline = time.monotonic() + 45
    told = ""
    while wanted not in told:
        assert time.monotonic() < deadline, told
        told = until(service, 503)["reason"]
    return told


def test_without_a_report_of_every_partition_there_is_no_number(query: Service, database: str, tmp_path: Path) -> None:
    query.spawn()
    assert "sojourn migrate" in reason(query, "migrate")
    migrate(tmp_path / "migrate", database)
    assert "no worker has reported" in reason(query, "no worker")
    refused = HTTP.get(query.url + "/v1/metrics/event_count", headers=READ)
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
    assert "no worker has reported" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) >= 1
    assert HTTP.get(query.url + "/healthz").status_code == 200
    assert HTTP.get(query.url + "/v1/metrics", headers=READ).status_code == 200

    report(database, 0, 2)
    time.sleep(1)
    assert HTTP.get(query.url + "/readyz").status_code == 503
    report(database, 1, 2, COUNTED_TO + 5_000)
    until(query, 200)
    body = query.metric("event_count")
    assert body["watermark"] == "2026-11-20T12:00:00Z"
    assert body["value"] == 0
    status = HTTP.get(query.url + "/v1/status", headers=READ).json()
    assert status["lag_records"] is None
    assert status["oldest_unprocessed_seconds"] > 0
    signals = HTTP.get(query.url + "/metrics").text
    assert "\nsojourn_watermark_age_seconds " in signals
    assert "\nsojourn_log_lag_records " not in signals
    for path in ("/docs", "/docs/page.css", "/openapi.json"):
        assert HTTP.get(query.url + path).status_code == 200
    assert httpx.post(query.url + "/v1/events", json={"event": "x"}).status_code == 404
    assert 'sojourn_store_call_seconds_count{call="query"} ' in signals
    with httpx.stream("GET", query.url + "/v1/stream?metrics=orders", headers=READ, timeout=20) as stream:
        lines = stream.iter_lines()
        assert "event: metric" in itertools.islice(lines, 10)
        assert query.terminate() == 0
        assert list(lines), "what was under way is finished, and then the stream ends"


def test_a_store_that_goes_away_is_told_and_one_that_comes_back_is_used(
    server: StoreServer, database: str, tmp_path: Path
) -> None:
    query = Service(
        tmp_path / "query",
        arguments=("query",),
        environment={"SOJOURN_STORE_DSN": database, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"},
    )
    try:
        migrate(tmp_path / "migrate", database)
        report(database, 0, 1)
        query.start()
        status = HTTP.get(query.url + "/v1/status", headers=READ).json()
        assert status["lag_records"] is None, "Kafka does not answer, and that stops nothing"
        server.kill()
        assert "watermark cannot be read" in reason(query, "watermark")
        refused = HTTP.get(query.url + "/v1/metrics/event_count", headers=READ, timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
        failures = re.search(
            r"^sojourn_watermark_read_failures_total (\d+)", HTTP.get(query.url + "/metrics").text, re.MULTILINE
        )
        assert failures is not None
        assert int(failures[1]) > 0
        server.start()
        until(query, 200)
        assert query.metric("event_count")["value"] == 0
        server.freeze()
        assert "no answer for" in reason(query, "no answer for")
        began = time.monotonic()
        assert query.terminate(30) == 0, "a dead store does not hold up the end"
        assert time.monotonic() - began < 15
    finally:
        query.kill()
        server.revive()


def test_migrating_twice_at_once_and_again_is_harmless(database: str, tmp_path: Path) -> None:
    pair = [
        Service(tmp_path / f"migrate{number}", arguments=("migrate",), environment={"SOJOURN_STORE_DSN": database})
        for number in range(2)
    ]
    assert [process.spawn().pid > 0 for process in pair] == [True, True]
    codes = [process.process.wait(60) for process in pair if process.process]
    assert codes == [0, 0], [process.output for process in pair]
    assert migrate(tmp_path / "again", database) == "0 statements applied\n"


def test_a_server_that_does_not_answer_is_given_up_without_its_password(tmp_path: Path) -> None:
    process = Service(
        tmp_path / "migrate",
        arguments=("migrate",),
        environment={"SOJOURN_STORE_DSN": "http://sojourn:hidden@127.0.0.1:9/sojourn"},
    )
    assert process.spawn().wait(60) == 70
    assert "gave up: the store http://127.0.0.1:9/sojourn does not answer" in process.output
    assert "hidden" not in process.output
