"""The routes on the web framework: paths, documented answers, and bodies that are cut off while they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from ingest.app import router
from ingest.protocols import PROTOCOLS
from ingest.service import Ingest
from schemas.tenants import PROTOCOL_SOURCES
from tests.unit.ingest.memory_log import MemoryLog

BODY = b'{"event":"page","messageId":"m1"}'


@pytest.fixture
async def client(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router(ingest))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"x-write-key": "wk_demo"}) as it:
        yield it


async def test_every_path_of_every_family_is_mounted(client: httpx.AsyncClient) -> None:
    for protocol in PROTOCOLS.values():
        for route in protocol.routes:
            assert (await client.post(route.path, content=b"{}")).status_code in (200, 422), route.path
            preflight = await client.options(route.path, headers={"origin": "https://any.example"})
            assert preflight.status_code == 204
    assert (await client.get("/v1/projects/wk_demo/settings")).status_code == 200
    assert (await client.post("/v1/webhooks/zendesk/zd1", content=b"{}")).status_code == 401


async def test_an_event_is_stored_and_acknowledged(client: httpx.AsyncClient, log: MemoryLog) -> None:
    response = await client.post("/v1/events", content=BODY)
    assert (response.status_code, response.json()["accepted"]) == (202, 1)
    assert len(log.records) == 1


async def test_a_declared_length_beyond_the_limit_is_refused_at_once(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/events", content=b" " * 1_000_001)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


async def test_a_body_without_length_is_cut_off_at_the_limit(ingest: Ingest) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 10_000

    app = FastAPI()
    app.include_router(router(Ingest(ingest._log, ingest._tenants)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.post("/v1/events", content=endless())
    assert response.status_code == 413
    assert sent < 110


async def test_bodies_in_memory_count_against_the_budget(client: httpx.AsyncClient, ingest: Ingest) -> None:
    response = await client.post("/v1/events", content=b" " * 100_001)
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert "retry-after" in response.headers
    assert ingest.budget.held == 0


def test_no_webhook_source_can_be_taken_for_a_client_family() -> None:
    assert {route.dialect.source for protocol in PROTOCOLS.values() for route in protocol.routes} == PROTOCOL_SOURCES


async def test_the_documents_list_every_status(ingest: Ingest) -> None:
    app = FastAPI()
    app.include_router(router(ingest))
    paths = app.openapi()["paths"]
    assert set(paths["/v1/events"]["post"]["responses"]) >= {"202", "400", "401", "403", "413", "415", "422", "503"}
    assert set(paths["/v1/batch"]["post"]["responses"]) >= {"200", "400", "401", "403", "413", "415", "503"}
    assert set(paths["/v1/webhooks/{kind}/{source_id}"]["post"]["responses"]) >= {"200", "400", "401", "404", "503"}
