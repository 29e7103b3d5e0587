"""The random streams that every metric is proven on, each with what is asked of it.

Their events come twice, in disorder, late and under other clocks; orders are refunded and cancelled, answers edited,
people merged and parted. Each has 10,000 different events, in a full run 200,000; `SOJOURN_TEST_STREAM` sets another
number.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reference import experience_stream
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.stream import Delivery, duplicated, rebatched, shuffled, stream
from tests.rotation import full
from tests.streams import experience, growth, shop

SIZE = int(os.environ.get("SOJOURN_TEST_STREAM") or (200_000 if full() else 10_000))
Question = tuple[str, dict[str, Any]]
# Other ways for the same events to arrive, by a seed.
ORDERS: dict[str, Callable[[list[Delivery], int], list[Delivery]]] = {
    "shuffled": shuffled,
    "duplicated": duplicated,
    "re-batched": rebatched,
}


@dataclass(frozen=True)
class RandomStream:
    """`draw(size)` is the same for the same size; `surveys` is the tenant's register of survey questions."""

    draw: Callable[[int], list[Delivery]]
    questions: Sequence[Question]
    surveys: Sequence[Mapping[str, Any]] = ()


STREAMS: dict[str, RandomStream] = {
    "shop": RandomStream(lambda size: stream(20261025, size), shop.QUESTIONS),
    "experience": RandomStream(
        lambda size: experience_stream.experience(20261119, size), experience.QUESTIONS, experience_stream.QUESTIONS
    ),
    "growth": RandomStream(lambda size: stream(7, size, GrowthJourneys), growth.QUESTIONS),
}


def share(questions: Sequence[Question], turn: int, turns: int) -> list[int]:
    """The places of those questions that have this turn: some of every metric in each, every one in some."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, (metric, _) in enumerate(questions):
        places[metric].append(place)
    return [place for found in places.values() for place in found[turn % min(turns, len(found)) :: turns]]
