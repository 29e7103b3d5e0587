"""Carts, checkouts and orders put together from their events, and which order belongs to which cart or checkout.

Decided here where the specification is silent: under `entity=session` the events of a session's cart are the cart
events that carry the session; among several known carts that an id names, one in range is preferred; an order by a
bot still ends the cart that it names; the last activity of a cart is over every copy of its events, the cart's only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from tests.reference.copies import Copy, amount
from tests.reference.people import People
from tests.reference.unit import first_of

LINKED_FOR = 30 * 86_400_000
CART_EVENTS = ("product_added", "product_removed", "cart_viewed", "cart_shared")
CHECKOUT_EVENTS = ("checkout_started", "checkout_step_viewed", "checkout_step_completed", "payment_info_entered")
ORDER_EVENTS = ("order_completed", "order_updated", "order_refunded", "order_cancelled")
LATE_PAYMENT = frozenset(
    [
        "bank_transfer",
        "sepa",
        "sepa_debit",
        "invoice",
        "boleto",
        "oxxo",
        "konbini",
        "pix",
        "multibanco",
        "klarna_pay_later",
        "cash_on_delivery",
        "check",
    ]
)


@dataclass(slots=True)
class Order:
    id: str
    time: int
    completed: list[Copy]
    copies: list[Copy]
    cart_id: str
    checkout_id: str
    session: str
    person: str

    @property
    def bot(self) -> bool:
        return min(self.copies, key=lambda copy: copy.order).bot

    def settled(self) -> list[Copy]:
        return [copy for copy in self.copies if copy.canonical]

    @property
    def _turn(self) -> list[Copy]:
        """The completions and cancellations, in their order."""
        found = [copy for copy in self.settled() if copy.name in ("order_completed", "order_cancelled")]
        return sorted(found, key=lambda c: (c.time, c.sequence, c.name == "order_cancelled", c.event_id))

    @property
    def cancelled(self) -> bool:
        """Whether the last word is a cancellation."""
        return self.cancelled_at is not None

    @property
    def cancelled_at(self) -> int | None:
        """Since when it is cancelled: the first cancellation after the last completion."""
        since = None
        for copy in self._turn:
            cancels = copy.name == "order_cancelled"
            since = (copy.time if since is None else since) if cancels else None
        return since

    def _latest(self, told: Callable[[Copy], object]) -> Copy | None:
        """The last completion or update that tells this."""
        found = [copy for copy in self.settled() if copy.name in ("order_completed", "order_updated") and told(copy)]
        return max(found, key=lambda copy: (copy.time, copy.sequence, copy.event_id), default=None)

    def currency(self, default: str) -> str:
        latest = self._latest(lambda copy: copy.text("currency"))
        return latest.text("currency").upper() if latest else default

    def refunds(self, default: str, *, aside: bool = False) -> list[Copy]:
        """What was given back in its own currency, or in another one; all of it has none."""
        own = self.currency(default)
        back = [copy for copy in self.settled() if copy.name == "order_refunded"]
        return [c for c in back if aside == (_amount(c) is not None and (c.text("currency").upper() or own) != own)]

    def money(self, default: str) -> tuple[str, int]:
        """Currency and net amount in minor units: the latest amount less refunds, nothing once all was given back."""
        currency, latest = self.currency(default), self._latest(lambda copy: _amount(copy) is not None)
        refunds = [_amount(copy) for copy in self.refunds(default)]
        if latest is None or self.cancelled or None in refunds:
            return currency, 0
        gross = _minor(_amount(latest))
        return currency, max(0, gross - sum(abs(_minor(refund)) for refund in refunds))


def _amount(copy: Copy) -> Decimal | None:
    return amount(copy.properties, "total", "revenue", "value")


def _minor(value: Decimal | None) -> int:
    return int(((value or Decimal(0)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def orders_of(copies: Iterable[Copy], people: People) -> dict[str, Order]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.name in ORDER_EVENTS and copy.text("order_id"):
            by_id[copy.text("order_id")].append(copy)
    orders = {}
    for order_id, found in by_id.items():
        completed = [copy for copy in found if copy.name == "order_completed"]
        if completed:
            orders[order_id] = Order(
                id=order_id,
                time=min(copy.time for copy in completed),
                completed=completed,
                copies=found,
                cart_id=first_of(completed, lambda copy: copy.text("cart_id")),
                checkout_id=first_of(completed, lambda copy: copy.text("checkout_id")),
                session=first_of(completed, lambda copy: copy.session),
                person=people.person(first_of(completed, lambda copy: copy.actor)),
            )
    return orders


@dataclass(slots=True)
class Basket:
    """A cart or a checkout, or one use of a cart: `whole` are then the copies of all of its uses."""

    id: str
    copies: list[Copy]
    created: int
    orders: list[Order] = field(default_factory=list)
    whole: list[Copy] = field(default_factory=list)
    names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.whole = self.whole or self.copies
        self.names = self.names or frozenset([self.id])

    @property
    def bot(self) -> bool:
        return min(self.whole, key=lambda copy: copy.order).bot

    def ids(self, key: str) -> set[str]:
        return {found for copy in self.whole if (found := copy.text(key))}

    def sessions(self) -> set[str]:
        return {copy.session for copy in self.whole if copy.session}

    def takes(self, time: int) -> bool:
        return self.created <= time < self.created + LINKED_FOR

    def emptied(self, until: int) -> bool:
        """Everything that went in came out before `until`, and nothing was bought by then."""
        quantities = {"product_added": Decimal(0), "product_removed": Decimal(0)}
        for copy in self.copies:
            if copy.name in quantities and copy.canonical and copy.time < until:
                quantity = amount(copy.properties, "quantity")
                quantities[copy.name] += 1 if quantity is None else quantity
        added, removed = quantities.values()
        return 0 < added <= removed and not any(order.time < until for order in self.orders)


class Ids(Protocol):
    """Which baskets an order's value names at one level of linking."""

    def get(self, key: str, /) -> list[Basket] | None: ...


