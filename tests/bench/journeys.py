"""What a large tenant sends in sixty days, with something for every metric, as records: ingest is not measured here.

Most events are visits, as they are everywhere; a draw is one journey, and `JOURNEYS` says how often which is drawn.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from schemas.periods import DAY_MS, format_instant
from schemas.record import Record

END_MS = 1_795_000_000_000
DAYS = 60
TENANT = "bench"
QUESTIONS = (
    {"survey": "nps", "question": "q", "metric": "nps", "min": 0, "max": 10, "good": "high"},
    {"survey": "csat", "question": "q", "metric": "csat", "min": 1, "max": 5, "good": "high"},
    {"survey": "ces", "question": "q", "metric": "ces", "min": 1, "max": 7, "good": "high"},
)
"""The registry of the tenant's surveys."""
_COUNTRIES = ("DE", "AT", "CH", "FR", "")
_DEVICES = ("mobile", "desktop", "tablet")
_MINUTE, _HOUR = 60_000, 3_600_000
_CODES = 500

Step = tuple[int, str, dict[str, Any]]
"""Delay after the journey's begin (ms), name, properties."""


def _visit(_: random.Random, __: int, ___: int) -> list[Step]:
    return [(0, "page_viewed", {"path": "/"})]


def _cart(rng: random.Random, number: int, _: int) -> list[Step]:
    cart = f"c{number}"
    steps: list[Step] = [(0, "product_added", {"cart_id": cart, "product_id": "p1", "quantity": 1})]
    steps.append((_MINUTE, "checkout_started", {"cart_id": cart, "checkout_id": f"k{number}"}))
    if rng.random() < 0.3:
        steps.append((2 * _MINUTE, "order_completed", {"order_id": f"o{number}", "total": 19.9, "cart_id": cart}))
    return steps


