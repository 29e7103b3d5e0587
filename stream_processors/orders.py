"""Follows orders: when they were completed, what they were worth since, and what links them to a cart or checkout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.currencies import CURRENCIES, STORED_DIGITS
from schemas.events.fields import number, text, word
from schemas.limits import NEVER_MS
from schemas.tables import ORDERS
from stream_processors.incoming import NONE_YET, Incoming

TABLE = ORDERS
MONEY_SCALE = 10**STORED_DIGITS
NAMES = frozenset({"order_completed", "order_updated", "order_refunded", "order_cancelled"})
_AMOUNT_FIELDS = ("total", "revenue", "value")


def _amount(event: Incoming) -> int | None:
    """Millionths of the currency, cut: rounding happens once, at read, where the currency's minor unit is known."""
    for field in _AMOUNT_FIELDS:
        amount = number(event.properties, field)
        if amount is not None:
            return int(amount * MONEY_SCALE)
    return None


def _said(event: Incoming) -> tuple[list[tuple[Any, ...]], ...]:
    """What the event says of the order's amount, of what was given back, of the currency of either, of its state."""
    name, record = event.record.name, event.record
    amount, currency = _amount(event), word(event.properties, "currency", CURRENCIES)
    stamp = (record.time, record.sequence, event.event_id, record.hash)
    if name == "order_cancelled":
        return [], [], [], [(*stamp, "cancelled")]
    if name == "order_refunded":
        currencies = [(*stamp, "refund", currency)] if currency else []
        back = [] if amount is None else [(*stamp, abs(amount))]
        return [], back, currencies, [(*stamp, "given_back")] if amount is None else []
    return (
        [] if amount is None else [(*stamp, amount, currency)],
        [],
        [(*stamp, "order", currency)] if currency else [],
        [(*stamp, "completed")] if name == "order_completed" else [],
    )


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for the order that the event names."""
    record = event.record
    order_id = text(event.properties, "order_id")
    if not order_id:
        return
    completes = record.name == "order_completed"
    amounts, refunds, currencies, states = _said(event)
    cancels = record.name == "order_cancelled"
    voids = cancels or any(state == "given_back" for *_, state in states)
    first, *dimensions = event.first_and_dimensions()
    actor, country, channel, device = dimensions
    links = (text(event.properties, "cart_id"), text(event.properties, "checkout_id"), record.session_id)
    yield (
        record.tenant,
        event.day,
        order_id,
        record.time if completes else NEVER_MS,
        record.time if cancels else NEVER_MS,
        record.time if voids else NEVER_MS,
        first,
        actor if completes else NONE_YET,
        country,
        channel,
        device,
        *(event.earliest(link) if completes else NONE_YET for link in links),
        [(record.time, event.event_id)],
        amounts,
        refunds,
        currencies,
        states,
    )
