"""Follows carts: what was put in and taken out, by whom, in which sessions and checkouts.

A cart is named by its cart id, else by the session. The same events are folded a second time with the session as the
entity, for the variant that counts sessions with cart adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.events.fields import number, text
from schemas.limits import NEVER_MS
from schemas.tables import CARTS, QUANTITY_SCALE
from stream_processors.incoming import NONE_YET, Incoming

TABLE = CARTS
_OWN = frozenset({"product_added", "product_removed", "cart_viewed", "cart_shared"})
_CHANGING = frozenset({"product_added", "product_removed"})
_NAMING = frozenset(
    {
        "coupon_entered",
        "coupon_applied",
        "coupon_denied",
        "coupon_removed",
        "checkout_started",
        "checkout_step_viewed",
        "checkout_step_completed",
        "payment_info_entered",
    }
)
MERGES = "cart_merged"
NAMES = _OWN | _NAMING | {MERGES}


def _change(event: Incoming) -> int:
    if event.record.name not in _CHANGING:
        return 0
    quantity = number(event.properties, "quantity")
    thousandths = QUANTITY_SCALE if quantity is None else int(quantity * QUANTITY_SCALE)
    return thousandths if event.record.name == "product_added" else -abs(thousandths)  # -1 removed is one removed


def _merge(event: Incoming, origin: str, into: str) -> Iterator[tuple[Any, ...]]:
    """A row of the cart that went into another one, which says this alone."""
    record = event.record
    if origin and into and origin != into:
        merge = (record.time, record.sequence, event.event_id, record.hash, into)
        nothing: tuple[Any, ...] = (NEVER_MS, *(NONE_YET,) * 5, [], {}, {}, {})
        yield record.tenant, "cart", event.day, origin, *nothing, [merge]


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for the cart and one for the session, where the event names them."""
    record = event.record
    cart_id = text(event.properties, "cart_id")
    if record.name == MERGES:
        yield from _merge(event, cart_id, text(event.properties, "into_cart_id"))
        return
    own = record.name in _OWN
    if own:
        yield from _merge(event, text(event.properties, "merged_from"), cart_id)
    entities = [("cart", cart_id or (record.session_id if own else ""))]
    if own or cart_id:
        entities.append(("session", record.session_id))
    created = record.time if record.name == "product_added" else NEVER_MS
    known = (
        created,
        *event.first_and_dimensions(),
        [(record.time, record.sequence, event.event_id, record.hash, _change(event))],
        event.since(event.actor),
        event.since(record.session_id),
        event.since(text(event.properties, "checkout_id")),
    )
    for entity, entity_id in entities:
        if entity_id:
            yield record.tenant, entity, event.day, entity_id, *known, []
