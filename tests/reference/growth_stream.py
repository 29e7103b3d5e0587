"""The random stream's second part: people who sign up, try, subscribe, refer, come back and leave.

Journeys of `tests.reference.stream` with other makers, delivered by its rules (copies under other clocks, disorder,
late by up to a week), so that the first stream stays what it is for its seed. Trials are extended, ended early, of a
team, second ones, with a card; subscriptions end at once, later, backdated, by dunning, are taken back, pause, change
their plan, belong to accounts and parents of accounts; purchases are referred by codes, by one's own, paid
with another's card, given back; contacts come by ticket, call and chat; people merge and are parted.
"""

from __future__ import annotations

from typing import Any

from tests.reference.copies import iso
from tests.reference.stream import DAY, HOUR, MINUTE, Event, Journeys

STEPS = ("product_viewed", "product_added", "product_removed", "page_viewed", "products_searched")
AMOUNTS = (5, 10, 20, 49.9, 120)


class GrowthJourneys(Journeys):
    """One maker after another, by the weights of `makers`."""

    def draw(self) -> list[tuple[Event, int]]:
        makers = (
            self.shopping, self.browsing, self.identity, self.signing_up, self.trial, self.subscription,
            self.subscription, self.referral, self.referral, self.loyal, self.loyal, self.funnel, self.contact,
        )  # fmt: skip
        while len(self.events) < self.size:
            self.random.choice(makers)()
        del self.events[self.size :]
        return self.events

    def pause(self, least: int, most: int) -> int:
        return self.random.randrange(least, most + 1) * HOUR

    def holder(self) -> dict[str, Any]:
        """Who acts for a contract: a person, a person for an account, or the billing system for one."""
        client = self.client()
        if self.chance(0.3):
            client["context"] = {**client["context"], "groupId": f"g{self.random.randrange(self.people // 3)}"}
            if self.chance(0.3):
                client.pop("userId", None)
                client.pop("anonymousId", None)
        return client

    def signing_up(self) -> None:
        client, time = self.client(), self.moment()
        if self.chance(0.85):
            self.add(time, "page_viewed", client, path="/")
        time += self.random.choice((0, MINUTE, HOUR, DAY, 2 * DAY)) * self.random.choice((-1, 1, 1, 1))
        if self.chance(0.6):
            who = {**client, "userId": client.get("userId") or f"u{self.random.randrange(self.people)}"}
            self.add(time, "signed_up", who, type=self.random.choice(("organic", "invited", "")))
        if self.chance(0.2):
            self.add(time + HOUR, "account_created", client)

    def trial(self) -> None:
        client, time = self.holder(), self.moment()
        name = f"t{self.number()}" if self.chance(0.8) else ""
        subscription = f"b{self.number()}" if self.chance(0.6) else ""
        ids = {"trial_id": name, "subscription_id": subscription if self.chance(0.5) else ""}
        told: dict[str, Any] = {}
        if self.chance(0.6):
            told["trial_end_date"] = iso(time + self.random.choice((7, 14, 30)) * DAY)
        if self.chance(0.1):
            told["trial_start_date"] = iso(time - self.pause(1, 40))
        if self.chance(0.2):
            told["payment_method_required"] = True
        self.add(time, "trial_started", client, **ids, **told)
        if self.chance(0.15):
            end = iso(time + self.random.choice((21, 28)) * DAY)
            self.add(time + 5 * DAY, "trial_extended", client, **ids, trial_end_date=end)
        if self.chance(0.2):
            self.add(time + self.pause(24, 20 * 24), "trial_ended", client, **ids)
        if self.chance(0.7):
            paid = time + self.random.choice((self.pause(-5, 24), self.pause(24, 30 * 24), 14 * DAY, 21 * DAY))
            amount = self.random.choice((*AMOUNTS, 0, ""))
            status = self.random.choice(("active", "active", "", "trialing", "past_due"))
            ids = {"subscription_id": subscription, "trial_id": name if self.chance(0.3) else ""}
            kind = self.random.choice(("subscription_started", "subscription_started", "subscription_renewed"))
            self.add(paid, kind, client, **ids, amount=amount, currency="EUR", status=status)
            if self.chance(0.2):
                back: dict[str, Any] = {"amount": self.random.choice((1, 5, 20, 120))} if self.chance(0.6) else {}
                back |= {"currency": self.random.choice(("EUR", "USD"))} if self.chance(0.4) else {}
                self.add(paid + self.pause(1, 20 * 24), "payment_refunded", client, **ids, **back)

    def subscription(self) -> None:
        client, time = self.holder(), self.moment()
        name = f"b{self.number()}" if self.chance(0.9) else ""
        about: dict[str, Any] = {"subscription_id": name}
        if self.chance(0.1):
            about["parent_account_id"] = f"g{self.random.randrange(5)}"
        money: dict[str, Any] = {
            "amount": self.random.choice(AMOUNTS),
            "currency": self.random.choice(("EUR", "EUR", "USD", "")),
            "interval": self.random.choice(("month", "month", "year", "week", "")),
        }
        status = self.random.choice(("active", "active", "", "trialing"))
        self.add(time, "subscription_started", client, **about, **money, status=status)
        for _ in range(self.random.randrange(4)):
            time += self.pause(1, 25 * 24)
            kind = self.random.random()
            if kind < 0.3:
                told: dict[str, Any] = {"amount": self.random.choice(AMOUNTS)} if self.chance(0.5) else {}
                status = self.random.choice(
                    (
                        "active",
                        "paused",
                        "canceled",
                        "past_due",
                        "",
                        "",
                        "In-Active ",
                        "Inactive ",
                        "Active",
                        "no such",
                        "ended",
                    )
                )
                if self.chance(0.2):
                    told["currency"] = self.random.choice(("EUR", "usd"))
                if self.chance(0.2):
                    told["interval"] = self.random.choice(("month", "year"))
                self.add(time, "subscription_updated", client, **about, **told, status=status)
            elif kind < 0.5:
                self.add(time, "subscription_renewed", client, **about, **money)
            elif kind < 0.7:
                self.add(time, "payment_failed", client, **about)
            else:
                told = {}
                if self.chance(0.5):
                    told["ends_at"] = iso(time + self.random.choice((-10, -1, 5, 20)) * DAY)
                if self.chance(0.4):
                    told["canceled_at"] = iso(time - self.pause(0, 48))
                self.add(time, "subscription_cancelled", client, **about, **told)
                if self.chance(0.4):
                    time += self.random.choice((2, 7, 14, 20)) * DAY
                    self.add(time, "subscription_started", client, **about, **money, status="active")

    def referral(self) -> None:
        client, time = self.client(), self.moment()
        code = f"R{self.random.randrange(max(2, self.people // 10))}"
        if self.chance(0.3):
            self.add(time, "invite_sent", client, referral_code=code)
        time += self.pause(0, 24)
        friend = self.client() if self.chance(0.8) else client
        if self.chance(0.7):
            self.add(time, "page_viewed", friend, referral_code=code)
        time += self.random.choice((0, HOUR, DAY, 10 * DAY, 30 * DAY, 31 * DAY))
        order = f"o{self.number()}"
        own = {
            "referral_code": code if self.chance(0.4) else "",
            "payment_fingerprint": f"f{self.random.randrange(self.people)}" if self.chance(0.5) else "",
        }
        worth = self.random.randrange(100, 30_000) / 100
        self.add(time, "order_completed", friend, order_id=order, total=worth, currency="EUR", **own)
        nobody: dict[str, Any] = {}
        if self.chance(0.15):
            part = self.random.choice((1, 1, 2))
            back = {"total": worth / part, "currency": self.random.choice(("EUR", "", "", "USD"))}
            self.add(time + self.pause(1, 40 * 24), "order_refunded", nobody, order_id=order, **back)
        if self.chance(0.1):
            self.add(time + self.pause(0, 100), "order_cancelled", nobody, order_id=order)
            if self.chance(0.3):
                self.add(time + self.pause(0, 200), "order_completed", friend, order_id=order)

    def loyal(self) -> None:
        """Somebody who comes back, on the next days or weeks, often around midnight, and buys now and then."""
        client, time = self.client(), self.moment()
        for _ in range(self.random.randrange(1, 7)):
            client = {**client, "sessionId": f"s{self.number()}"}
            self.add(time, self.random.choice(("page_viewed", "product_viewed", "signed_in")), client)
            if self.chance(0.25):
                self.add(time + 10 * MINUTE, "order_completed", client, order_id=f"o{self.number()}", total=20)
            time += self.random.choice((HOUR, DAY, DAY, 2 * DAY, 7 * DAY, 7 * DAY, 30 * DAY))

    def funnel(self) -> None:
        """Steps in and out of order, at one instant too, told apart by their sequence alone."""
        client, time = self.client(), self.moment()
        product = f"p{self.random.randrange(4)}"
        for _ in range(self.random.randrange(2, 7)):
            name = self.random.choice(STEPS)
            named = {"product_id": product if self.chance(0.7) else f"p{self.random.randrange(4)}"}
            self.add(time, name, client, **named, category=self.random.choice(("shoes", "bags", "")))
            time += self.random.choice((0, 0, MINUTE, 10 * MINUTE, HOUR, DAY, 14 * DAY))
        if self.chance(0.5):
            self.add(time, "order_completed", client, order_id=f"o{self.number()}", total=30)
            if self.chance(0.3):
                self.add(time + 30 * DAY + HOUR, "page_viewed", client)
            if self.chance(0.3):
                score = self.random.choice((8, 9, 10))
                about = {"survey_id": "nps", "survey_question_id": "q", "survey_type": "NPS"}
                self.add(time + 31 * DAY, "survey_question_answered", client, **about, score=score)

    def contact(self) -> None:
        client, time = self.client(), self.moment()
        kind = self.random.random()
        if kind < 0.4:
            self.ticket()
        elif kind < 0.8:
            call = f"c{self.number()}"
            self.add(time, "call_started", client, call_id=call, channel="voice")
            if self.chance(0.2):
                again = {"call_id": f"c{self.number()}", "initial_call_id": call}
                self.add(time + HOUR, "call_started", client, **again, channel="voice")
        else:
            about = {"conversation_id": f"l{self.number()}", "channel": "chat"}
            self.add(time, "live_chat_conversation_started", client, **about)
        if self.chance(0.4):
            time += self.random.choice((0, HOUR, DAY, 7 * DAY, 8 * DAY))
            order = f"o{self.number()}"
            self.add(time, "order_completed", client, order_id=order, total=10)
            if self.chance(0.1):
                self.add(time + HOUR, "order_cancelled", {"skew": 0}, order_id=order)
