"""`sojourn ingest` as a process of its own: what it says while there is no Kafka, and how it ends."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.kafka.broker import Broker
from tests.service import HTTP, READ_TOKEN, WRITE_KEY, Service

pytestmark = [pytest.mark.e2e, pytest.mark.long]
NOBODY = "127.0.0.1:9"
DEADLINE = 2


def ingest(folder: Path, kafka: str) -> Service:
    return Service(
        folder,
        arguments=("ingest",),
        environment={"KAFKA_BOOTSTRAP_SERVERS": kafka, "SOJOURN_DEADLINE_SECONDS": str(DEADLINE)},
    )


def listening(service: Service) -> Service:
    """The service, started, once it answers anything."""
    process = service.spawn()
    deadline = time.monotonic() + 30
    while "is running at" not in service.output:
        assert process.poll() is None, service.output
        assert time.monotonic() < deadline, service.output
        time.sleep(0.05)
    return service


def topics(folder: Path, kafka: str) -> None:
    process = Service(folder, arguments=("topics",), environment={"KAFKA_BOOTSTRAP_SERVERS": kafka})
    assert process.spawn().wait(60) == 0, process.output


def seconds_until_ready(service: Service) -> float:
    began = time.monotonic()
    while HTTP.get(service.url + "/readyz").status_code != 200:
        assert time.monotonic() - began < 30
        time.sleep(0.02)
    return time.monotonic() - began


async def flying(service: Service, count: int) -> list[int]:
    """The statuses of requests of which all are on their way when the service is told to stop; 0: not answered."""
    headers = {"Authorization": f"Bearer {WRITE_KEY}"}
    async with httpx.AsyncClient(base_url=service.url, timeout=30.0, headers=headers) as http:

        async def one(number: int) -> int:
            body = {"event": "e2e_flying", "messageId": f"f{number}"}
            try:
                return (await http.post("/v1/events", json=body)).status_code
            except httpx.TransportError:
                return 0

        sent = [asyncio.create_task(one(number)) for number in range(count)]
        await asyncio.sleep(0.3)
        assert service.process is not None
        service.process.terminate()
        return list(await asyncio.gather(*sent))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An ingest that no Kafka answers."""
    service = listening(ingest(tmp_path_factory.mktemp("alone") / "data", NOBODY))
    yield service
    service.kill()


def test_without_kafka_it_is_alive_and_unready_and_answers_503_in_time(alone: Service) -> None:
    assert HTTP.get(alone.url + "/healthz").status_code == 200
    unready = HTTP.get(alone.url + "/readyz")
    assert (unready.status_code, unready.json()["reason"]) == (503, "the log does not take events")
    began = time.monotonic()
    refused = alone.send({"event": "x"})
    assert time.monotonic() - began < DEADLINE + 1
    assert (refused.status_code, refused.json()["code"]) == (503, "log_unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    assert re.search(r"^sojourn_log_ready 0$", HTTP.get(alone.url + "/metrics").text, re.MULTILINE)


def test_it_documents_its_own_side_and_has_no_other(alone: Service) -> None:
    for path in ("/docs", "/docs/page.css"):
        assert HTTP.get(alone.url + path).status_code == 200
    paths = HTTP.get(alone.url + "/openapi.json").json()["paths"]
    assert {"/v1/events", "/healthz", "/readyz", "/metrics"} <= paths.keys()
    assert not any(path.startswith("/v1/metrics") for path in paths)
    read = HTTP.get(alone.url + "/v1/metrics", headers={"Authorization": f"Bearer {READ_TOKEN}"})
    assert (read.status_code, read.json()["code"]) == (404, "not_found")


def test_keys_are_checked_before_kafka_is_asked(alone: Service) -> None:
    assert alone.send({"event": "x"}, Authorization="Bearer nobody").status_code == 401
    assert alone.send({"event": "x"}, Authorization=f"Bearer {READ_TOKEN}").status_code == 403


def test_without_kafka_it_ends_as_quickly_as_with_it(tmp_path: Path) -> None:
    service = listening(ingest(tmp_path / "data", NOBODY))
    began = time.monotonic()
    assert service.terminate() == 0
    assert time.monotonic() - began < 5


@pytest.mark.kafka
def test_requests_in_flight_are_answered_across_sigterm_also_when_the_broker_is_frozen(
    broker: Broker, tmp_path: Path
) -> None:
    topics(tmp_path / "topics", broker.bootstrap)
    service = ingest(tmp_path / "data", broker.bootstrap)
    service.start()
    assert service.send({"event": "x"}).status_code == 202
    broker.freeze()
    began = time.monotonic()
    statuses = asyncio.run(flying(service, 40))
    assert service.process is not None
    assert service.process.wait(30) == 0
    assert time.monotonic() - began < DEADLINE + 10
    assert set(statuses) == {503}, "every one was told that nobody knows"
    broker.thaw()
    service.start()
    assert set(asyncio.run(flying(service, 40))) == {202}
    assert service.process.wait(30) == 0


@pytest.mark.kafka
def test_it_is_ready_within_two_seconds_of_kafka_being_back(broker: Broker, tmp_path: Path) -> None:
    topics(tmp_path / "topics", broker.bootstrap)
    broker.kill()
    service = listening(ingest(tmp_path / "data", broker.bootstrap))
    try:
        assert HTTP.get(service.url + "/readyz").status_code == 503
        broker.start()
        assert seconds_until_ready(service) < 2
        assert service.send({"event": "x"}).status_code == 202
    finally:
        service.kill()
