"""Follows trials and subscriptions: each event of them, with whatever it tells of dates, money and the customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.currencies import CURRENCIES, STORED_DIGITS
from schemas.events.fields import flag, instant, number, text, word
from schemas.events.words import read_interval
from schemas.limits import NEVER_MS
from schemas.tables import SUBSCRIPTION_EVENTS
from stream_processors.incoming import Incoming

TABLE = SUBSCRIPTION_EVENTS
NAMES = frozenset(
    {
        "trial_started",
        "trial_extended",
        "trial_ended",
        "subscription_started",
        "subscription_renewed",
        "subscription_updated",
        "subscription_cancelled",
        "payment_failed",
        "payment_refunded",
    }
)
_decode = msgspec.json.Decoder().decode


def _account(event: Incoming) -> str:
    """For which account somebody acts: `account_id`, else the group of the context."""
    told = text(event.properties, "account_id")
    if told or b"roup" not in bytes(event.record.context):
        return told
    context = _decode(event.record.context)
    return text(context, "group_id") if isinstance(context, dict) else ""


def _term(event: Incoming) -> str:
    """How long what was paid lasts: `month`, or `3 month`; "" if the event does not say."""
    count = number(event.properties, "interval_count")
    return read_interval(text(event.properties, "interval"), 1 if count is None else int(count))


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for an event of a trial, of a subscription or of a payment."""
    record, properties = event.record, event.properties
    amount = number(properties, "amount")
    starts, ends, asked = (
        instant(properties, key)
        for key in (
            "trial_start_date",
            "trial_end_date" if record.name.startswith("trial") else "ends_at",
            "canceled_at",
        )
    )
    card = flag(properties, "payment_method_required")
    yield (
        record.tenant,
        record.name,
        record.time,
        event.event_id,
        record.hash,
        record.sequence,
        event.actor,
        _account(event),
        text(properties, "parent_account_id"),
        text(properties, "trial_id"),
        text(properties, "subscription_id"),
        text(properties, "status").lower(),
        amount is not None,
        0 if amount is None else int(amount * 10**STORED_DIGITS),
        word(properties, "currency", CURRENCIES),
        _term(event),
        NEVER_MS if starts is None else starts,
        NEVER_MS if ends is None else ends,
        NEVER_MS if asked is None else asked,
        "" if card is None else str(card).lower(),
        record.country,
        record.channel,
        record.device,
        record.bot,
    )
