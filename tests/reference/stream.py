"""A long random journey of a shop and its help desk, the same for the same seed, and ways to deliver it differently.

About seventy days that cross the end of summer time in Berlin: carts over midnight, emptied, bought at every level of
linking; refunds, cancellations, four currencies; people who log in, merge, share a device and are parted again; visits,
bots and events of nobody; tickets reopened, waiting, thanked for. One event in twenty is sent again in another batch
with another `sentAt`; some clients' clocks are wrong by more than five minutes, so that the copies' corrected times
differ; one in ten comes up to seven days late. A delivery's receipt belongs to it, so that no re-ordering of
deliveries changes a time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.reference.copies import instant, iso

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = instant("2026-09-01T00:00:00Z") or 0
DAYS = 70
BATCH = 250
Event = dict[str, Any]
Delivery = dict[str, Any]

COUNTRIES = ("DE", "DE", "AT", "CH", "FR", "")
DEVICES = ("mobile", "mobile", "desktop", "tablet", "")
CHANNELS = ("web", "web", "app", "email", "")
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "GBP", "CHF", "")
METHODS = ("card", "card", "paypal", "bank_transfer", "invoice", "")


class Journeys:
    """Draws events one journey after another; `events` holds (event, skew of its client's clock)."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = random.Random(seed)
        self.size = size
        self.events: list[tuple[Event, int]] = []
        self.people = max(20, size // 40)
        self.serial = 0

    def draw(self) -> list[tuple[Event, int]]:
        makers = (self.shopping, self.shopping, self.shopping, self.browsing, self.browsing, self.ticket, self.identity)
        while len(self.events) < self.size:
            self.random.choice(makers)()
        del self.events[self.size :]
        return self.events

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def moment(self) -> int:
        """A start; more of them around local midnight and around the hour that comes twice than elsewhere."""
        day = START + self.random.randrange(DAYS) * DAY
        if self.chance(0.1):
            return day + self.random.choice((22, 23)) * HOUR + self.random.randrange(-3, 3) * 600_000
        return day + self.random.randrange(DAY // 1000) * 1000

    def client(self) -> dict[str, Any]:
        """Who acts, on what, with which clock."""
        who = self.random.randrange(self.people)
        known = self.chance(0.6)
        context: dict[str, Any] = {}
        if country := self.random.choice(COUNTRIES):
            context["country"] = country
        if device := self.random.choice(DEVICES):
            context["device"] = {"type": device}
        if channel := self.random.choice(CHANNELS):
            context["channel"] = channel
        if self.chance(0.03):
            context["bot"] = True
        if self.chance(0.1):
            context["traits"] = {"plan": self.random.choice(("free", "pro", "team"))}
        found: dict[str, Any] = {"context": context, "skew": 0}
        if self.chance(0.15):
            found["skew"] = self.random.choice((-1, 1)) * self.random.randrange(6, 90) * MINUTE
        if known:
            found["userId"] = f"u{who}"
        if not known or self.chance(0.3):
            found["anonymousId"] = f"a{who if self.chance(0.9) else self.random.randrange(self.people)}"
        if self.chance(0.01):
            found.pop("userId", None)
            found.pop("anonymousId", None)
        if self.chance(0.9):
            found["sessionId"] = f"s{self.number()}"
        return found

    def add(self, time: int, name: str, client: dict[str, Any], **properties: Any) -> None:
        event: Event = {"messageId": f"m{self.number()}", "event": name, "timestamp": iso(time)}
        event |= {key: value for key, value in client.items() if key not in {"skew", "context"} and value != ""}
        if client.get("context"):
            event["context"] = client["context"]
        if self.chance(0.1):
            event["sequence"] = self.random.randrange(1, 5)
        kept = {key: value for key, value in properties.items() if value != ""}
        if kept:
            event["properties"] = kept
        self.events.append((event, client.get("skew", 0)))

    def browsing(self) -> None:
        client, time = self.client(), self.moment()
        for _ in range(self.random.randrange(1, 6)):
            self.add(time, self.random.choice(("page_viewed", "page_viewed", "product_viewed", "Tour Taken")), client)
            time += self.random.choice((10_000, 5 * MINUTE, 30 * MINUTE, 30 * MINUTE - 1, 2 * HOUR))

    def shopping(self) -> None:
        client, time, number = self.client(), self.moment(), self.number()
        cart = f"c{number}" if self.chance(0.8) else ""
        added = self.random.randrange(1, 4)
        if self.chance(0.4):
            self.add(time - self.random.randrange(20 * MINUTE), "page_viewed", client)
        for _ in range(added):
            self.add(time, "product_added", client, cart_id=cart, product_id="p", quantity=1)
            time += self.random.randrange(1, 20) * MINUTE
        if self.chance(0.12):
            self.add(time, "product_removed", client, cart_id=cart, quantity=added)
            time += MINUTE
        if self.chance(0.1):
            self.add(time, "coupon_applied", client, cart_id=cart, coupon_id="x")
        checkout = ""
        order = f"o{number}" if self.chance(0.7) else ""
        if self.chance(0.55):
            checkout = f"k{number}" if self.chance(0.6) else ""
            ids = {"checkout_id": checkout, "cart_id": cart if self.chance(0.6) else ""}
            if self.chance(0.3):
                ids["order_id"] = order
            self.add(time, "checkout_started", client, **ids)
            if self.chance(0.7):
                method = self.random.choice(METHODS)
                self.add(time + MINUTE, "payment_info_entered", client, **ids, payment_method=method)
            time += 2 * MINUTE
        if cart and self.chance(0.05):
            self.merge(client, time, cart)
        if order and self.chance(0.8):
            self.order(client, time, order, cart, checkout)
        if cart and self.chance(0.08):
            # The same cart again, mostly after its order.
            again = time + self.random.choice((HOUR, DAY, 4 * DAY))
            self.add(again, "product_added", client, cart_id=cart, quantity=self.random.choice((1, 2)))
            if self.chance(0.4):
                self.order(client, again + HOUR, f"{order or cart}x", cart if self.chance(0.5) else "", "")

    def merge(self, client: dict[str, Any], time: int, cart: str) -> None:
        """A guest's cart went into this one, told by an event or a property."""
        guest, name = f"c{self.number()}", f"a{self.number()}"
        visitor = {"anonymousId": name, "skew": client["skew"], "context": client["context"]}
        self.add(time - self.random.choice((5 * MINUTE, DAY)), "product_added", visitor, cart_id=guest)
        if self.chance(0.5):
            self.add(time, "cart_merged", {"skew": 0}, cart_id=guest, into_cart_id=cart)
        else:
            self.add(time, "cart_viewed", client, cart_id=cart, merged_from=guest)

    def order(self, client: dict[str, Any], time: int, order: str, cart: str, checkout: str) -> None:
        """Bought after minutes, hours or weeks, told by one of the levels or by several."""
        time += self.random.choice((0, MINUTE, 30 * MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY, 31 * DAY))
        time += self.random.randrange(10) * 1000
        if self.chance(0.03):
            time -= 2 * DAY
        named = {
            "order_id": order,
            "cart_id": cart if self.chance(0.4) else "",
            "checkout_id": checkout if self.chance(0.4) else "",
        }
        currency = self.random.choice(CURRENCIES)
        buyer = dict(client)
        if self.chance(0.4):
            buyer["sessionId"] = f"s{self.number()}"
        if self.chance(0.1):
            buyer.pop("userId", None)
            buyer.pop("anonymousId", None)
        key = self.random.choice(("total", "total", "revenue", "value"))
        worth = self.random.randrange(100, 30_000) / 100
        money = {key: str(worth) if self.chance(0.2) else worth} if self.chance(0.97) else {}
        self.add(time, "order_completed", buyer, **named, **money, currency=currency)
        nobody: dict[str, Any] = {}
        later = time + self.random.randrange(1, 20 * 24) * HOUR
        if self.chance(0.08):
            # An update says some of what an order is.
            told = self.random.choice(({"total": worth + 5, "currency": currency}, {"total": worth + 5},
                                       {"currency": self.random.choice(CURRENCIES)}))  # fmt: skip
            self.add(later, "order_updated", nobody, order_id=order, **told)
        if self.chance(0.1):
            refund = {"total": round(worth / self.random.randrange(1, 4), 2)} if self.chance(0.8) else {}
            back = self.random.choice(("", "", currency, self.random.choice(CURRENCIES).lower()))
            self.add(later + HOUR, "order_refunded", nobody, order_id=order, **refund, currency=back)
        if self.chance(0.04):
            self.add(later + 2 * HOUR, "order_cancelled", nobody, order_id=order)
            if self.chance(0.3):
                self.add(later + self.random.choice((2, 2, 5)) * HOUR, "order_completed", buyer, order_id=order)

    def identity(self) -> None:
        who, time = self.random.randrange(self.people), self.moment()
        other = self.random.randrange(self.people)
        user, traits = {"userId": f"u{who}"}, {"plan": self.random.choice(("free", "pro", "team", None, ""))}
        kind = self.random.random()
        if kind < 0.6:
            self.add(time, "identify", {**user, "anonymousId": f"a{who}", "traits": traits})
        elif kind < 0.7:
            self.add(time, "identify", {**user, "anonymousId": f"a{other}"})
        elif kind < 0.8:
            self.add(time, "unalias", {**user, "anonymousId": f"a{who if self.chance(0.7) else other}"})
        elif kind < 0.92:
            self.add(time, "alias", {**user, "previousId": f"u{other}"})
            if self.chance(0.5):
                self.add(time + 3 * DAY, "unalias", {**user, "previousId": f"u{other}"})
        else:
            self.add(time, "signed_in", {**user, "anonymousId": f"a{other}"})

    def ticket(self) -> None:
        time, ticket = self.moment(), f"t{self.number()}"
        customer = {key: value for key, value in self.client().items() if key != "sessionId"}
        agent, desk = f"ag{self.random.randrange(6)}", {"skew": 0}
        about = {"ticket_id": ticket, "priority": self.random.choice(("high", "low", "")), "channel": "phone"}
        if self.chance(0.93):
            told = iso(time - self.random.randrange(600) * MINUTE) if self.chance(0.1) else ""
            by = "agent" if self.chance(0.05) else ""
            self.add(time, "ticket_created", {} if by else customer, **about, created_at=told, author_type=by)
        time += self.random.randrange(1, 60) * MINUTE
        if self.chance(0.5):
            self.add(time, "ticket_assigned", desk, ticket_id=ticket, agent_id=agent)
        for _ in range(self.random.randrange(4)):
            time += self.random.randrange(1, 600) * MINUTE
            kind = self.random.random()
            if kind < 0.15:
                self.add(time, "ticket_replied", desk, ticket_id=ticket, author_type="bot")
            elif kind < 0.3:
                self.add(
                    time, "ticket_replied", desk, ticket_id=ticket, author_type="agent", public=False, agent_id=agent
                )
            elif kind < 0.5:
                self.add(time, "ticket_replied", customer, ticket_id=ticket, author_type="customer")
            elif kind < 0.6:
                waits = self.random.choice(("pending", "on-hold", "Snoozed "))
                self.add(time, "ticket_status_changed", desk, ticket_id=ticket, to=waits)
                time += self.random.randrange(1, 2000) * MINUTE
                on = self.random.choice(("open", "open", "In Progress", "escalated to tier 9"))
                self.add(time, "ticket_status_changed", desk, ticket_id=ticket, to=on)
            else:
                self.add(time, "ticket_replied", desk, ticket_id=ticket, author_type="agent", agent_id=agent)
        rounds = self.random.choice((0, 1, 1, 1, 2, 3))
        for turn in range(rounds):
            time += self.random.randrange(1, 3000) * MINUTE
            solve = self.random.choice(("ticket_solved", "ticket_solved", "ticket_closed"))
            self.add(time, solve, desk, ticket_id=ticket, agent_id=agent if self.chance(0.3) else "")
            if self.chance(0.1):
                again = self.random.choice(("Resolved", "DONE ", "closed"))
                self.add(time + MINUTE, "ticket_status_changed", desk, ticket_id=ticket, to=again)
            if self.chance(0.1):
                self.add(time + MINUTE, "ticket_closed", desk, ticket_id=ticket)
            if turn < rounds - 1 or self.chance(0.1):
                time += self.random.choice((10 * MINUTE, 5 * HOUR, 3 * DAY, 14 * DAY))
                self.add(time, "ticket_reopened", desk, ticket_id=ticket)
                if self.chance(0.4):
                    self.add(time + 5 * MINUTE, "ticket_replied", desk, ticket_id=ticket, author_type="agent")
                time += 10 * MINUTE
        if self.chance(0.08):
            self.removal(time + self.random.choice((0, -3, 1, 50)) * HOUR, desk, ticket)

    def removal(self, time: int, desk: dict[str, Any], ticket: str) -> None:
        """Merged, deleted or spam, by an event or a status, and often taken back."""
        gone = self.random.choice(("ticket_merged", "Ticket Deleted", "ticket_marked_as_spam", "merged", "SPAM"))
        if gone in ("merged", "SPAM"):
            self.add(time, "ticket_status_changed", desk, ticket_id=ticket, to=gone)
        else:
            self.add(time, gone, desk, ticket_id=ticket)
        if self.chance(0.4):
            back = self.random.choice(("ticket_undeleted", "ticket_undeleted", "ticket_reopened", "ticket_solved"))
            self.add(time + self.random.choice((0, 1, 100)) * HOUR, back, desk, ticket_id=ticket)


def stream(seed: int, size: int, journeys: type[Journeys] = Journeys) -> list[Delivery]:
    """Deliveries in the order of their receipt. The number of different events is `size`; copies come on top."""
    draw = random.Random(seed + 1)
    arrivals: list[tuple[int, int, Event]] = []
    for event, skew in journeys(seed, size).draw():
        time = instant(event["timestamp"]) or 0
        stamped = {**event, "timestamp": iso(time + skew)}
        late = draw.randrange(7 * DAY // 1000) * 1000 if draw.random() < 0.1 else draw.randrange(60) * 1000
        arrivals.append((time + late, skew, stamped))
        if draw.random() < 0.05:
            # The clock was set in between, so that the copy's corrected time is another one.
            drifted = skew + draw.choice((0, 7 * MINUTE, -20 * MINUTE)) if skew else 0
            arrivals.append((time + late + draw.randrange(1, 3 * DAY // 1000) * 1000, drifted, stamped))
    arrivals.sort(key=lambda arrival: (arrival[0] // HOUR, str(arrival[2]["messageId"])))
    deliveries = []
    for begin in range(0, len(arrivals), BATCH):
        received = max(time for time, _, _ in arrivals[begin : begin + BATCH])
        events = [{**event, "sentAt": iso(received + skew)} for _, skew, event in arrivals[begin : begin + BATCH]]
        deliveries.append({"received_at": iso(received), "events": events})
    return deliveries


def shuffled(deliveries: list[Delivery], seed: int) -> list[Delivery]:
    """Batches, and the events in each, in another order."""
    draw = random.Random(seed)
    mixed = [
        {**delivery, "events": draw.sample(delivery["events"], len(delivery["events"]))} for delivery in deliveries
    ]
    draw.shuffle(mixed)
    return mixed


def duplicated(deliveries: list[Delivery], seed: int) -> list[Delivery]:
    """A third of the batches come again, somewhere later."""
    draw = random.Random(seed)
    again = [delivery for delivery in deliveries if draw.random() < 1 / 3]
    return [*deliveries, *draw.sample(again, len(again))]


def rebatched(deliveries: list[Delivery], seed: int) -> list[Delivery]:
    """The events of each receipt in batches of other sizes, the later parts long after the first."""
    draw = random.Random(seed)

    def parts() -> Iterator[Delivery]:
        for delivery in deliveries:
            events, begin = delivery["events"], 0
            while begin < len(events):
                size = draw.randrange(1, 400)
                yield {**delivery, "events": events[begin : begin + size]}
                begin += size

    return sorted(parts(), key=lambda _: draw.random())