@dataclass
class Shop:
    """Orders, and the baskets of one kind with the orders that each of them got."""

    baskets: dict[str, Basket]
    orders: dict[str, Order]
    loose: set[str] = field(default_factory=set)

    @cached_property
    def by_id(self) -> dict[str, list[Basket]]:
        return self.by(lambda basket: basket.names)

    def by(self, values: Callable[[Basket], Iterable[str]]) -> dict[str, list[Basket]]:
        index: dict[str, list[Basket]] = defaultdict(list)
        for basket in self.baskets.values():
            for value in values(basket):
                if value:
                    index[value].append(basket)
        return dict(index)

    def link(self, levels: Callable[[Order], list[tuple[str, Ids, bool]]]) -> None:
        """Give each order to the first level with a candidate; a level that settles does so even out of range."""
        for order in sorted(self.orders.values(), key=lambda order: (order.time, order.id)):
            chosen = None
            for value, index, settles in levels(order):
                named = (index.get(value) or []) if value else []
                fitting = [basket for basket in named if basket.takes(order.time)]
                if fitting:
                    chosen = max(fitting, key=lambda basket: (basket.created, basket.id))
                if fitting or (named and settles):
                    break
            if chosen:
                chosen.orders.append(order)
            else:
                self.loose.add(order.id)


def _baskets(copies: Iterable[Copy], key: Callable[[Copy], str], begins: str) -> dict[str, Basket]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if named := key(copy):
            by_id[named].append(copy)
    baskets = {}
    for basket_id, found in by_id.items():
        begun = [copy.time for copy in found if copy.name == begins]
        if begun:
            baskets[basket_id] = Basket(basket_id, found, min(begun))
    return baskets


def cart_key(copy: Copy) -> str:
    explicit = copy.text("cart_id")
    if copy.name in CART_EVENTS:
        return explicit or copy.session
    return explicit if copy.name.startswith("coupon_") or copy.name in CHECKOUT_EVENTS else ""


