"""Purchases that stand, and whose referral each of them was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.reference.asking import Asked
from tests.reference.copies import Copy
from tests.reference.counting import Known, passes
from tests.reference.purchases import active_customers, order_unit
from tests.reference.shop import Order
from tests.reference.unit import Unit, first_of


def given_back(order: Order, window: int) -> bool:
    """Cancelled, refunded without an amount, or refunds that reach the amount, soon enough."""
    soon = [copy for copy in order.settled() if copy.time < order.time + window]
    back = [copy for copy in soon if copy.name == "order_cancelled" or copy in order.refunds("EUR")]
    # Whether money is left is what `revenue` decides; the latest amount is the latest of all, refunds only the soon.
    priced = [copy for copy in order.settled() if copy.name in ("order_completed", "order_updated")]
    left = Order(order.id, order.time, order.completed, [*priced, *back], "", "", "", "").money("EUR")[1]
    return bool(back) and left == 0


class Referrals:
    def __init__(self, known: Known, lookback: int, refund_window: int) -> None:
        self.known, self.lookback, self.refund_window = known, lookback, refund_window
        self.of: dict[str, list[Copy]] = defaultdict(list)
        self.owners: dict[str, str] = {}
        for copy in known.canonical:
            person, code = known.people.person(copy.actor), copy.text("referral_code")
            if code and person and copy.name == "invite_sent":
                self.owners.setdefault(code, person)
            elif code and person and copy.persons and not copy.bot:
                self.of[person].append(copy)
        self.instruments: dict[str, set[str]] = defaultdict(set)
        for order in known.carts.orders.values():
            if order.person:
                self.instruments[order.person].add(_instrument(order))

    def code(self, order: Order) -> str:
        """That of the latest referral of the buyer, the order's own included."""
        found = [copy for copy in order.completed if copy.canonical and copy.text("referral_code")]
        found += self.of.get(order.person, []) if order.person else []
        fitting = [copy for copy in found if copy.time <= order.time < copy.time + self.lookback]
        latest = max(fitting, key=lambda copy: (copy.time, copy.sequence, copy.event_id), default=None)
        return latest.text("referral_code") if latest else ""

    def judge(self, order: Order) -> Unit:
        """A purchase, a success if it was referred."""
        unit = order_unit(self.known, order, "bot" if order.bot else "")
        if not unit.reason and given_back(order, self.refund_window):
            unit.reason = "refunded"
        code = self.code(order)
        owner = self.owners.get(code, "")
        if code and not unit.reason:
            if owner and owner == order.person:
                unit.flags = ("self_referral",)
            elif owner and _instrument(order) and _instrument(order) in self.instruments[owner]:
                unit.flags = ("same_payment",)
            else:
                unit.success = True
        if not unit.reason and order.refunds("EUR", aside=True):
            unit.flags = (*unit.flags, "refund_currency")
        unit.mature = self.known.at - order.time >= self.refund_window
        return unit

    def firsts(self) -> dict[str, Order]:
        """Each customer's first purchase that stands."""
        found: dict[str, Order] = {}
        for order in sorted(self.known.carts.orders.values(), key=lambda order: (order.time, order.id)):
            if order.person and not order.bot and not given_back(order, self.refund_window):
                found.setdefault(order.person, order)
        return found


def _instrument(order: Order) -> str:
    return first_of(order.completed, lambda copy: copy.text("payment_fingerprint"))


def referral(known: Known, asked: Asked) -> Iterator[Unit]:
    referrals = Referrals(known, int(asked.parameters["lookback"]), int(asked.parameters["refund_window"]))
    firsts = referrals.firsts()
    if asked.definition in ("default", "new_customers", "k_factor"):
        for order in known.carts.orders.values():
            unit = referrals.judge(order)
            if not asked.start <= order.time < asked.until or not passes(unit, asked):
                continue
            if asked.definition != "default":
                unit.reason = unit.reason or ("" if order.person else "no_actor")
                if not unit.reason and firsts[order.person] is not order:
                    continue
            if asked.definition == "k_factor":
                unit.n, unit.flags = 0, ()
                if unit.reason:
                    continue
            yield unit
    if asked.definition in ("referrers", "k_factor"):
        customers = {person for person, order in firsts.items() if order.time < asked.until}
        yield from _active(known, asked, customers)


def _active(known: Known, asked: Asked, customers: set[str]) -> Iterator[Unit]:
    """One unit a customer, with the dimensions of its first own event of the window."""
    invited = {
        known.people.person(copy.actor)
        for copy in known.canonical
        if copy.name == "invite_sent" and asked.start <= copy.time < asked.until and not copy.bot
    }
    seen: set[str] = set()
    for unit in active_customers(known, asked, customers):
        if unit.person not in seen:
            seen.add(unit.person)
            unit.success = asked.definition == "referrers" and unit.person in invited
            yield unit
