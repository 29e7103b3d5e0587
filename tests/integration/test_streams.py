"""Long random streams delivered in four ways: the same facts bit for bit each time, the answers of the brute force, and
byte for byte the same whichever way was stored.

A usual run asks a tenth of the questions, some of every metric, and delivers each stream in one of the other ways, each
way once, drawn by its seed; a full one leaves nothing out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.metrics import METRICS
from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.harness import answers, filled
from tests.reference.merged import merged
from tests.reference.stream import Delivery
from tests.rotation import draw, full, some
from tests.streams.streams import ORDERS, SIZE, STREAMS, Question, RandomStream, share

TURNS = 10
"""Into so many parts the questions are divided."""


def wrong(one: RandomStream, deliveries: list[Delivery], asked: list[Question], given: list[bytes]) -> list[object]:
    """Where answers differ from the brute force's; and metrics of which no question counts anything, which proves
    nothing (of one drawn share of the questions that may be so).
    """
    found: list[object] = []
    reference = Reference(deliveries, questions=one.surveys)
    nothing = {metric for metric, _ in asked}
    for (metric, query), body in zip(asked, given, strict=True):
        expected = of_reference(reference.answer(understood(metric, query, "Europe/Berlin")))
        found += [(metric, query, line) for line in differences(expected, counted(json.loads(body)))]
        if counts(expected):
            nothing.discard(metric)
    for metric in sorted(nothing):
        answered = (reference.answer(understood(*each, "Europe/Berlin")) for each in one.questions if each[0] == metric)
        found += [] if any(counts(of_reference(answer)) for answer in answered) else [(metric, "nothing was counted")]
    return found


def counts(answer: dict[str, Any]) -> bool:
    """Whether any unit is behind an answer."""
    return any(answer.get(name) for name in ("n", "steps", "cohorts"))


def ways(name: str) -> list[str]:
    """In which other ways a stream is delivered in this run."""
    drawn = draw("ways").sample([*ORDERS], len(ORDERS))
    return [*ORDERS] if full() else [drawn[[*STREAMS].index(name) % len(drawn)]]


@pytest.mark.long
@pytest.mark.engine
@pytest.mark.parametrize("name", STREAMS)
async def test_answers_depend_on_events_alone_and_are_those_of_the_brute_force(
    name: str, engine_dsn: str, tmp_path: Path
) -> None:
    one, chance = STREAMS[name], draw(name)
    deliveries = one.draw(SIZE)
    places = range(len(one.questions)) if full() else share(one.questions, chance.randrange(TURNS), TURNS)
    async with filled(engine_dsn, deliveries) as store:
        facts = await merged(store)
        asked = [one.questions[place] for place in places]
        first = dict(zip(places, await answers(store, tmp_path, asked, one.surveys), strict=True))
    assert not (found := wrong(one, deliveries, asked, [*first.values()])), found
    for order in ways(name):
        async with filled(engine_dsn, ORDERS[order](deliveries, chance.randrange(1_000_000))) as store:
            assert await merged(store) == facts, order
            # Whatever could still depend on the order in which parts were written.
            turn = [*ORDERS].index(order)
            again = share(one.questions, turn, len(ORDERS)) if full() else some([*first], 2, f"{name} {order}")
            bodies = await answers(store, tmp_path, [one.questions[place] for place in again], one.surveys)
            changed = [one.questions[place] for place, body in zip(again, bodies, strict=True) if body != first[place]]
            assert not changed, order


def test_every_definition_is_asked_about_and_every_metric_in_every_order() -> None:
    assert {order for name in STREAMS for order in ways(name)} == {*ORDERS}
    questions = [question for one in STREAMS.values() for question in one.questions]
    asked = {(metric, query.get("definition", "default")) for metric, query in questions}
    declared = {(metric.name, definition) for metric in METRICS.values() for definition in metric.definitions}
    assert asked == {*declared, ("funnels", "default"), ("retention", "default")}
    for one in STREAMS.values():
        shares = [share(one.questions, turn, len(ORDERS)) for turn in range(len(ORDERS))]
        assert {place for places in shares for place in places} == set(range(len(one.questions)))
        for places in shares:
            assert {one.questions[place][0] for place in places} == {metric for metric, _ in one.questions}


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("shop", {"alias", "unalias", "order_refunded", "order_cancelled", "ticket_reopened"}),
        ("experience", {"alias", "unalias", "survey_answer_edited", "review_edited", "call_transferred"}),
        ("growth", {"alias", "unalias", "order_refunded", "payment_refunded", "trial_extended"}),
    ],
)
def test_a_stream_is_the_same_each_time_and_holds_what_it_should(name: str, holds: set[str]) -> None:
    size = 5_000
    deliveries = STREAMS[name].draw(size)
    assert deliveries == STREAMS[name].draw(size)
    copies = Reference(deliveries).copies.all
    times: dict[str, set[int]] = {}
    for copy in copies:
        times.setdefault(copy.event_id, set()).add(copy.time)
    assert len(times) == size
    assert len(copies) > size * 1.025
    assert sum(len(found) > 1 for found in times.values()) > size / 500
    assert holds <= {copy.name for copy in copies}
    for order in ORDERS.values():
        known = {(copy.event_id, copy.time) for copy in Reference(order(deliveries, 1)).copies.all}
        assert known == {(copy.event_id, copy.time) for copy in copies}
