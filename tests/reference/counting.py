"""The units of each metric, counted or left out, straight from the specification."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property, partial

from tests.reference.asking import Asked, local_day, midnight
from tests.reference.contacts import Contact, contacts_of
from tests.reference.copies import VISITS, Copies, Copy, canonical_name
from tests.reference.people import People
from tests.reference.shop import LATE_PAYMENT, Basket, Shop, carts_of, checkout_key, checkouts_of, session_carts_of
from tests.reference.surveys import Answer, Invitation, Registry, answers_of, invitations_of
from tests.reference.tickets import Ticket, tickets_of
from tests.reference.unit import Unit, first_dimension, first_of

VISIT_GAP = 30 * 60_000


class Known:
    """All that was known before an instant, put together when first needed."""

    def __init__(self, copies: Copies, at: int, questions: Registry | None = None) -> None:
        self.at = at
        self.questions: Registry = questions or {}
        self.copies = copies.before(at)

    @cached_property
    def canonical(self) -> list[Copy]:
        return [copy for copy in self.copies if copy.canonical]

    @cached_property
    def people(self) -> People:
        return People(self.copies)

    @cached_property
    def carts(self) -> Shop:
        return carts_of(self.copies, self.people)

    @cached_property
    def session_carts(self) -> Shop:
        return session_carts_of(self.copies, self.people)

    @cached_property
    def checkouts(self) -> Shop:
        return checkouts_of(self.copies, self.people)

    @cached_property
    def tickets(self) -> list[Ticket]:
        return tickets_of(self.copies)

    @cached_property
    def answers(self) -> list[Answer]:
        return answers_of(self.copies)

    @cached_property
    def invitations(self) -> dict[str, Invitation]:
        return invitations_of(self.copies)

    @cached_property
    def contacts(self) -> list[Contact]:
        return contacts_of(self.copies)

    def dimensions(self, copies: list[Copy], plain: Callable[[str], str] | None = None) -> Callable[[str], str]:
        """Of an entity made of these copies; `trait.x` is its person's."""
        of = plain or first_dimension(copies)

        def dimension(name: str) -> str:
            if name.startswith("trait."):
                return self.people.trait(self.person(copies), name.removeprefix("trait."))
            return of(name)

        return dimension

    def person(self, copies: list[Copy]) -> str:
        """The person of the earliest of these that a person did: who refunded or solved is not the customer."""
        return self.people.person(first_of(copies, lambda copy: copy.actor if copy.persons else ""))

    def single(self, copy: Copy, reason: str = "") -> Unit:
        """One event as a unit; its person is its actor's, whoever did it."""
        person = self.people.person(copy.actor)

        def dimension(name: str) -> str:
            if name.startswith("trait."):
                return self.people.trait(person, name.removeprefix("trait."))
            return copy.dimension(name)

        return Unit(copy.event_id, copy.time, dimension, person, reason)


def passes(unit: Unit, asked: Asked) -> bool:
    return all(_passes(unit.dimensions(name), operator, values) for name, operator, values in asked.filters)


def _passes(value: str, operator: str, values: tuple[str, ...]) -> bool:
    among = value in (values or ("",))
    return among if operator in ("eq", "in") else not among


def event_count(known: Known, asked: Asked) -> Iterator[Unit]:
    for copy in known.canonical:
        if asked.start <= copy.time < asked.until:
            yield known.single(copy)


def visits(known: Known, asked: Asked) -> Iterator[Unit]:
    latest: dict[str, int] = {}
    for copy in known.canonical:
        if copy.name not in VISITS:
            continue
        unit = known.single(copy, "bot" if copy.bot else "" if copy.actor else "no_actor")
        if not passes(unit, asked):
            continue
        begins = unit.person not in latest or copy.time - latest[unit.person] >= VISIT_GAP
        if not unit.reason:
            latest[unit.person] = copy.time
        if asked.start <= copy.time < asked.until and (unit.reason or begins):
            yield unit


def orders(known: Known, asked: Asked) -> Iterator[Unit]:
    for order in known.carts.orders.values():
        if asked.start <= order.time < asked.until:
            yield Unit(
                order.id, order.time, known.dimensions(order.copies), known.person(order.copies),
                reason="bot" if order.bot else "",
                flags=("cancelled",) if order.cancelled and not order.bot else (),
            )  # fmt: skip