def _merges(copies: Iterable[Copy]) -> Callable[[str], str]:
    """Into which cart one went in the end: three merges are followed."""
    told: dict[str, tuple[tuple[int, int, str], str]] = {}
    for copy in copies:
        if not copy.canonical:
            continue
        if copy.name == "cart_merged":
            origin, into = copy.text("cart_id"), copy.text("into_cart_id")
        elif copy.name in CART_EVENTS:
            origin, into = copy.text("merged_from"), copy.text("cart_id")
        else:
            continue
        place = (copy.time, copy.sequence, copy.event_id)
        if origin and into and origin != into and (origin not in told or told[origin][0] < place):
            told[origin] = (place, into)

    def root(cart: str) -> str:
        for _ in range(3):
            if cart not in told:
                break
            cart = told[cart][1]
        return cart

    return root


def _uses(cart: Basket, ends: list[int]) -> Iterator[Basket]:
    """What is added after an order that names the cart begins another one."""
    adds = [
        copy.time for copy in cart.copies
        if copy.canonical and copy.name == "product_added" and (amount(copy.properties, "quantity") or 1) > 0
        and copy.time > cart.created
    ]  # fmt: skip
    points = [cart.created, *sorted(adds)]
    starts = [cart.created] + [add for before, add in pairwise(points) if any(before <= end < add for end in ends)]
    for place, start in enumerate(starts):
        until = starts[place + 1] if place + 1 < len(starts) else 10**15
        own = [copy for copy in cart.copies if (place == 0 or copy.time >= start) and copy.time < until]
        name = cart.id if place == 0 else f"{cart.id}#{place + 1}"
        yield Basket(name, own, start, whole=cart.copies, names=cart.names)


def carts_of(copies: list[Copy], people: People) -> Shop:
    root, orders = _merges(copies), orders_of(copies, people)
    ends: dict[str, list[int]] = defaultdict(list)
    for order in orders.values():
        ends[root(order.cart_id or order.session)].append(order.time)
    carts = _baskets(copies, lambda copy: root(cart_key(copy)), "product_added")
    for cart in carts.values():
        cart.names = frozenset(cart_key(copy) for copy in cart.copies) | {cart.id}
    used = (use for cart in carts.values() for use in _uses(cart, sorted(ends[cart.id])))
    shop = Shop({use.id: use for use in used}, orders)
    checkouts = shop.by(lambda cart: cart.ids("checkout_id"))
    sessions = shop.by(lambda cart: cart.sessions())
    persons = shop.by(lambda cart: {people.person(copy.actor) for copy in cart.whole if copy.actor})
    shop.link(
        lambda order: [
            (order.cart_id, shop.by_id, True),
            (order.checkout_id, checkouts, True),
            (order.session, sessions, False),
            (order.person, persons, False),
        ]
    )
    return shop


def session_carts_of(copies: list[Copy], people: People) -> Shop:
    shop = Shop(
        _baskets(copies, lambda copy: copy.session if cart_key(copy) else "", "product_added"),
        orders_of(copies, people),
    )
    shop.link(lambda order: [(order.session, shop.by_id, False)])
    return shop


def checkout_key(copy: Copy) -> str:
    if copy.name not in CHECKOUT_EVENTS:
        return ""
    return copy.text("checkout_id") or copy.text("order_id") or copy.text("cart_id") or copy.session


def checkouts_of(copies: list[Copy], people: People) -> Shop:
    shop = Shop(_baskets(copies, checkout_key, "checkout_started"), orders_of(copies, people))
    ids = shop.by(lambda checkout: checkout.ids("checkout_id"))
    orders = shop.by(lambda checkout: checkout.ids("order_id"))
    carts = shop.by(lambda checkout: checkout.ids("cart_id"))
    sessions = shop.by(lambda checkout: checkout.sessions())
    shop.link(
        lambda order: [
            (order.checkout_id, ids, True),
            (order.id, orders, True),
            (order.cart_id, carts, True),
            (order.session, sessions, False),
        ]
    )
    return shop
