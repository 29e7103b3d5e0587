"""The judge of scores and support judged: published figures, laws of the numbers, and no dependence on arrival."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.reference import numbers
from tests.reference.agreement import differences
from tests.reference.asking import ask
from tests.reference.brute import Reference
from tests.reference.experience import UNITS
from tests.reference.experience_stream import QUESTIONS, experience
from tests.reference.scores import rocks
from tests.reference.stream import duplicated, rebatched, shuffled

SEED, SIZE = 20261101, 4000
WHOLE = {"from": "2026-09-01", "to": "2026-11-12", "at": "2026-10-20T12:00:00Z"}
LATER = {**WHOLE, "at": "2026-12-20T00:00:00Z"}
VARIANTS: dict[str, tuple[str, ...]] = {
    "csat": ("default", "mean"),
    "ces": ("default", "share", "index"),
    "survey_response_rate": ("default", "rr1", "rr3", "intercept"),
    "review_rating": ("default", "share", "bayesian"),
    "transfers_per_contact": ("default", "share"),
    "first_contact_resolution_rate": ("default", "gross", "net", "freshservice", "zendesk", "articles"),
    "self_service_containment_rate": ("default", "naive", "abandonment", "handoff"),
}


@cache
def reference(how: str = "") -> Reference:
    deliveries = experience(SEED, SIZE)
    changed = {"shuffled": shuffled, "duplicated": duplicated, "re-batched": rebatched}.get(how)
    return Reference(changed(deliveries, 1) if changed else deliveries, questions=QUESTIONS)


def answer(metric: str, how: str = "", **query: Any) -> dict[str, Any]:
    return reference(how).answer(ask(metric, {**LATER, **query}, tz="Europe/Berlin"))


@pytest.mark.parametrize("how", ["shuffled", "duplicated", "re-batched"])
@pytest.mark.parametrize("metric", UNITS)
def test_no_answer_depends_on_arrival(metric: str, how: str) -> None:
    for query in (WHOLE, LATER):
        for definition in VARIANTS.get(metric, ("default",)):
            asked = {**query, "definition": definition, "segment": "channel", "compare": "previous"}
            assert not differences(answer(metric, **asked), answer(metric, how, **asked))


@pytest.mark.parametrize("metric", UNITS)
def test_the_stream_has_something_to_say_and_a_partition_adds_up(metric: str) -> None:
    for definition in VARIANTS.get(metric, ("default",)):
        body = answer(metric, definition=definition, segment="country")
        assert body["value"] is not None
        assert body["n"] > 5
        assert sum(segment["n"] for segment in body["segments"]) == body["n"]


def test_four_outcomes_add_up() -> None:
    body = answer("self_service_containment_rate")
    details = body["details"]
    assert sum(details[key] for key in ("completed", "abandoned", "transferred", "technical")) == body["n"]
    assert body["numerator"] == details["completed"] - details["repeated"]
    naive, handoff = (answer("self_service_containment_rate", definition=name) for name in ("naive", "handoff"))
    assert naive["numerator"] + handoff["numerator"] == body["n"]


def test_directions_and_parts_add_up() -> None:
    inbound, outbound, both = (
        answer("contact_volume", direction=name)["value"] for name in ("inbound", "outbound", "all")
    )
    assert inbound + outbound == both
    parts = [answer("handling_time", parts=part)["numerator"] for part in ("talk", "hold", "wrap")]
    assert sum(parts) == pytest.approx(answer("handling_time")["numerator"])


def test_longer_horizons_answer_more_and_contain_less() -> None:
    def rates(metric: str, *within: str) -> list[float]:
        return [answer(metric, within=each)["value"] for each in within]

    assert rates("survey_response_rate", "PT2H", "P7D", "P14D") == sorted(
        rates("survey_response_rate", "PT2H", "P7D", "P14D")
    )
    contained = rates("self_service_containment_rate", "PT1H", "PT24H", "P7D")
    assert contained == sorted(contained, reverse=True)


def test_one_promoter_and_one_detractor_more_leave_their_difference() -> None:
    deliveries = experience(SEED, SIZE)
    more = [
        {
            "messageId": f"more{score}", "event": "survey_question_answered", "timestamp": "2026-10-01T12:00:00Z",
            "userId": f"more{score}", "properties": {"survey_id": "s1", "survey_question_id": "q1", "score": score},
        }
        for score in (0, 10)
    ]  # fmt: skip
    asked = ask("nps", LATER, tz="Europe/Berlin")
    before = reference().answer(asked)
    after = Reference([*deliveries, {"received_at": "2026-10-01T12:00:01Z", "events": more}], questions=QUESTIONS)
    assert after.answer(asked)["numerator"] == before["numerator"]
    assert after.answer(asked)["n"] == before["n"] + 2


def test_wilsons_lower_limit_ranks_as_published() -> None:
    assert numbers.wilson(209, 259)[0] == pytest.approx(0.7545, abs=5e-5)
    assert numbers.wilson(118, 143)[0] == pytest.approx(0.7546, abs=5e-5)


def test_the_adjusted_limits_of_a_score_are_near_the_plain_ones_and_never_a_point() -> None:
    # 162 promoters, 108 passives, 54 detractors: SE 4.14.
    low, high = rocks(162, 108, 54)
    assert low is not None
    assert high is not None
    assert (high - low) / 2 / numbers.Z == pytest.approx(4.14, abs=0.03)
    assert rocks(5, 0, 0)[0] != 100
