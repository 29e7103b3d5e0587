"""Other definitions of the first metrics: their units, and the bodies that these make where the shape is another.

Decided here: Chatwoot's resolution is every change into solved, its reply the first public human one whoever opened
the ticket, and its clock runs since the last public word of a bot before that; the times of articles are those of the
default. An item is what was added before the horizon (at its canonical time), bought if the cart was ordered by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.reference.asking import Asked
from tests.reference.copies import amount
from tests.reference.counting import Known, carts, checkouts
from tests.reference.shop import Basket
from tests.reference.tickets import REOPENED, Ticket, rank
from tests.reference.unit import Unit

Body = dict[str, Any]


def _ticket(known: Known, ticket: Ticket, entry: int) -> Unit:
    reason = "removed" if ticket.removed else "created_unknown" if ticket.created is None else ""
    dimensions = known.dimensions(ticket.copies, ticket.dimension)
    return Unit(ticket.id, entry, dimensions, known.person(ticket.copies), reason)


def every_solve(known: Known, asked: Asked) -> Iterator[Unit]:
    for ticket in known.tickets:
        for solve in ticket.solves:
            if asked.start <= solve < asked.until:
                unit = _ticket(known, ticket, solve)
                if ticket.created is not None:
                    unit.value = max(0, solve - ticket.created)
                yield unit


def per_ticket_received(known: Known, asked: Asked) -> Iterator[Unit]:
    for ticket in known.tickets:
        solve = ticket.solves[-1] if ticket.solved() else None
        resolved = solve is not None and asked.start <= solve < asked.until
        received = ticket.created is not None and asked.start <= ticket.created < asked.until
        if resolved or received:
            unit = _ticket(known, ticket, solve if resolved and solve is not None else ticket.entry)
            took = solve - ticket.created if resolved and solve is not None and ticket.created is not None else 0
            unit.details = {"above": max(0, took), "below": int(received)}
            yield unit


def since_the_bot(known: Known, asked: Asked) -> Iterator[Unit]:
    for ticket in known.tickets:
        after = [copy.time for copy in ticket.replies() if ticket.created is None or copy.time >= ticket.created]
        if not after or not asked.start <= after[0] < asked.until:
            continue
        unit = _ticket(known, ticket, after[0])
        if ticket.created is not None:
            spoken = [copy.time for copy in ticket.replies(bots=True) if copy.author == "bot" and copy.time < after[0]]
            unit.value = after[0] - max([ticket.created, *spoken])
        yield unit


def reopenings(known: Known, asked: Asked) -> Iterator[Unit]:
    thanks = asked.parameters["thank_you"] == "count"
    for ticket in known.tickets:
        above = below = 0
        for place, (solved, copy) in enumerate(ticket.turns):
            if not asked.start <= copy.time < asked.until:
                continue
            if solved:
                below += 1
                continue
            assert rank(copy) == REOPENED
            later = next((other.time for _, other in ticket.turns[place + 1 :]), None)
            spoke = later is None or any(copy.time <= reply.time <= later for reply in ticket.replies())
            above += thanks or spoke
        if above or below:
            unit = _ticket(known, ticket, ticket.entry)
            unit.reason = "removed" if ticket.removed else ""
            unit.details = {"above": above, "below": below}
            yield unit


def _added(cart: Basket, until: int) -> tuple[Decimal, Decimal]:
    """How much went in and came out before an instant."""
    sums = {"product_added": Decimal(0), "product_removed": Decimal(0)}
    for copy in cart.copies:
        if copy.name in sums and copy.canonical and copy.time < until:
            quantity = amount(copy.properties, "quantity")
            sums[copy.name] += 1 if quantity is None else quantity
    return sums["product_added"], sums["product_removed"]


def items(known: Known, asked: Asked) -> Iterator[Unit]:
    horizon = int(asked.parameters["horizon"])
    for unit in carts(known, replace(asked, parameters={**asked.parameters, "entity": "cart", "emptied": "abandoned"})):
        if unit.reason == "cartless_orders":
            continue
        if unit.reason != "no_cart_id":
            cart = known.carts.baskets[unit.id]
            added, removed = _added(cart, min(known.at, cart.created + horizon))
            unit.details = {"above": min(added, removed) if unit.success else added, "below": added}  # type: ignore[dict-item]
        unit.mature = known.at - unit.entry >= horizon
        yield unit


def carts_less_orders(known: Known, asked: Asked) -> Iterator[Unit]:
    for unit in carts(known, replace(asked, parameters={**asked.parameters, "entity": "cart", "emptied": "abandoned"})):
        if unit.reason != "cartless_orders":
            unit.details, unit.mature = {"above": 1, "below": 1}, True
            yield unit
    for order in known.carts.orders.values():
        if asked.start <= order.time < asked.until:
            reason = "bot" if order.bot else ""
            unit = Unit(order.id, order.time, known.dimensions(order.copies), order.person, reason)
            unit.details = {"above": -1, "below": 0}
            yield unit


def begun_checkouts(known: Known, asked: Asked) -> Iterator[Unit]:
    yield from checkouts(
        known, replace(asked, parameters={**asked.parameters, "horizon_async": asked.parameters["horizon"]})
    )


def ratio(asked: Asked, units: list[Unit], scale: int = 1) -> Body:
    counted = [unit for unit in units if not unit.reason]
    n = sum(unit.details["below"] != 0 for unit in counted)
    above, below = (sum(unit.details[side] for unit in counted) for side in ("above", "below"))
    value = float(above / (below * scale)) if below else None
    horizon = int(asked.parameters["horizon"]) if asked.definition == "items" else 0
    mature = sum(unit.mature for unit in counted if unit.details["below"])
    maturity = mature / n if n else float(asked.at >= asked.end + horizon)
    shown = {"numerator": float(above / scale), "denominator": float(below), "value": value}
    return {
        **shown,
        "n": n,
        "observed": shown,
        "maturity": maturity,
        "basis": "mature" if maturity == 1 else "observed",
        "interval": None,
        "estimate": None,
        "statistics": None,
        "details": {},
    }


UNITS: dict[tuple[str, str], Callable[[Known, Asked], Iterator[Unit]]] = {
    ("resolution_time", "chatwoot"): every_solve,
    ("resolution_time", "articles"): per_ticket_received,
    ("first_response_time", "chatwoot"): since_the_bot,
    ("reopen_rate", "events"): reopenings,
    ("cart_abandonment_rate", "items"): items,
    ("cart_abandonment_rate", "completion"): carts_less_orders,
    ("cart_abandonment_rate", "articles"): begun_checkouts,
}
SHAPES: dict[tuple[str, str], Callable[[Known, Asked, list[Unit], list[Unit], Body], Body]] = {
    ("resolution_time", "articles"): lambda known, asked, units, whole, body: ratio(asked, units, 1000),
    ("reopen_rate", "events"): lambda known, asked, units, whole, body: ratio(asked, units),
    ("cart_abandonment_rate", "items"): lambda known, asked, units, whole, body: ratio(asked, units),
    ("cart_abandonment_rate", "completion"): lambda known, asked, units, whole, body: ratio(asked, units),
    ("cart_abandonment_rate", "articles"): lambda known, asked, units, whole, body: {"details": {}},
}