def revenue(known: Known, asked: Asked) -> Iterator[Unit]:
    for unit in orders(known, asked):
        order = known.carts.orders[unit.id]
        unit.currency, unit.money = order.money(asked.currency)
        if not unit.reason and order.refunds(asked.currency, aside=True):
            unit.flags = (*unit.flags, "refund_currency")
        yield unit


def _rate(known: Known, basket: Basket, outcome: int | None, horizons: tuple[int, int], reason: str) -> Unit:
    """A unit whose fate is known past its own horizon stays at risk, without an outcome, to the longest one."""
    horizon, longest = horizons
    age = known.at - basket.created
    success = outcome is not None and basket.created <= outcome < basket.created + horizon
    return Unit(
        basket.id, basket.created, known.dimensions(basket.whole), known.person(basket.whole), reason,
        success=success,
        mature=age >= horizon,
        died=outcome - basket.created if outcome is not None and success else None,
        survived=None if success else longest if age >= horizon else age,
        reached=age >= horizon,
    )  # fmt: skip


def carts(known: Known, asked: Asked) -> Iterator[Unit]:
    by_session = asked.parameters["entity"] == "session"
    shop = known.session_carts if by_session else known.carts
    horizon, inactivity, recovery = (int(asked.parameters[key]) for key in ("horizon", "inactivity", "recovery"))
    for cart in shop.baskets.values():
        if not asked.start <= cart.created < asked.until:
            continue
        emptied = cart.emptied(min(asked.at, cart.created + horizon))
        left_out = emptied and asked.parameters["emptied"] == "excluded"
        reason = "bot" if cart.bot else "emptied" if left_out else ""
        outcome = min((order.time for order in cart.orders), default=None)
        unit = _rate(known, cart, outcome, (horizon, horizon), reason)
        if not cart.bot:
            unit.details = {
                "abandoned_now": int(
                    not left_out and outcome is None and _touched(cart, asked.at) + inactivity <= asked.at
                ),
                "recovered": int(
                    not left_out and outcome is not None and _recovered(cart, outcome, inactivity, recovery)
                ),
                "emptied": int(emptied),
            }
        yield unit
    for order_id in shop.loose:
        order = shop.orders[order_id]
        if asked.start <= order.time < asked.until and not order.bot:
            yield Unit(order.id, order.time, known.dimensions(order.copies), reason="cartless_orders")
    for copy in known.canonical:
        without = not copy.session if by_session else not copy.text("cart_id") and not copy.session
        if copy.name == "product_added" and asked.start <= copy.time < asked.until and without:
            yield known.single(copy, "no_cart_id")


def _recovered(cart: Basket, order: int, inactivity: int, recovery: int) -> bool:
    """Bought after a pause; a cart that began with its order knew none."""
    touched = _touched(cart, order)
    return touched > 0 and order - touched > inactivity and order < cart.created + recovery


def _touched(cart: Basket, before: int) -> int:
    """The last activity before an instant, each event at its canonical time."""
    return max((copy.time for copy in cart.copies if copy.canonical and copy.time < before), default=0)


def checkouts(known: Known, asked: Asked) -> Iterator[Unit]:
    soon, late = (int(asked.parameters[key]) for key in ("horizon", "horizon_async"))
    for checkout in known.checkouts.baskets.values():
        if not asked.start <= checkout.created < asked.until:
            continue
        method = first_of(checkout.copies, lambda copy: canonical_name(copy.text("payment_method")))
        outcome = min((order.time for order in checkout.orders), default=None)
        horizon = late if method in LATE_PAYMENT else soon
        yield _rate(known, checkout, outcome, (horizon, max(soon, late)), "bot" if checkout.bot else "")
    for copy in known.canonical:
        if copy.name == "checkout_started" and asked.start <= copy.time < asked.until and not checkout_key(copy):
            yield known.single(copy, "no_checkout_id")


def span(asked: Asked, days: int) -> tuple[int, int]:
    """So many local days up to T, the last being the one that holds the instant before T."""
    until = min(asked.at, asked.end)
    last = local_day(until - 1, asked.tz)
    return midnight(last - timedelta(days=days - 1), asked.tz), until


def activity(known: Known, asked: Asked, start: int, until: int) -> Iterator[Unit]:
    """One unit a copy of a qualifying event in [start, until); `flags` hold its day."""
    named = {canonical_name(name) for name in str(asked.parameters.get("events") or "").split(",") if name}
    for copy in known.copies:
        if start <= copy.time < until and copy.persons and (not named or copy.name in named):
            unit = known.single(copy, "bot" if copy.bot else "" if copy.actor else "no_actor")
            if passes(unit, asked):
                yield unit


