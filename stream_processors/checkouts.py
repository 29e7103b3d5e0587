"""Follows checkouts, named by checkout id, else order id, cart id or session, with every id seen on their events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.events.fields import text, word
from schemas.events.words import NAMES as PAYMENT_METHODS
from schemas.limits import NEVER_MS
from schemas.tables import CHECKOUTS
from stream_processors.incoming import Incoming

TABLE = CHECKOUTS
NAMES = frozenset({"checkout_started", "checkout_step_viewed", "checkout_step_completed", "payment_info_entered"})


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for the checkout that the event names."""
    record = event.record
    checkout, order, cart = (text(event.properties, key) for key in ("checkout_id", "order_id", "cart_id"))
    entity_id = checkout or order or cart or record.session_id
    if entity_id:
        yield (
            record.tenant,
            event.day,
            entity_id,
            record.time if record.name == "checkout_started" else NEVER_MS,
            *event.first_and_dimensions(),
            event.earliest(word(event.properties, "payment_method", PAYMENT_METHODS)),
            [(record.time, event.event_id)],
            event.since(checkout),
            event.since(order),
            event.since(cart),
            event.since(record.session_id),
        )
