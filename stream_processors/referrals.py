"""Follows referral codes: who invites with one, who comes with one, and which orders name one or how they were paid.

An invitation is kept even without a code, an order's completion if it names a code or a payment instrument.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.events.fields import text
from schemas.tables import REFERRALS
from stream_processors.incoming import Incoming

TABLE = REFERRALS
NAMES = None


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for what the event says of referrals, if it does."""
    record = event.record
    code = text(event.properties, "referral_code")
    order_id = payment = ""
    if record.name == "invite_sent":
        kind = "invited"
    elif record.name == "order_completed":
        kind = "ordered"
        order_id, payment = text(event.properties, "order_id"), text(event.properties, "payment_fingerprint")
    else:
        kind = "referred"
    kept = {"invited": bool(event.actor), "ordered": bool(code or payment)}
    if kept.get(kind, bool(code and event.actor and event.person_class)):
        yield (
            record.tenant,
            kind,
            event.actor,
            code,
            order_id,
            payment,
            record.bot,
            record.time,
            record.sequence,
            event.event_id,
            record.hash,
        )
