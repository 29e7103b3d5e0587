"""Customers under contract as intervals of time, and what retention and churn read from them.

Decided here beside tests/logs/README-growth.md: an end told while another one stands replaces it if that one has not
come yet; a failed payment never replaces an end; what ends at or before its begin has never been. A trial's customers
are none until an event says otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from tests.reference import numbers
from tests.reference.asking import Asked
from tests.reference.copies import Copy, amount, instant
from tests.reference.counting import Known
from tests.reference.outcome import FOREVER
from tests.reference.purchases import standing
from tests.reference.shop import _minor
from tests.reference.unit import Unit, first_of

EVENTS = ("subscription_started", "subscription_renewed", "subscription_updated", "subscription_cancelled",
          "payment_failed")  # fmt: skip
ON = frozenset(("active", "live", "paid"))
FAILED = frozenset(("past due", "overdue"))
OVER = frozenset(
    ("canceled", "cancelled", "expired", "unpaid", "ended", "inactive", "terminated", "incomplete expired")
)
UNITS = {"yearly": "year", "annual": "year", "p1y": "year", "monthly": "month", "months": "month"}
A_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}


def status_of(copy: Copy) -> str:
    return re.sub(r"[\s_-]+", " ", copy.text("status").lower())


@dataclass(slots=True)
class Spell:
    """Under contract on [begin, end); `asked` is when the end was asked for, till `undone` it may be taken back."""

    begin: int
    end: int = FOREVER
    asked: int = FOREVER
    undone: int = FOREVER


@dataclass(slots=True)
class Subscription:
    customer: str
    copies: list[Copy]
    spells: list[Spell]

    def yearly(self, before: int, currency: str, default: str) -> int:
        """Minor units a year of the latest amount told before an instant, 0 in another currency or out of contract."""
        if not any(spell.begin < before <= spell.end for spell in self.spells):
            return 0
        price = self._latest(before, lambda copy: amount(copy.properties, "amount") is not None)
        if price is None or self.currency(before, default) != currency:
            return 0
        minor = _minor(amount(price.properties, "amount") or Decimal(0))
        term = self._latest(before, lambda copy: copy.text("interval"))
        told = term.text("interval").lower() if term else ""
        times = int(term.properties.get("interval_count") or 1) if term else 1
        return (minor * A_YEAR.get(UNITS.get(told, told), 12) + times // 2) // times

    def _latest(self, before: int, tells: Callable[[Copy], object]) -> Copy | None:
        """The last event of the contract that tells something."""
        found = [copy for copy in self.copies if copy.canonical and copy.time < before and copy.name in EVENTS[:3]]
        return max(filter(tells, found), key=lambda copy: (copy.time, copy.sequence, copy.event_id), default=None)

    def currency(self, before: int, default: str) -> str:
        latest = self._latest(before, lambda copy: copy.text("currency"))
        return latest.text("currency").upper() if latest else default

    def elsewhere(self, instant_: int, currency: str, default: str) -> bool:
        """Whether it is paid for in another currency."""
        return (
            self.currency(instant_, default) != currency
            and self.yearly(instant_, self.currency(instant_, default), default) > 0
        )


@dataclass(slots=True)
class Customer:
    id: str
    copies: list[Copy] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)

    @property
    def bot(self) -> bool:
        return min(self.copies, key=lambda copy: copy.order).bot

    def there(self, instant_: int) -> Spell | None:
        return next((spell for spell in self.spells if spell.begin < instant_ <= spell.end), None)


def _spells(copies: Iterable[Copy], grace: int) -> list[Spell]:
    spells: list[Spell] = []
    begin: int | None = None
    pending: Spell | None = None
    for place, copy in enumerate(sorted(copies, key=lambda copy: (copy.time, copy.sequence, copy.event_id))):
        status = status_of(copy)
        kept = copy.name == "subscription_updated" and place > 0
        if copy.name == "payment_failed" or (copy.name != "subscription_cancelled" and status in FAILED):
            if begin is not None and pending is None:
                end = copy.time + grace
                pending = Spell(begin, end, end, end)
        elif copy.name == "subscription_cancelled" or status in OVER:
            told = instant(copy.properties.get("ends_at")) if copy.name == "subscription_cancelled" else None
            end = copy.time if told is None else told
            if begin is not None and (pending is None or pending.end > copy.time):
                requested = instant(copy.properties.get("canceled_at"))
                pending = Spell(begin, end, copy.time if requested is None else requested, end + grace)
        elif status in ON or (not status and not kept):
            if pending is not None and copy.time >= pending.undone:
                spells.append(pending)
                begin = copy.time
            begin, pending = copy.time if begin is None else begin, None
    if begin is not None:
        spells.append(pending or Spell(begin))
    return [spell for spell in spells if spell.end > spell.begin]


def _united(spells: Iterable[Spell], by_request: bool) -> list[Spell]:
    """The spells of all of a customer's subscriptions, gaps that undo an end closed."""
    found: list[Spell] = []
    for spell in sorted(spells, key=lambda spell: (spell.begin, spell.end, spell.asked, spell.undone)):
        if found and spell.begin < max(found[-1].undone, found[-1].end):
            last = max(found[-1], spell, key=lambda one: (one.end, one.undone))
            found[-1] = Spell(found[-1].begin, last.end, last.asked, last.undone)
        else:
            found.append(spell)
    if by_request:
        found = [Spell(spell.begin, spell.asked, spell.asked, spell.undone) for spell in found]
    return [spell for spell in found if spell.end > spell.begin]


