"""Zendesk's webhooks: the signature over the raw bytes, and every ticket event under our names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from ingest.http import Response
from ingest.service import Ingest
from schemas.events.times import milliseconds
from tests.unit.ingest.memory_log import SECRET, MemoryLog

STAMP = "2026-11-18T10:00:00Z"
DETAIL = {
    "id": "35436",
    "requester_id": "8447388090494",
    "submitter_id": "8447388090494",
    "assignee_id": "8447388090495",
    "group_id": "8447320465918",
    "status": "OPEN",
    "priority": "HIGH",
    "created_at": "2026-11-18T09:00:00Z",
    "via": {"channel": "WEB"},
}


def payload(kind: str, change: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": f"zen:event-type:ticket.{kind}",
        "account_id": 22129848,
        "id": "2b24ef10-19ae-4740-93cf-0f98ec364caa",
        "time": "2026-11-18T09:59:00Z",
        "zendesk_event_version": "2022-06-20",
        "subject": "zen:ticket:35436",
        "detail": DETAIL | more,
        "event": {"meta": {"sequence": {"id": "01E4", "position": 3}}} | (change or {}),
    }


def signed(body: bytes, secret: str = SECRET, stamp: str = STAMP) -> dict[str, str]:
    digest = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    return {
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }


async def post(ingest: Ingest, content: Any, path: str = "/v1/webhooks/zendesk/zd1") -> Response:
    body = json.dumps(content).encode()
    return await ingest.handle("POST", path, signed(body), {}, body)


CUSTOMER = {"comment": {"id": "c1", "is_public": True, "author": {"id": "8447388090494", "is_staff": False}}}
AGENT = {"comment": {"id": "c2", "is_public": False, "author": {"id": "99", "is_staff": True}}}
COPIED_IN = {"comment": {"is_public": True, "author": {"id": "77", "is_staff": False}}}
SYSTEM = {"comment": {"is_public": True, "author": {"id": "-1", "is_staff": True}}}


@pytest.mark.parametrize(
    ("content", "name", "user", "properties"),
    [
        (payload("created"), "ticket_created", "8447388090494", {"author_type": "customer", "priority": "HIGH"}),
        (payload("created", submitter_id="99"), "ticket_created", "", {"author_type": "agent"}),
        (payload("created", external_id="u1"), "ticket_created", "u1", {"channel": "WEB"}),
        (payload("comment_added", CUSTOMER), "ticket_replied", "8447388090494", {"author_type": "customer"}),
        (payload("comment_added", COPIED_IN), "ticket_replied", "77", {"author_type": "customer"}),
        (
            payload("comment_added", AGENT),
            "ticket_replied",
            "",
            {"author_type": "agent", "agent_id": "99", "public": False},
        ),
        (payload("comment_added", SYSTEM), "ticket_replied", "", {"author_type": "bot"}),
        (
            payload("status_changed", {"current": "PENDING", "previous": "OPEN"}),
            "ticket_status_changed",
            "",
            {"from": "open", "to": "pending"},
        ),
        (payload("status_changed", {"current": "SOLVED", "previous": "OPEN"}), "ticket_solved", "", {"to": "solved"}),
        (payload("status_changed", {"current": "closed"}), "ticket_closed", "", {"agent_id": "8447388090495"}),
        (
            payload("agent_assignment_changed", {"current": "5", "previous": None}),
            "ticket_assigned",
            "",
            {"agent_id": "5"},
        ),
        (
            payload("agent_assignment_changed", {"current": "6", "previous": "5"}),
            "ticket_transferred",
            "",
            {"agent_id": "6"},
        ),
        (
            payload("group_assignment_changed", {"current": "8", "previous": "7"}),
            "ticket_transferred",
            "",
            {"group_id": "8"},
        ),
        (payload("merged"), "ticket_merged", "", {}),
        (payload("soft_deleted"), "ticket_deleted", "", {}),
        (payload("permanently_deleted"), "ticket_deleted", "", {}),
        (payload("marked_as_spam"), "ticket_marked_as_spam", "", {}),
        (payload("undeleted"), "ticket_undeleted", "", {}),
        (payload("tags_changed"), "webhook_other", "", {"type": "zen:event-type:ticket.tags_changed"}),
    ],
)
async def test_a_ticket_event_gets_our_name(  # noqa: PLR0917 -- one case a line
    ingest: Ingest, log: MemoryLog, content: dict[str, Any], name: str, user: str, properties: dict[str, Any]
) -> None:
    response = await post(ingest, content)
    assert (response.status, json.loads(response.body)["rejected"]) == (200, [])
    (record,) = log.records
    told = json.loads(bytes(record.properties))
    assert (record.name, record.user_id, record.tenant, record.source) == (name, user, "demo", "zd1")
    assert {key: told[key] for key in properties} == properties
    assert (told["ticket_id"], told["created_at"]) == ("35436", "2026-11-18T09:00:00Z")
    assert (record.message_id, record.sequence) == ("2b24ef10-19ae-4740-93cf-0f98ec364caa", 3)
    assert record.time == milliseconds(content["time"])


async def test_the_ticket_is_named_by_the_subject_if_the_detail_is_silent(ingest: Ingest, log: MemoryLog) -> None:
    content = payload("status_changed", {"current": "SOLVED"})
    del content["detail"]
    await post(ingest, content)
    assert json.loads(bytes(log.records[0].properties))["ticket_id"] == "35436"


async def test_our_template_for_triggers_is_the_native_format(ingest: Ingest, log: MemoryLog) -> None:
    content = {
        "event": "ticket_solved",
        "messageId": "35436/solved/1",
        "timestamp": "2026-11-18T09:59:00Z",
        "properties": {"ticket_id": "35436", "priority": "High", "channel": "Web"},
    }
    await post(ingest, content)
    (record,) = log.records
    assert (record.name, record.channel) == ("ticket_solved", "web")


async def test_a_delivery_without_id_and_time_is_one_event_however_often_it_comes(
    ingest: Ingest, log: MemoryLog
) -> None:
    content = {"event": "ticket_solved", "properties": {"ticket_id": "35436"}}
    for _ in range(3):
        assert (await post(ingest, content)).status == 200
    body = json.dumps(content).encode()
    later = signed(body, stamp="2026-11-19T10:00:00Z")
    await ingest.handle("POST", "/v1/webhooks/zendesk/zd1", later, {}, body)
    assert len({record.event_id for record in log.records[:3]}) == 1
    assert log.records[3].event_id != log.records[0].event_id, "signed again at another time it is another event"


@pytest.mark.parametrize("secret", [SECRET, "an older one"])
async def test_any_secret_of_the_source_will_do(ingest: Ingest, secret: str) -> None:
    body = json.dumps(payload("created")).encode()
    response = await ingest.handle("POST", "/v1/webhooks/zendesk/zd1", signed(body, secret), {}, body)
    assert response.status == 200


async def test_the_signature_is_over_the_raw_bytes_and_old_ones_stay_good(ingest: Ingest) -> None:
    body = json.dumps(payload("created"), indent=3).encode()
    headers = signed(body, stamp="2020-01-01T00:00:00Z")
    assert (await ingest.handle("POST", "/v1/webhooks/zendesk/zd1", headers, {}, body)).status == 200
    squeezed = json.dumps(json.loads(body)).encode()
    assert (await ingest.handle("POST", "/v1/webhooks/zendesk/zd1", headers, {}, squeezed)).status == 401


async def test_tampering_is_401(ingest: Ingest, log: MemoryLog) -> None:
    body = json.dumps(payload("created")).encode()
    headers = signed(body)
    other_stamp = headers | {"x-zendesk-webhook-signature-timestamp": "2026-11-18T10:00:01Z"}
    for path, given, sent in (
        ("/v1/webhooks/zendesk/zd1", headers, body.replace(b"35436", b"35437")),
        ("/v1/webhooks/zendesk/zd1", other_stamp, body),
        ("/v1/webhooks/zendesk/zd1", signed(body, "wrong"), body),
        ("/v1/webhooks/zendesk/zd1", {}, body),
        ("/v1/webhooks/zendesk/unknown", headers, body),
        ("/v1/webhooks/zendesk/zd1", headers | {"x-zendesk-webhook-signature": "é"}, body),
    ):
        assert (await ingest.handle("POST", path, given, {}, sent)).status == 401
    assert log.frames == []


async def test_a_signed_body_that_is_no_object_is_malformed(ingest: Ingest) -> None:
    assert (await post(ingest, [1])).status == 400
