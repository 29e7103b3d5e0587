"""Why one unit counts as it does: what happened to it, in order, and a sentence. Derived from the metric's declaration.

The moments are expressions over the unit's columns, declared with the metric or, where it declares none, its entry and
its outcome; between them stand the events that made the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from query_api.question import Question
from schemas.metrics.metric import Metric, Moment, Shape
from schemas.periods import format_duration, format_instant
from schemas.remarks import EXCLUDED

HORIZON_OVER = Moment("horizon over", "if(entered + h <= {at:Int64}, entered + h, 0)")


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a unit, and the request that brought it ("": not known)."""

    at: int
    name: str
    event_id: str
    request_id: str = ""


def moments(question: Question) -> tuple[Moment, ...]:
    """What to ask of each unit; times in ms, 0 where something has not happened."""
    metric = question.metric
    if metric.moments:
        return metric.moments + ((HORIZON_OVER,) if metric.shape is Shape.RATE and metric.horizons else ())
    if metric.shape in (Shape.DISTINCT, Shape.STICKINESS, Shape.PER_PERSON):
        return (Moment("first of it in the window", "entered"),)
    found = [Moment(str(question.parameters.get("entity", metric.options["entity"])), "entered")]
    if _has_outcome(metric):
        found.append(Moment(str(metric.options.get("outcome_label", "outcome")), "outcome_at"))
    if metric.shape is Shape.RATE and metric.horizons:
        found.append(HORIZON_OVER)
    return tuple(found)


def _has_outcome(metric: Metric) -> bool:
    return metric.shape is Shape.DURATION or (metric.shape is Shape.RATE and metric.has_curve)


def story(question: Question, times: Sequence[int], events: Sequence[Happened]) -> list[dict[str, Any]]:
    """What happened, in order; at the same time events come before what follows from them."""
    told: list[tuple[int, int, str, Happened | None]] = [(each.at, 0, each.name, each) for each in events]
    told += [(at, 1, moment.what, None) for moment, at in zip(moments(question), times, strict=True) if at > 0]
    ordered = sorted(told, key=lambda each: (each[0], each[1], each[2], each[3].event_id if each[3] else ""))
    return [
        {
            "at": format_instant(at),
            "what": what,
            "event_id": event.event_id if event else None,
            "request_id": event.request_id or None if event else None,
        }
        for at, _, what, event in ordered
    ]


def why(question: Question, reason: str | None, entered: int, horizon: int, outcome_at: int | None) -> str:
    """In a sentence, what it counts as and why."""
    metric = question.metric
    if reason:
        return f"Left out. {EXCLUDED[reason]}"
    label = str(metric.options.get("outcome_label", "outcome"))
    if not _has_outcome(metric):
        return "Counts."
    if metric.shape is Shape.DURATION:
        return f"No {label} yet." if outcome_at is None else f"Counts: {label} at {format_instant(outcome_at)}."
    within = format_duration(horizon)
    if outcome_at is None:
        ends = entered + horizon
        open_until = f"No {label} yet; within {within} there may be one until {format_instant(ends)}."
        return f"No {label} within {within}." if ends <= question.at else open_until
    later = format_duration(max(0, outcome_at - entered))
    return f"{label} {later} later, " + ("within" if outcome_at - entered < horizon else "not within") + f" {within}."
