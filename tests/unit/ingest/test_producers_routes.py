"""The routes over HTTP: paths, documented answers, and bodies that are cut off while they arrive.

Every test runs twice: on the documented routes of the web framework, and on the dispatcher in front of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ingest.app import router
from ingest.dispatcher import App, Dispatcher, Message, Receive, Scope, Send
from ingest.protocols import PROTOCOLS
from ingest.service import Ingest
from schemas.tenants import PROTOCOL_SOURCES
from tests.unit.ingest.memory_log import MemoryLog

BODY = b'{"event":"page","messageId":"m1"}'


@pytest.fixture(params=["documented routes", "dispatcher"])
def app(request: pytest.FixtureRequest, ingest: Ingest) -> App:
    documented = FastAPI()
    documented.include_router(router(ingest))
    return Dispatcher(documented, ingest) if request.param == "dispatcher" else documented


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"x-write-key": "wk_demo"}
    ) as it:
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


async def test_a_body_without_length_is_cut_off_at_the_limit(client: httpx.AsyncClient, ingest: Ingest) -> None:
    ingest.budget.limit = 2_000_000
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 10_000

    response = await client.post("/v1/events", content=endless())
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert sent < 110
    assert ingest.budget.held == 0


async def test_bodies_in_memory_count_against_the_budget(client: httpx.AsyncClient, ingest: Ingest) -> None:
    response = await client.post("/v1/events", content=b" " * 100_001)
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert "retry-after" in response.headers
    assert ingest.budget.held == 0


@dataclass
class Exchange:
    """One request as the server's protocol hands it over: what the app reads and what it sends."""

    incoming: list[Message]
    sent: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        return self.incoming.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self, app: App, *, path: str = "/v1/events", method: str = "POST", **scope: Any) -> None:
        whole = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"x-write-key", b"wk_demo")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "state": {},
        }
        await app({**whole, **scope}, self.receive, self.send)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status


