"""The producers' side without a transport: who may send, what is answered when, and what if the log cannot."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from ingest.http import Response
from ingest.service import Ingest
from schemas.ports import LogUnavailable
from schemas.record import Frame, decode_records
from schemas.tenants import Tenants

NOW = 1_795_600_000_000
EVENT = b'{"event":"page","messageId":"m1"}'
SIGNED_AT = "2026-11-25T09:46:40Z"


class Log:
    """Keeps what it is given, or refuses, or never answers."""

    def __init__(self, refusal: Exception | None = None, *, stuck: bool = False) -> None:
        self.frames: list[Frame] = []
        self._refusal = refusal
        self._stuck = stuck

    async def append(self, frame: Frame) -> None:
        if self._refusal:
            raise self._refusal
        if self._stuck:
            await asyncio.Event().wait()
        self.frames.append(frame)

    def ready(self) -> bool:
        return self._refusal is None


@pytest.fixture
def tenants(tmp_path: Path) -> Tenants:
    path = tmp_path / "tenants.json"
    source = {"id": "zd1", "kind": "zendesk", "secrets": ["old", "new"]}
    hashed = "sha256:" + hashlib.sha256(b"wk_hashed").hexdigest()
    tenant = {
        "id": "t",
        "write_keys": ["wk", hashed],
        "read_tokens": ["rt"],
        "allowed_origins": ["https://shop.example"],
        "sources": [source],
    }
    path.write_text(json.dumps({"tenants": [tenant]}))
    return Tenants(path)


async def post(
    tenants: Tenants,
    path: str = "/v1/events",
    body: bytes = EVENT,
    *,
    log: Log | None = None,
    key: str = "wk",
    **headers: str,
) -> Response:
    ingest = Ingest(log or Log(), tenants, clock=lambda: NOW, deadline_seconds=0.05)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        sent.setdefault("authorization", f"Bearer {key}")
    return await ingest.handle("POST", path, sent, {}, body)


async def test_an_accepted_event_is_in_the_log_before_it_is_answered(tenants: Tenants) -> None:
    log = Log()
    answer = await post(tenants, log=log)
    assert (answer.status, json.loads(answer.body)) == (202, {"accepted": 1, "rejected": []})
    assert [record.message_id for record in decode_records(log.frames[0].records)] == ["m1"]


async def test_none_good_is_422_with_what_was_wrong(tenants: Tenants) -> None:
    answer = await post(tenants, body=b'[{"event":""}]')
    content = json.loads(answer.body)
    assert (answer.status, content["code"], content["accepted"]) == (422, "no_valid_event", 0)
    assert content["rejected"][0]["code"] == "invalid_event"


@pytest.mark.parametrize(
    "where",
    [
        {"authorization": "Bearer wk"},
        {"authorization": "Basic " + base64.b64encode(b"wk:").decode()},
        {"x_write_key": "wk"},
        {"authorization": "Bearer wk_hashed"},
    ],
)
async def test_a_write_key_counts_wherever_a_client_puts_it(tenants: Tenants, where: Any) -> None:
    assert (await post(tenants, key="", **where)).status == 202


async def test_a_beacon_has_its_key_in_the_query_and_a_batch_in_its_body(tenants: Tenants) -> None:
    beacon = await Ingest(Log(), tenants).handle("POST", "/v1/events", {}, {"write_key": "wk"}, EVENT)
    assert beacon.status == 202
    batch = b'{"writeKey":"wk","batch":[{"type":"track","event":"x","messageId":"1"}]}'
    assert (await post(tenants, "/v1/batch", batch, key="")).status == 200


@pytest.mark.parametrize(("key", "status"), [("", 401), ("nobody", 401), ("rt", 403)])
async def test_nobody_is_401_and_a_read_token_403(tenants: Tenants, key: str, status: int) -> None:
    log = Log()
    assert (await post(tenants, key=key, log=log)).status == status
    assert log.frames == []


@pytest.mark.parametrize("log", [Log(LogUnavailable("down", retry_after=3)), Log(stuck=True), Log(RuntimeError("bug"))])
async def test_a_log_that_cannot_is_503_with_a_time_to_wait(tenants: Tenants, log: Log) -> None:
    answer = await post(tenants, log=log)
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "log_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_what_waits_is_bounded_and_what_is_beyond_is_503(tenants: Tenants) -> None:
    ingest = Ingest(Log(stuck=True), tenants, clock=lambda: NOW, deadline_seconds=0.2, max_pending_bytes=600)
    headers = {"authorization": "Bearer wk"}
    answers = await asyncio.gather(*(ingest.handle("POST", "/v1/events", headers, {}, EVENT) for _ in range(20)))
    codes = [json.loads(answer.body)["code"] for answer in answers]
    assert set(codes) == {"log_unavailable", "overloaded"}
    assert ingest.budget.held <= 600


async def test_a_closing_service_takes_nothing_more(tenants: Tenants) -> None:
    log = Log()
    ingest = Ingest(log, tenants, clock=lambda: NOW)
    ingest.close()
    answer = await ingest.handle("POST", "/v1/events", {"authorization": "Bearer wk"}, {}, EVENT)
    assert (answer.status, log.frames) == (503, [])


async def test_an_unknown_encoding_is_415_and_a_lying_content_type_is_not_believed(tenants: Tenants) -> None:
    assert (await post(tenants, content_encoding="br")).status == 415
    assert (await post(tenants, content_type="application/x-www-form-urlencoded")).status == 202


async def test_segments_clients_get_200_for_anything_that_can_be_parted(tenants: Tenants) -> None:
    batch = {
        "batch": [
            {"type": "track", "event": "Order Completed", "messageId": "1", "properties": {"order_id": "o1"}},
            {"type": "page", "messageId": "2", "originalTimestamp": "2026-11-25T09:00:00Z"},
            {"type": "identify", "messageId": "3", "userId": "u1", "anonymousId": "a1", "traits": {"plan": "pro"}},
            {"type": "track", "messageId": "4"},
        ]
    }
    log = Log()
    answer = await post(tenants, "/v1/batch", json.dumps(batch).encode(), log=log)
    content = json.loads(answer.body)
    assert (answer.status, content["accepted"], len(content["rejected"])) == (200, 3, 1)
    records = decode_records(log.frames[0].records)
    assert [record.name for record in records] == ["order_completed", "page_viewed", "identify"]
    assert records[2].traits == {"plan": "pro"}


@pytest.mark.parametrize(("path", "name"), [("/v1/t", "x"), ("/v1/p", "page_viewed"), ("/v1/i", "identify")])
async def test_the_single_routes_of_segment_know_their_type(tenants: Tenants, path: str, name: str) -> None:
    log = Log()
    body = b'{"event":"x","messageId":"1","userId":"u1"}' if path == "/v1/t" else b'{"messageId":"1","userId":"u1"}'
    assert (await post(tenants, path, body, log=log)).status == 200
    assert decode_records(log.frames[0].records)[0].name == name


async def test_an_error_of_segments_route_is_readable_by_its_clients(tenants: Tenants) -> None:
    content = json.loads((await post(tenants, "/v1/batch", key="nobody")).body)
    assert {"code", "message", "error", "detail", "status"} <= set(content)


def signed(secret: str, body: bytes, at: str = SIGNED_AT) -> dict[str, str]:
    digest = hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).digest()
    return {
        "x_zendesk_webhook_signature": base64.b64encode(digest).decode(),
        "x_zendesk_webhook_signature_timestamp": at,
    }


def delivery(kind: str, **event: Any) -> bytes:
    return json.dumps(
        {
            "id": f"id-{kind}",
            "type": f"zen:event-type:ticket.{kind}",
            "time": "2026-11-25T09:40:00Z",
            "subject": "zen:ticket:4711",
            "detail": {"id": "4711", "priority": "HIGH", "requester_id": "99", "created_at": "2026-11-25T09:00:00Z"},
            "event": event,
        }
    ).encode()


@pytest.mark.parametrize("secret", ["old", "new"])
async def test_a_webhook_is_taken_under_each_of_its_secrets(tenants: Tenants, secret: str) -> None:
    log, body = Log(), delivery("created")
    answer = await post(tenants, "/v1/webhooks/zendesk/zd1", body, log=log, key="", **signed(secret, body))
    assert answer.status == 200
    (record,) = decode_records(log.frames[0].records)
    assert (record.name, record.source, record.message_id) == ("ticket_created", "zd1", "id-created")
    assert json.loads(bytes(record.properties))["ticket_id"] == "4711"


async def test_a_changed_body_time_or_source_is_401(tenants: Tenants) -> None:
    body = delivery("created")
    good = signed("old", body)
    for path, sent, headers in (
        ("/v1/webhooks/zendesk/zd1", body + b" ", good),
        ("/v1/webhooks/zendesk/zd1", body, {**good, "x_zendesk_webhook_signature_timestamp": "2026"}),
        ("/v1/webhooks/zendesk/zd2", body, good),
        ("/v1/webhooks/zendesk/zd1", body, signed("other", body)),
        ("/v1/webhooks/zendesk/zd1", body, {}),
    ):
        log = Log()
        assert (await post(tenants, path, sent, log=log, key="", **headers)).status == 401
        assert log.frames == []


@pytest.mark.parametrize(
    ("body", "name", "holds"),
    [
        (delivery("status_changed", previous="OPEN", current="SOLVED"), "ticket_solved", {}),
        (
            delivery("comment_added", comment={"is_public": True, "author": {"id": "7", "is_staff": True}}),
            "ticket_replied",
            {"author_type": "agent", "agent_id": "7", "public": True},
        ),
        (
            delivery("comment_added", comment={"is_public": False, "author": {"id": "99", "is_staff": False}}),
            "ticket_replied",
            {"author_type": "customer", "public": False},
        ),
        (delivery("agent_assignment_changed", current="7"), "ticket_assigned", {"agent_id": "7"}),
        (delivery("something_new"), "webhook_other", {}),
    ],
)
async def test_zendesks_events_become_ours(tenants: Tenants, body: bytes, name: str, holds: dict[str, Any]) -> None:
    log = Log()
    answer = await post(tenants, "/v1/webhooks/zendesk/zd1", body, log=log, key="", **signed("old", body))
    assert answer.status == 200, answer.body
    (record,) = decode_records(log.frames[0].records)
    properties = json.loads(bytes(record.properties))
    assert record.name == name
    assert {key: properties.get(key) for key in holds} == holds


async def test_a_page_of_an_allowed_origin_may_send_and_read_how_long_to_wait(tenants: Tenants) -> None:
    answer = await post(tenants, origin="https://shop.example")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
    ingest = Ingest(Log(), tenants)
    asked = {"origin": "https://shop.example", "access-control-request-headers": "authorization"}
    preflight = await ingest.handle("OPTIONS", "/v1/t", asked, {})
    assert (preflight.status, preflight.headers["access-control-max-age"]) == (204, "7200")
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    other = await ingest.handle("OPTIONS", "/v1/t", {**asked, "origin": "https://evil.example"}, {})
    assert "access-control-allow-origin" not in other.headers
