"""Zendesk: event webhooks (subscribe to the ticket events), and our template for trigger webhooks.

The signature is checked over the raw bytes. Its timestamp is not held against the clock: a retry may keep it, and
replaying an old request changes nothing, because the event keeps its id.

Template for a trigger or an automation ("Request body" of the webhook action, JSON). It is our own event format, so
every name and field of `POST /v1/events` may be used:

    {"event": "ticket_solved",
     "messageId": "{{ticket.id}}/solved/{{ticket.updated_at_with_timestamp}}",
     "timestamp": "{{ticket.updated_at_with_timestamp}}",
     "properties": {"ticket_id": "{{ticket.id}}", "created_at": "{{ticket.created_at_with_timestamp}}",
                    "priority": "{{ticket.priority}}", "channel": "{{ticket.via}}",
                    "agent_id": "{{ticket.assignee.id}}"}}
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.webhooks.webhook import Webhook
from schemas.events import canonical, lookup
from schemas.events.fields import text

_TYPE = "zen:event-type:"
_SYSTEM = "-1"
"""The author id of what Zendesk itself writes."""


def signed(headers: Mapping[str, str], body: bytes) -> bytes:
    """What the signature covers: timestamp + body."""
    return headers.get("x-zendesk-webhook-signature-timestamp", "").encode() + body


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether `X-Zendesk-Webhook-Signature` is base64 of HMAC-SHA256 over what is signed."""
    given = headers.get("x-zendesk-webhook-signature", "")
    stamp = headers.get("x-zendesk-webhook-signature-timestamp", "")
    digest = hmac.new(secret.encode(), signed(headers, body), hashlib.sha256).digest()
    return bool(stamp) and hmac.compare_digest(base64.b64encode(digest), given.encode())


def _members(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def translate(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event of a payload in the native format; a type without a name of ours becomes `webhook_other`."""
    if isinstance(payload.get("event"), str):
        yield payload
        return
    told = text(payload, "type")
    kind = told.removeprefix(_TYPE).removeprefix("ticket.")
    detail, change = _members(payload, "detail"), _members(payload, "event")
    name, own, person = _named(kind, detail, change)
    item: dict[str, Any] = {
        "event": name,
        "messageId": payload.get("id"),
        "timestamp": payload.get("time"),
        "sequence": _sequence(change),
        "properties": {**_ticket(payload, detail), **own},
    }
    if name == "webhook_other":
        item["properties"] |= {"type": told, "payload": payload}
    if person:
        item["userId"] = person
    yield item


def _ticket(payload: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
    """What every ticket event tells; empty fields are left out."""
    subject = text(payload, "subject")
    named = subject.removeprefix("zen:ticket:") if subject.startswith("zen:ticket:") else ""
    told = {
        "ticket_id": text(detail, "id") or named,
        "created_at": detail.get("created_at"),
        "priority": text(detail, "priority"),
        "channel": text(_members(detail, "via"), "channel"),
        "agent_id": text(detail, "assignee_id"),
        "group_id": text(detail, "group_id"),
        "requester_id": text(detail, "requester_id"),
        "webhook_type": text(payload, "type"),
    }
    return {key: value for key, value in told.items() if value not in (None, "")}


def _customer(detail: Mapping[str, Any]) -> str:
    return text(detail, "external_id") or text(detail, "requester_id")


def _named(kind: str, detail: Mapping[str, Any], change: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    """Our name, the fields that this kind adds, and the customer if it was they who did it."""
    before, after = text(change, "previous"), text(change, "current")
    if kind == "created":
        submitter, requester = text(detail, "submitter_id"), text(detail, "requester_id")
        if submitter and requester and submitter != requester:
            return "ticket_created", {"author_type": "agent"}, ""
        return "ticket_created", {"author_type": "customer"}, _customer(detail)
    if kind == "comment_added":
        return _reply(detail, change)
    if kind == "status_changed":
        status = {"from": before.lower(), "to": after.lower()}
        ended = {"solved": "ticket_solved", "closed": "ticket_closed"}.get(after.lower(), "ticket_status_changed")
        return ended, status, ""
    if kind in ("agent_assignment_changed", "group_assignment_changed"):
        name = "ticket_transferred" if before else "ticket_assigned"
        field = "agent_id" if kind.startswith("agent") else "group_id"
        return name, ({field: after} if after else {}) | {"from": before, "to": after}, ""
    if kind.startswith(("csat", "satisfaction", "survey_response")):
        return "ticket_rated", {"rating": after}, _customer(detail)
    # merged, soft_deleted, permanently_deleted, marked_as_spam, undeleted: spellings of declared names
    name = canonical(f"ticket_{kind}")
    return name if lookup(name).family == "ticket" else "webhook_other", {}, ""


def _reply(detail: Mapping[str, Any], change: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    comment = _members(change, "comment") or change
    author = _members(comment, "author")
    author_id = text(author, "id")
    own: dict[str, Any] = {"public": comment.get("is_public", True), "comment_id": text(comment, "id")}
    if author_id == _SYSTEM:
        return "ticket_replied", own | {"author_type": "bot"}, ""
    staff = author.get("is_staff")
    if staff is None:
        staff = text(author, "role").lower() not in ("", "end-user", "end_user")
    if staff:
        return "ticket_replied", own | {"author_type": "agent"} | ({"agent_id": author_id} if author_id else {}), ""
    requester = text(detail, "requester_id")
    person = _customer(detail) if author_id in ("", requester) else author_id
    return "ticket_replied", own | {"author_type": "customer"}, person


def _sequence(change: Mapping[str, Any]) -> int | None:
    position = _members(_members(change, "meta"), "sequence").get("position")
    return position if isinstance(position, int) and not isinstance(position, bool) and position >= 0 else None


WEBHOOK = Webhook("zendesk", signed, verify, translate)
