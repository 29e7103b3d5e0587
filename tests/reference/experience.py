"""The metrics of scores and of support: their units, and what their answers say beyond the common part.

A shape gets what is known, the question, the units of a cell and those of the whole, and the body so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.reference import care, issues, opinions, responses, scores
from tests.reference.asking import Asked
from tests.reference.counting import Known
from tests.reference.unit import Unit

Body = dict[str, Any]
Shape = Callable[[Known, Asked, list[Unit], list[Unit], Body], Body]

UNITS: dict[str, Callable[[Known, Asked], Iterator[Unit]]] = {
    "nps": scores.scores, "csat": scores.scores, "ces": scores.scores, "survey_response_rate": responses.responses,
    "review_rating": opinions.reviews, "visit_purpose": opinions.purposes, "contact_volume": care.volume,
    "handling_time": care.handling, "transfers_per_contact": care.transfers,
    "self_service_containment_rate": care.containment, "first_contact_resolution_rate": issues.first_contacts,
}  # fmt: skip
SHAPES: dict[str, Shape] = {
    "nps": scores.score_body, "csat": scores.score_body, "ces": scores.score_body,
    "survey_response_rate": responses.response_body, "review_rating": opinions.review_body,
    "visit_purpose": opinions.purpose_body, "contact_volume": care.volume_body,
    "transfers_per_contact": care.transfer_body, "self_service_containment_rate": care.containment_body,
    "first_contact_resolution_rate": issues.resolution_body,
}  # fmt: skip