def customers(known: Known, grace: int, by_request: bool) -> list[Customer]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in known.copies:
        if copy.name in EVENTS:
            own = f"g:{copy.account}" if copy.account else copy.actor
            if key := copy.text("subscription_id") or own:
                by_id[key].append(copy)
    found: dict[str, Customer] = {}
    for copies in by_id.values():
        account = first_of(copies, lambda copy: copy.text("parent_account_id")) or first_of(
            copies, lambda copy: copy.account
        )
        whose = f"g:{account}" if account else known.people.person(first_of(copies, lambda copy: copy.actor))
        if whose:
            customer = found.setdefault(whose, Customer(whose))
            customer.copies += copies
            spells = _spells([copy for copy in copies if copy.canonical], grace)
            customer.subscriptions.append(Subscription(whose, copies, spells))
    for customer in found.values():
        customer.spells = _united((spell for one in customer.subscriptions for spell in one.spells), by_request)
    return list(found.values())


def buyers(known: Known, tau: int) -> list[Customer]:
    """Customers without a contract: a spell ends tau after its last purchase."""
    found = []
    for person, orders in standing(known).items():
        customer = Customer(person, [copy for order in orders for copy in order.copies])
        for order in orders:
            if customer.spells and order.time < customer.spells[-1].end:
                customer.spells[-1].end = order.time + tau
            else:
                customer.spells.append(Spell(order.time, order.time + tau))
        found.append(customer)
    return found


def tau_of(known: Known, asked: Asked) -> int:
    if asked.parameters["tau"] != "auto":
        return int(asked.parameters["tau"])
    gaps = [later.time - earlier.time for orders in standing(known).values() for earlier, later in pairwise(orders)]
    found = numbers.quantile(gaps, 0.95)
    return 90 * 86_400_000 if found is None else int(found)


def contracts(known: Known, asked: Asked) -> Iterator[tuple[Customer, Unit]]:
    """Each customer with a unit that counts if it was there at the start; success: lost in the window."""
    tau = tau_of(known, asked) if asked.definition == "non_contractual" else None
    everyone = (
        customers(known, int(asked.parameters["grace"]), asked.parameters["when"] == "request")
        if tau is None
        else buyers(known, tau)
    )
    for customer in everyone:
        present = customer.there(asked.start)
        ends = [spell for spell in customer.spells if asked.start <= spell.end < asked.until]
        joined = any(asked.start <= spell.begin < asked.until for spell in customer.spells)
        if not present and not ends and not joined:
            continue
        unit = Unit(
            customer.id, asked.start, known.dimensions(customer.copies), customer.id, "bot" if customer.bot else ""
        )
        unit.n = int(present is not None)
        unit.success = present is not None and present in ends
        known_by = asked.end if tau is None else asked.end + tau
        undone = [spell.undone for spell in ends] if tau is None else []
        unit.mature = all(known.at >= time for time in (known_by, *undone))
        if asked.definition in ("revenue_gross", "revenue_net") and present is not None and not unit.reason:
            wanted = str(asked.parameters["currency"] or asked.currency)
            if any(one.elsewhere(asked.start, wanted, asked.currency) for one in customer.subscriptions):
                unit.flags = ("other_currency",)
        lost = present.end if present is not None and unit.success else FOREVER
        unit.details = {} if unit.reason else {
            "lost": int(unit.success),
            "joined": int(joined),
            "reactivated": int(any(spell.begin >= lost for spell in customer.spells)),
            "joined_and_churned": int(present is None and bool(ends)),
            "ends": len(ends),
            "there_at_end": int(customer.there(asked.until) is not None),
            "exposure": sum(
                max(0, min(spell.end, asked.until) - max(spell.begin, asked.start)) for spell in customer.spells
            ),
        }  # fmt: skip
        yield customer, unit