def active(units: list[Unit], least: int) -> set[str]:
    events: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        if not unit.reason:
            events[unit.person].add(unit.id)
    return {person for person, found in events.items() if len(found) >= least}


def resolution(known: Known, asked: Asked) -> Iterator[Unit]:
    first, without = asked.parameters["clock"] == "first", asked.parameters["pending"] == "exclude"
    cohort = asked.parameters["attribution"] == "cohort"

    def within(time: int | None) -> bool:
        return time is not None and asked.start <= time < asked.until

    for ticket in known.tickets:
        solve = ticket.solves[0] if first and ticket.solves else None
        if not first and ticket.solves and (ticket.solved() or asked.definition == "zendesk"):
            solve = ticket.solves[-1]
        unit = _ticket(known, ticket)
        if ticket.removed or ticket.created is None:
            if within(ticket.entry if cohort else solve):
                unit.reason = "removed" if ticket.removed else "created_unknown"
                yield unit
            continue
        taken = None
        if solve is not None:
            taken = max(0, solve - ticket.created - (ticket.pending(solve) if without else 0))
        if within(ticket.created):
            unit.died = taken
            unit.survived = known.at - ticket.created if taken is None else None
        if within(ticket.created if cohort else solve):
            unit.value = taken
            unit.mature = taken is not None
        else:
            unit.n = 0
        if within(ticket.created) or unit.n:
            yield unit


def responses(known: Known, asked: Asked) -> Iterator[Unit]:
    bots = str(asked.parameters["bots"]).lower() == "true"
    for ticket in known.tickets:
        unit = _ticket(known, ticket)
        entry = ticket.first if ticket.created is None else ticket.created
        if not asked.start <= entry < asked.until:
            continue
        response = ticket.first_response(bots)
        if ticket.removed:
            unit.reason = "removed"
        elif ticket.created is None:
            unit.reason = "created_unknown"
        elif response is not None:
            unit.value = unit.died = max(0, response - ticket.created)
        elif ticket.solved():
            unit.reason = "closed_unanswered"
        elif asked.definition == "zendesk":
            unit.n = 0
        else:
            unit.survived, unit.mature = known.at - ticket.created, False
        yield unit


def reopened(known: Known, asked: Asked) -> Iterator[Unit]:
    within = int(asked.parameters["within"])
    for ticket in known.tickets:
        if not ticket.solves or not asked.start <= ticket.solves[0] < asked.until:
            continue
        unit, solve = _ticket(known, ticket), ticket.solves[0]
        unit.reason = "removed" if ticket.removed else ""
        outcome = ticket.reopened_after_first_solve(asked.parameters["thank_you"] == "count")
        unit.success = outcome is not None and outcome < solve + within
        unit.mature = unit.reached = known.at - solve >= within
        unit.died = outcome - solve if outcome is not None and unit.success else None
        unit.survived = None if unit.success else min(within, known.at - solve)
        yield unit


def _ticket(known: Known, ticket: Ticket) -> Unit:
    return Unit(ticket.id, ticket.entry, known.dimensions(ticket.copies, ticket.dimension), known.person(ticket.copies))


def _dimension_then(ticket: Ticket, then: Ticket, name: str) -> str:
    """Who holds a ticket is a matter of the instant; its other dimensions are its own."""
    return then.agent if name == "agent" else ticket.dimension(name)


def backlog(known: Known, asked: Asked) -> Iterator[Unit]:
    until = min(asked.at, asked.end)

    def within(time: int) -> int:
        return int(asked.start <= time < until)

    for ticket in known.tickets:
        if ticket.entry >= until:
            continue
        unit = _ticket(known, ticket)
        then = ticket.until(until)
        unit.dimensions = known.dimensions(ticket.copies, partial(_dimension_then, ticket, then))
        flows = then.flows()
        still = flows[-1][0] if flows else True
        unit.n, unit.age = int(still), until - ticket.entry if still else None
        unit.details = {
            "inflow": within(ticket.entry) + sum(within(time) for inside, time in flows if inside),
            "outflow": sum(within(time) for inside, time in flows if not inside),
        }
        yield unit


UNITS: dict[str, Callable[[Known, Asked], Iterator[Unit]]] = {
    "event_count": event_count, "visits": visits, "orders": orders, "revenue": revenue,
    "cart_abandonment_rate": carts, "checkout_abandonment_rate": checkouts, "resolution_time": resolution,
    "first_response_time": responses, "reopen_rate": reopened, "backlog": backlog,
}  # fmt: skip
