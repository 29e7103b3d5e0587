"""Zendesk: event webhooks about tickets, and trigger webhooks that send our template.

Paste `…/v1/webhooks/zendesk/<source id>` into Zendesk, subscribe to the ticket events, and put the webhook's signing
secret into the source of the tenants file. A trigger may send a native event instead, for accounts without event
webhooks; as its JSON body:

    {"event": "ticket_solved", "messageId": "{{ticket.id}}-{{ticket.updated_at_with_timestamp}}",
     "timestamp": "{{ticket.updated_at_with_timestamp}}",
     "properties": {"ticket_id": "{{ticket.id}}", "priority": "{{ticket.priority}}", "channel": "{{ticket.via}}"}}

Order of arrival is not guaranteed and deliveries repeat; ids, times and `meta.sequence` put them right.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from ingest.body import Items, part
from ingest.exchange import Webhook
from schemas.errors import Problem

_PREFIX = "zen:event-type:ticket."
_RATINGS = ("satisfaction", "csat", "survey_response")
_UNKNOWN = "webhook_other"


def verify(secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the signature is base64 HMAC-SHA256 of timestamp + body under one of the secrets.

    No age limit: Zendesk repeats deliveries with their first timestamp, and a replay changes nothing, by its id.
    """
    given = headers.get("x-zendesk-webhook-signature", "").encode()
    signed = headers.get("x-zendesk-webhook-signature-timestamp", "").encode() + body
    return any(
        tuple(
            hmac.compare_digest(base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()), given)
            for secret in secrets
        )
    )


def items(body: bytes) -> Items:
    """The delivery as one native event. Raises `Problem`."""
    parted = part(body, "events")
    if len(parted.items) != 1:
        return parted
    try:
        delivery = json.loads(parted.items[0])
    except (ValueError, RecursionError):
        raise Problem("malformed_body", "The delivery is no JSON object.") from None
    if not isinstance(delivery, dict) or not isinstance(delivery.get("type"), str):
        return parted
    return Items([json.dumps(_event(delivery), ensure_ascii=False).encode()])


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _event(delivery: Mapping[str, Any]) -> dict[str, Any]:
    detail, change = _object(delivery, "detail"), _object(delivery, "event")
    kind = delivery["type"].removeprefix(_PREFIX) if delivery["type"].startswith(_PREFIX) else ""
    name, properties, by_customer = _told(kind, change)
    if name == _UNKNOWN:
        properties = {"type": delivery["type"], "delivery": delivery}
    else:
        properties |= {
            "ticket_id": _text(detail.get("id")) or _text(delivery.get("subject")).rpartition(":")[2],
            "priority": _text(detail.get("priority")).lower(),
            "channel": _text(_object(detail, "via").get("channel")),
            "created_at": detail.get("created_at"),
        }
        if name != "ticket_replied" and "agent_id" not in properties:
            properties["agent_id"] = _text(detail.get("assignee_id"))
    customer = _text(detail.get("external_id")) or _text(detail.get("requester_id"))
    position = _object(_object(change, "meta"), "sequence").get("position")
    return {
        "messageId": _text(delivery.get("id")),
        "event": name,
        "timestamp": delivery.get("time"),
        "sequence": position if isinstance(position, int) and not isinstance(position, bool) else None,
        "userId": customer if by_customer else None,
        "properties": {key: value for key, value in properties.items() if value not in ("", None)},
    }


def _told(kind: str, change: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """Our name, what the change says, and whether the customer did it."""
    current, previous = _text(change.get("current")), _text(change.get("previous"))
    match kind:
        case "created":
            return "ticket_created", {}, True
        case "comment_added":
            return _replied(_object(change, "comment"))
        case "status_changed":
            return "ticket_status_changed", {"from": previous.lower(), "to": current.lower()}, False
        case "agent_assignment_changed":
            return "ticket_assigned", {"agent_id": current}, False
        case "group_assignment_changed":
            return "ticket_transferred", {"from": previous, "to": current}, False
        case _ if kind.startswith(_RATINGS):
            return "ticket_rated", {"rating": current}, True
        case _:
            return _UNKNOWN, {}, False


def _replied(comment: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    author = _object(comment, "author")
    is_staff = author.get("is_staff") is True
    said: dict[str, Any] = {"author_type": "agent" if is_staff else "customer", "public": comment.get("is_public")}
    if is_staff:
        said["agent_id"] = _text(author.get("id"))
    return "ticket_replied", said, not is_staff


WEBHOOK = Webhook(
    kind="zendesk",
    meaning="Zendesk ticket events (event or trigger webhooks), signed.",
    verify=verify,
    items=items,
    example={
        "id": "01HZ",
        "type": "zen:event-type:ticket.status_changed",
        "time": "2026-11-18T10:00:00Z",
        "subject": "zen:ticket:4711",
        "detail": {"id": "4711", "status": "SOLVED", "requester_id": "99", "created_at": "2026-11-18T09:00:00Z"},
        "event": {"previous": "OPEN", "current": "SOLVED", "meta": {"sequence": {"id": "x", "position": 3}}},
    },
)
