"""What people say, in a random stream of it, is what the brute force finds, to the same bytes in any order of arrival.

The stream has duplicates, disorder, late events, edits, deletions, merges and unmerges; SOJOURN_TEST_STREAM sets its
size (100000 if unset).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.experience_stream import QUESTIONS as REGISTRY
from tests.reference.experience_stream import experience
from tests.reference.harness import answers
from tests.reference.stream import Delivery, duplicated, rebatched, shuffled

pytestmark = pytest.mark.engine
SIZE = int(os.environ.get("SOJOURN_TEST_STREAM", "100000"))
SEED = 20261119
ORDERS: dict[str, Callable[[list[Delivery], int], list[Delivery]]] = {
    "shuffled": shuffled,
    "duplicated": duplicated,
    "re-batched": rebatched,
}
MIDDLE, AFTER = {"at": "2026-10-26T12:00:00Z"}, {"at": "2026-12-20T00:00:00Z"}
AUTUMN = {"from": "2026-10-19", "to": "2026-10-27"}
WHOLE = {"from": "2026-09-01", "to": "2026-11-12"}
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("nps", {**MIDDLE, **AUTUMN, "segment": "survey", "compare": "previous"}),
    ("nps", {**AFTER, **WHOLE, "dedupe": "first", "segment": "trait.plan"}),
    ("nps", {**AFTER, **WHOLE, "dedupe": "mean", "kind": "transactional", "segment": "country"}),
    ("nps", {**AFTER, **WHOLE, "attribution": "cohort", "within": "P3D"}),
    ("nps", {**AFTER, **AUTUMN, "dedupe": "all", "filter": "country:in:DE,AT", "tz": "Asia/Kathmandu"}),
    ("nps", {**AFTER, **AUTUMN, "filter": "survey:ne:s1"}),
    ("csat", {**MIDDLE, **WHOLE, "segment": "agent"}),
    ("csat", {**AFTER, **AUTUMN, "scale": "0-1", "segment": "channel", "compare": "previous"}),
    ("csat", {**AFTER, **WHOLE, "definition": "mean", "dedupe": "mean", "segment": "device"}),
    ("csat", {**AFTER, **WHOLE, "attribution": "cohort", "filter": "country:ne:"}),
    ("ces", {**MIDDLE, **AUTUMN, "segment": "survey,country"}),
    ("ces", {**AFTER, **WHOLE, "definition": "index", "direction": "effort_high"}),
    ("ces", {**AFTER, **WHOLE, "definition": "share", "threshold": "5.5", "dedupe": "mean"}),
    ("survey_response_rate", {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    ("survey_response_rate", {**AFTER, **WHOLE, "definition": "rr1", "within": "P2D", "segment": "trait.plan"}),
    ("survey_response_rate", {**MIDDLE, **WHOLE, "definition": "rr3", "segment": "country"}),
    ("survey_response_rate", {**AFTER, **WHOLE, "definition": "rr3", "eligible": "0.25", "filter": "survey:eq:s1"}),
    ("survey_response_rate", {**MIDDLE, **WHOLE, "definition": "intercept", "segment": "device"}),
    ("review_rating", {**MIDDLE, **WHOLE, "segment": "source", "compare": "previous"}),
    ("review_rating", {**AFTER, **AUTUMN, "weights": "google:3,trustpilot:1.5", "segment": "country"}),
    ("review_rating", {**AFTER, **WHOLE, "definition": "share", "verified": "only"}),
    ("review_rating", {**AFTER, **AUTUMN, "definition": "bayesian", "prior": "7.5", "segment": "source"}),
    ("review_rating", {**AFTER, **AUTUMN, "definition": "wilson_lower", "filter": "source:eq:google"}),
    ("visit_purpose", {**MIDDLE, **AUTUMN, "segment": "device", "compare": "previous"}),
    ("visit_purpose", {**AFTER, **WHOLE, "labels": "inferred", "segment": "trait.plan"}),
    ("visit_purpose", {**AFTER, **AUTUMN, "purpose": "Buy", "filter": "channel:ne:app", "compare": "previous"}),
]


async def test_answers_depend_on_events_alone_and_are_those_of_the_brute_force(engine_dsn: str, tmp_path: Path) -> None:
    deliveries = experience(SEED, SIZE)
    first = await answers(engine_dsn, deliveries, tmp_path, QUESTIONS, REGISTRY)
    reference, wrong = Reference(deliveries, questions=REGISTRY), []
    for (metric, query), given in zip(QUESTIONS, first, strict=True):
        expected = of_reference(reference.answer(understood(metric, query, "Europe/Berlin")))
        wrong += [(metric, query, line) for line in differences(expected, counted(json.loads(given)))]
    assert not wrong, "\n".join(map(str, wrong))
    for name, order in ORDERS.items():
        again = await answers(engine_dsn, order(deliveries, 1), tmp_path, QUESTIONS, REGISTRY)
        changed = [asked for asked, one, other in zip(QUESTIONS, first, again, strict=True) if one != other]
        assert not changed, name
