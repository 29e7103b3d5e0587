"""Long random streams delivered in four ways: the answers of the brute force, and byte for byte the same each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.metrics import METRICS
from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.harness import answers
from tests.streams.streams import ORDERS, STREAMS, share


@pytest.mark.engine
@pytest.mark.parametrize("name", STREAMS)
async def test_answers_depend_on_events_alone_and_are_those_of_the_brute_force(
    name: str, engine_dsn: str, tmp_path: Path
) -> None:
    one = STREAMS[name]
    deliveries = one.draw(one.size)
    first = await answers(engine_dsn, deliveries, tmp_path, one.questions, one.surveys)
    reference, wrong = Reference(deliveries, questions=one.surveys), []
    for (metric, query), given in zip(one.questions, first, strict=True):
        expected = of_reference(reference.answer(understood(metric, query, "Europe/Berlin")))
        wrong += [(metric, query, line) for line in differences(expected, counted(json.loads(given)))]
    assert not wrong, "\n".join(map(str, wrong))
    for turn, (order, delivered) in enumerate(ORDERS.items()):
        places = share(one.questions, turn, len(ORDERS))
        asked = [one.questions[place] for place in places]
        again = await answers(engine_dsn, delivered(deliveries, turn + 1), tmp_path, asked, one.surveys)
        changed = [question for question, place, body in zip(asked, places, again, strict=True) if body != first[place]]
        assert not changed, order


def test_every_definition_is_asked_about_and_every_metric_in_every_order() -> None:
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
    deliveries = STREAMS[name].draw(20_000)
    assert deliveries == STREAMS[name].draw(20_000)
    copies = Reference(deliveries).copies.all
    times: dict[str, set[int]] = {}
    for copy in copies:
        times.setdefault(copy.event_id, set()).add(copy.time)
    assert len(times) == 20_000
    assert len(copies) > 20_500
    assert sum(len(found) > 1 for found in times.values()) > 50
    assert holds <= {copy.name for copy in copies}
    for order in ORDERS.values():
        known = {(copy.event_id, copy.time) for copy in Reference(order(deliveries, 1)).copies.all}
        assert known == {(copy.event_id, copy.time) for copy in copies}
