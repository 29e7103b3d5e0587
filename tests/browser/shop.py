"""A small shop's weeks, the same for the same seed: every group of metrics has numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

DEVICES = ("mobile", "desktop", "tablet")
COUNTRIES = ("DE", "AT", "CH", "FR")
CHANNELS = ("web", "email", "social")
Event = dict[str, Any]


def events(until: datetime, days: int, visits_a_day: int, seed: int = 7) -> list[Event]:
    """Everything that happened in so many days before `until`, in the order of time."""
    found = [
        event for event in _all(random.Random(seed), until, days, visits_a_day) if event["timestamp"] < _text(until)
    ]
    return sorted(found, key=lambda event: str(event["timestamp"]))


def _all(chance: random.Random, until: datetime, days: int, visits_a_day: int) -> Iterator[Event]:
    for day in range(days, -1, -1):
        midnight = (until - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
        busy = visits_a_day * (0.75 if midnight.weekday() >= 5 else 1.0)
        for visit in range(round(busy * chance.uniform(0.9, 1.1))):
            hour = min(23.99, max(0.0, chance.gauss(14, 4.5)))
            yield from _visit(chance, midnight + timedelta(hours=hour), f"{day}-{visit}", visits_a_day)
        for ticket in range(max(1, visits_a_day // 12)):
            yield from _ticket(chance, midnight + timedelta(hours=chance.uniform(7, 19)), f"t{day}-{ticket}")


def _visit(chance: random.Random, start: datetime, key: str, crowd: int) -> Iterator[Event]:
    person = f"p{chance.randrange(crowd * 4)}"
    device = DEVICES[sum(map(ord, person)) % 3]
    around = {
        "context": {
            "country": COUNTRIES[hash_of(person) % 4],
            "channel": chance.choice(CHANNELS),
            "device": {"type": device},
            "traits": {"plan": "pro" if hash_of(person) % 5 == 0 else "free"},
        },
        "sessionId": f"s{key}",
        "anonymousId": f"a-{person}",
    }
    if chance.random() < 0.55:
        around["userId"] = person
    at = start

    def happened(name: str, minutes: float, **properties: Any) -> Event:
        nonlocal at
        at += timedelta(minutes=minutes)
        return {"event": name, "messageId": f"{key}-{name}", "timestamp": _text(at), "properties": properties, **around}

    yield happened("session_started", 0)
    yield happened("product_viewed", 1, product_id=f"pr{chance.randrange(40)}")
    if "userId" not in around and chance.random() < 0.08:
        around["userId"] = person
        yield happened("signed_up", 1)
    if chance.random() < 0.3:
        cart = {"cart_id": f"c{key}"}
        price = round(chance.lognormvariate(3.4, 0.6), 2)
        yield happened("product_added", 2, product_id="pr1", price=price, quantity=1, currency="EUR", **cart)
        if chance.random() < (0.5 if device == "mobile" else 0.7):
            yield happened("checkout_started", 3, checkout_id=f"k{key}", **cart)
            if chance.random() < (0.5 if device == "mobile" else 0.7):
                order = {"order_id": f"o{key}", "checkout_id": f"k{key}", "total": price, "currency": "EUR"}
                yield happened("order_completed", 4, **order, **cart)
                yield happened("survey_invited", 5, survey_id="after", invitation_id=f"i{key}")
                if chance.random() < 0.6:
                    score = min(10, max(0, round(chance.gauss(8.2, 2.0))))
                    asked = {"survey_id": "after", "survey_question_id": "q", "invitation_id": f"i{key}"}
                    scale = {"survey_type": "NPS", "score": score, "scale_min": 0, "scale_max": 10}
                    yield happened("survey_question_answered", 60, response_id=f"r{key}", **asked, **scale)


def _ticket(chance: random.Random, start: datetime, key: str) -> Iterator[Event]:
    ticket = {"ticket_id": key, "channel": chance.choice(("email", "chat")), "priority": chance.choice(("low", "high"))}

    def happened(name: str, hours: float, **properties: Any) -> Event:
        when = _text(start + timedelta(hours=hours))
        whole = {**ticket, **properties}
        return {
            "event": name,
            "messageId": f"{key}-{name}",
            "timestamp": when,
            "userId": f"p{key}",
            "properties": whole,
        }

    first, solved = chance.lognormvariate(0, 1), chance.lognormvariate(2, 1)
    yield happened("ticket_created", 0)
    yield happened("ticket_replied", first, author_type="agent", public=True, agent_id=f"g{chance.randrange(3)}")
    if chance.random() < 0.95:
        yield happened("ticket_solved", first + solved, agent_id="g1")
        if chance.random() < 0.5:
            rated = {"rating": "good" if chance.random() < 0.8 else "bad", "score": chance.choice((3, 4, 4, 5, 5))}
            yield happened("ticket_rated", first + solved + 1, **rated, scale_min=1, scale_max=5)
        if chance.random() < 0.12:
            yield happened("ticket_reopened", first + solved + 20)


def hash_of(text: str) -> int:
    """The same in every process."""
    return int(math.fsum((place + 1) * ord(letter) for place, letter in enumerate(text)))


def _text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