def _ticket(rng: random.Random, number: int, _: int) -> list[Step]:
    ticket, wait = {"ticket_id": f"t{number}"}, int(rng.lognormvariate(16, 1.5))
    steps: list[Step] = [
        (0, "ticket_created", {**ticket, "priority": "normal"}),
        (wait // 3, "ticket_replied", {**ticket, "author_type": "agent", "agent_id": f"g{wait % 9}"}),
        (wait, "ticket_solved", ticket),
    ]
    if rng.random() < 0.1:
        steps.append((wait + _HOUR, "ticket_reopened", ticket))
    return steps


def _survey(rng: random.Random, number: int, _: int) -> list[Step]:
    about = rng.choice(QUESTIONS)
    told = {"survey_id": about["survey"], "invite_id": f"i{number}"}
    steps: list[Step] = [(0, "survey_invited", told)]
    if rng.random() < 0.6:
        score = rng.randrange(int(str(about["min"])), int(str(about["max"])) + 1)
        own = {"survey_question_id": about["question"], "response_id": f"r{number}", "score": score}
        steps.append((rng.randrange(9 * DAY_MS), "survey_question_answered", {**told, **own}))
    return steps


def _call(rng: random.Random, number: int, _: int) -> list[Step]:
    call, agent = {"call_id": f"l{number}"}, f"g{number % 9}"
    steps: list[Step] = [(0, "call_started", {**call, "channel": "voice"})]
    steps.append((1_000, "ivr_menu_entered", {**call, "depth": 1, "menu_id": "m1"}))
    steps.append((15_000, "ivr_option_selected", {**call, "intent": rng.choice(("billing", "login", "parcel"))}))
    if rng.random() < 0.3:
        return [
            *steps,
            (30_000, "ivr_goal_reached", call),
            (35_000, "call_ended", {**call, "ended_in": "ivr", "disconnect_by": "customer"}),
        ]
    steps.append((20_000, "call_queued", {**call, "queue": "q1"}))
    steps.append((2 * _MINUTE, "call_answered", {**call, "agent_id": agent, "topic": "billing"}))
    if rng.random() < 0.2:
        steps.append((5 * _MINUTE, "call_transferred", {**call, "transfer_type": "warm", "talk_s": 180}))
        steps.append((6 * _MINUTE, "call_answered", {**call, "agent_id": "g0"}))
    end = {"ended_in": "agent", "disconnect_by": "customer", "talk_s": 300, "hold_s": 20}
    steps.append((12 * _MINUTE, "call_ended", {**call, **end}))
    steps.append((13 * _MINUTE, "call_wrap_up_ended", {**call, "acw_s": 60, "agent_id": agent}))
    return steps


def _chat(_: random.Random, number: int, __: int) -> list[Step]:
    chat = {"conversation_id": f"v{number}"}
    return [
        (0, "live_chat_conversation_started", {**chat, "channel": "chat"}),
        (2_000, "live_chat_message_received", {**chat, "author_type": "bot", "intent": "parcel"}),
        (3 * _MINUTE, "live_chat_message_received", {**chat, "agent_id": f"g{number % 9}"}),
        (9 * _MINUTE, "live_chat_conversation_ended", chat),
    ]


def _sign_up(_: random.Random, __: int, ___: int) -> list[Step]:
    return [(0, "page_viewed", {"path": "/join"}), (2 * _MINUTE, "signed_up", {"type": "organic"})]


def _trial(rng: random.Random, number: int, moment: int) -> list[Step]:
    trial, contract = {"trial_id": f"y{number}"}, {"subscription_id": f"b{number}"}
    money = {"amount": 20, "currency": "EUR", "interval": "month", "status": "active"}
    ends = format_instant(moment + 14 * DAY_MS)
    steps: list[Step] = [(0, "trial_started", {**trial, **contract, "trial_end_date": ends})]
    if rng.random() < 0.4:
        steps.append((14 * DAY_MS, "subscription_started", {**contract, **money}))
        if rng.random() < 0.3:
            steps.append((rng.randrange(15, 40) * DAY_MS, "subscription_cancelled", contract))
    return steps


def _subscription(rng: random.Random, number: int, _: int) -> list[Step]:
    contract = {"subscription_id": f"b{number}"}
    money = {"amount": 50, "currency": "EUR", "interval": "month", "status": "active"}
    steps: list[Step] = [(0, "subscription_started", {**contract, **money})]
    steps.append((30 * DAY_MS, "subscription_renewed", {**contract, **money}))
    if rng.random() < 0.2:
        steps.append((rng.randrange(50) * DAY_MS, "subscription_cancelled", contract))
    return steps


def _referral(rng: random.Random, number: int, _: int) -> list[Step]:
    code = {"referral_code": f"R{rng.randrange(_CODES)}"}
    if rng.random() < 0.3:
        return [(0, "invite_sent", code)]
    order = {"order_id": f"o{number}", "total": 30, "payment_fingerprint": f"f{number}"}
    return [(0, "page_viewed", code), (_HOUR, "order_completed", order)]


def _review(rng: random.Random, number: int, _: int) -> list[Step]:
    told = {"review_id": f"w{number}", "source": rng.choice(("google", "trustpilot"))}
    return [(0, "review_posted", {**told, "rating": rng.randrange(1, 6), "verified": True})]


def _purpose(rng: random.Random, _: int, __: int) -> list[Step]:
    purpose = rng.choice(("buy", "just browsing", "get help"))
    return [(0, "page_viewed", {"path": "/"}), (_MINUTE, "visit_purpose_answered", {"purpose": purpose})]


JOURNEYS: dict[Callable[[random.Random, int, int], list[Step]], float] = {
    _visit: 0.89,
    _cart: 0.05,
    _ticket: 0.015,
    _survey: 0.012,
    _call: 0.005,
    _chat: 0.003,
    _sign_up: 0.006,
    _trial: 0.005,
    _subscription: 0.003,
    _referral: 0.004,
    _review: 0.003,
    _purpose: 0.004,
}
"""How often each is drawn."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose events: a tenant with so many people, over the sixty days before `end` (ms)."""

    tenant: str = TENANT
    people: int = 1_000
    end: int = END_MS

    @classmethod
    def of(cls, events: int, tenant: str = TENANT, end: int = END_MS) -> Self:
        """As many people as have sent that many events."""
        return cls(tenant, max(1_000, events // 20), end)


def records(events: int, shop: Shop | None = None, *, seed: int = 1, first: int = 0) -> Iterator[Record]:
    """About `events` records, the same for the same seed; ids are made of their numbers, which begin at `first`."""
    shop = shop or Shop.of(events)
    rng = random.Random(seed)
    kinds, weights = list(JOURNEYS), list(JOURNEYS.values())
    number = first
    while number < first + events:
        moment = shop.end - rng.randrange(DAYS * DAY_MS)
        person = rng.randrange(shop.people)
        (kind,) = rng.choices(kinds, weights)
        for delay, name, properties in kind(rng, number, moment):
            number += 1
            if moment + delay < shop.end:  # what is still to come has not been sent
                yield _record(rng, (shop.tenant, number, person), moment + delay, (name, properties))


def _record(rng: random.Random, who: tuple[str, int, int], moment: int, told: tuple[str, dict[str, Any]]) -> Record:
    (tenant, number, person), (name, properties) = who, told
    known = person % 5 == 0
    return Record(
        tenant=tenant,
        source="native",
        event_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        message_id=f"m{number}",
        name=name,
        raw_name=name,
        time=moment,
        received_at=moment + 500,
        hash=number,
        user_id=f"u{person}" if known else "",
        anonymous_id=f"a{person}",
        session_id=f"s{person}-{moment // 7_200_000}",
        country=_COUNTRIES[person % 5],
        device=_DEVICES[person % 3],
        channel="web",
        traits={"plan": "pro" if person % 7 else "free"} if known else {},
        properties=msgspec.Raw(msgspec.json.encode(properties)),
    )