def chunk(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


async def test_an_answer_is_two_messages(app: App) -> None:
    exchange = Exchange([chunk(BODY)])
    await exchange.run(app)
    start, body = exchange.sent
    assert (start["type"], start["status"]) == ("http.response.start", 202)
    assert dict(start["headers"]) == {
        b"content-type": b"application/json",
        b"vary": b"Origin",
        b"content-length": b"%d" % len(body["body"]),
    }
    assert not body.get("more_body", False)


async def test_a_body_may_come_in_pieces(app: App, log: MemoryLog) -> None:
    exchange = Exchange([chunk(BODY[:7], more=True), chunk(b"", more=True), chunk(BODY[7:])])
    await exchange.run(app)
    assert (exchange.status, len(log.records)) == (202, 1)
    exchange = Exchange([chunk(BODY, more=True), {"type": "http.request"}])
    await exchange.run(app)
    assert (exchange.status, len(log.records)) == (202, 2)


async def test_a_client_that_goes_away_while_sending_leaves_nothing(app: App, log: MemoryLog, ingest: Ingest) -> None:
    exchange = Exchange([chunk(BODY, more=True), GONE])
    await exchange.run(app)
    assert exchange.sent == []
    assert (log.frames, ingest.budget.held) == ([], 0)


@pytest.mark.parametrize("length", [b"1000001", b"9" * 5000])
async def test_a_body_that_declares_too_much_is_not_read(app: App, length: bytes) -> None:
    exchange = Exchange([])
    await exchange.run(app, headers=[(b"content-length", length)])
    assert exchange.status == 413


@pytest.mark.parametrize("length", [b"", b"many", b"-1", "\xb2".encode("latin-1")])
async def test_a_declared_length_that_is_no_number_is_not_believed(app: App, length: bytes) -> None:
    exchange = Exchange([chunk(BODY)])
    await exchange.run(app, headers=[(b"content-length", length), (b"x-write-key", b"wk_demo")])
    assert exchange.status == 202


async def test_of_a_repeated_header_the_first_counts_and_of_a_parameter_the_last(app: App) -> None:
    for headers, query, status in (
        ([(b"x-write-key", b"wk_demo"), (b"x-write-key", b"wk_unknown")], b"", 202),
        ([(b"x-write-key", b"wk_unknown"), (b"x-write-key", b"wk_demo")], b"", 401),
        ([], b"write_key=wk_unknown&write_key=wk_demo", 202),
        ([], b"write_key=wk_demo&write_key=wk_unknown", 401),
        ([], b"x=%C3%A4&x=\xe4&=&write_key=wk%5Fdemo", 202),
    ):
        exchange = Exchange([chunk(BODY)])
        await exchange.run(app, headers=headers, query_string=query)
        assert exchange.status == status, (headers, query)


async def test_headers_beyond_ascii_are_no_obstacle(app: App) -> None:
    exchange = Exchange([chunk(BODY)])
    origin = "https://caf\xe9.example".encode("latin-1")
    await exchange.run(app, headers=[(b"x-write-key", b"wk_demo"), (b"origin", origin)])
    assert exchange.status == 202
    assert dict(exchange.sent[0]["headers"])[b"access-control-allow-origin"] == origin


async def test_a_full_budget_is_503_before_the_rest_is_read(app: App, ingest: Ingest) -> None:
    exchange = Exchange([chunk(b" " * 60_000, more=True), chunk(b" " * 60_000, more=True)])
    await exchange.run(app)
    assert (exchange.status, exchange.incoming) == (503, [])
    assert b"retry-after" in dict(exchange.sent[0]["headers"])
    assert ingest.budget.held == 0


async def test_other_methods_are_answered_alike(client: httpx.AsyncClient) -> None:
    statuses = [(await client.request(method, "/v1/events")).status_code for method in ("GET", "HEAD", "PUT", "BREW")]
    assert statuses == [405, 405, 405, 405]
    preflight = await client.options("/v1/events", headers={"origin": "https://any.example"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert "content-length" not in preflight.headers
    assert (await client.post("/v1/nothing", content=BODY)).status_code == 404


async def test_a_refusal_has_the_form_that_the_paths_clients_read(client: httpx.AsyncClient) -> None:
    headers = {"origin": "https://any.example"}
    refused = await client.post("/v1/batch", content=b" " * 1_000_001, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/json")
    assert (refused.json()["code"], refused.json()["status"]) == ("body_too_large", 0)
    assert refused.headers["access-control-allow-origin"] == "https://any.example"


async def test_the_dispatcher_alone_answers_what_is_posted_often(ingest: Ingest) -> None:
    reached: list[tuple[str, str]] = []

    async def rest(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append((scope.get("method", scope["type"]), scope.get("path", "")))

    hot = Dispatcher(rest, ingest)
    for protocol in PROTOCOLS.values():
        for route in protocol.routes:
            exchange = Exchange([chunk(BODY)])
            await exchange.run(hot, path=route.path)
            assert exchange.status in (200, 202), route.path
    assert reached == []
    await hot({"type": "lifespan"}, Exchange([]).receive, Exchange([]).send)
    for method, path in (("GET", "/v1/events"), ("POST", "/v1/webhooks/zendesk/zd1"), ("POST", "/v1/events/")):
        await Exchange([]).run(hot, path=path, method=method)
    assert reached == [
        ("lifespan", ""),
        ("GET", "/v1/events"),
        ("POST", "/v1/webhooks/zendesk/zd1"),
        ("POST", "/v1/events/"),
    ]


def test_no_webhook_source_can_be_taken_for_a_client_family() -> None:
    assert {route.dialect.source for protocol in PROTOCOLS.values() for route in protocol.routes} == PROTOCOL_SOURCES


async def test_the_documents_list_every_status(ingest: Ingest) -> None:
    app = FastAPI()
    app.include_router(router(ingest))
    paths = app.openapi()["paths"]
    assert set(paths["/v1/events"]["post"]["responses"]) >= {"202", "400", "401", "403", "413", "415", "422", "503"}
    assert set(paths["/v1/batch"]["post"]["responses"]) >= {"200", "400", "401", "403", "413", "415", "503"}
    assert set(paths["/v1/webhooks/{kind}/{source_id}"]["post"]["responses"]) >= {"200", "400", "401", "404", "503"}
