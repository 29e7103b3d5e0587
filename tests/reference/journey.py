"""The five stages of a journey, the funnel that is asked for without steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import partial

from tests.reference.asking import DAY, Asked
from tests.reference.chain import Chain
from tests.reference.copies import VISITS, Copy
from tests.reference.counting import Known, passes
from tests.reference.subscriptions import ON, status_of

JOURNEY = ("awareness", "consideration", "purchase", "retention", "advocacy")
LIMITS = (30 * DAY, 30 * DAY, 30 * DAY, 90 * DAY, 180 * DAY)
AWARE = VISITS | {"promotion_clicked"}
CONSIDERED = frozenset(("products_searched", "product_viewed", "products_compared", "pricing_viewed"))


def purchase(copy: Copy) -> bool:
    started = copy.name == "subscription_started" and status_of(copy) in {"", *ON}
    return copy.name == "order_completed" or started


def kept(copy: Copy, bought: Copy) -> bool:
    """A second order, a renewal, or there on the thirtieth day after."""
    if copy.name == "order_completed":
        second = bought.name != "order_completed" or copy.text("order_id") != bought.text("order_id")
        return second or _thirtieth(copy, bought)
    return copy.name == "subscription_renewed" or (copy.persons and _thirtieth(copy, bought))


def _thirtieth(copy: Copy, bought: Copy) -> bool:
    return bought.time + 30 * DAY <= copy.time < bought.time + 31 * DAY


def advocate(copy: Copy) -> bool:
    if copy.name == "survey_question_answered":
        return copy.text("survey_type").upper() == "NPS" and _at_least(copy.text("score"), 9)
    return copy.name == "invite_sent" or (
        copy.name in ("review_posted", "product_reviewed") and _at_least(copy.text("rating"), 4)
    )


def stage(copy: Copy) -> int:
    """The first stage that an event can be: in this order stand those of one instant."""
    fits = (copy.name in AWARE, copy.name in CONSIDERED, purchase(copy), copy.name == "subscription_renewed",
            advocate(copy))  # fmt: skip
    return fits.index(True) if any(fits) else len(fits)


def _at_least(told: str, least: int) -> bool:
    try:
        return Decimal(told) >= least
    except InvalidOperation:
        return False


def journey(known: Known, asked: Asked) -> tuple[list[Chain], list[int]]:
    """The deepest chain of each person whose first stage fell into the window, and the limits of the stages."""
    told = asked.parameters["within"]
    limits = [int(told)] * 5 if told else list(LIMITS)
    anywhere = asked.parameters["entry"] == "any"
    events: dict[str, list[Copy]] = defaultdict(list)
    for copy in known.canonical:
        person = known.people.person(copy.actor)
        if person and not copy.bot and (copy.persons or copy.name == "subscription_renewed"):
            events[person].append(copy)
    chains = []
    for own in events.values():
        own.sort(key=lambda copy: (copy.time, copy.sequence, stage(copy), copy.event_id))
        begins = next(
            (place for place, copy in enumerate(own) if copy.name in AWARE
             or (anywhere and (copy.name in CONSIDERED or purchase(copy)))), None,
        )  # fmt: skip
        if begins is None or not asked.start <= own[begins].time < asked.until:
            continue
        if passes(known.single(own[begins]), asked):
            chains.append(max(_paths(own, begins, limits, anywhere), key=lambda chain: chain.level))
    return chains, limits


def _paths(own: list[Copy], begins: int, limits: list[int], anywhere: bool) -> Iterator[Chain]:
    """The chain of each purchase that could be the one; entering anywhere, the first event may be its consideration."""
    first = own[begins]

    def after(place: int, stage: int, fits: Callable[[Copy], bool]) -> list[int]:
        until = first.time + limits[stage]
        return [later for later in range(place, len(own)) if own[later].time <= until and fits(own[later])]

    skipped = anywhere and first.name not in AWARE
    considered = after(begins if skipped else begins + 1, 1, lambda copy: copy.name in CONSIDERED)[:1]
    bought = after(considered[0] + 1, 2, purchase) if considered else []
    if not bought:
        yield Chain([own[place] for place in (begins, *considered)], first.time)
    for place in bought:
        again = after(place + 1, 3, partial(kept, bought=own[place]))[:1]
        told = after(again[0] + 1, 4, advocate)[:1] if again else []
        yield Chain([own[found] for found in (begins, *considered, place, *again, *told)], first.time)
