"""Beside a number what the tenant aims at, and the published band that it falls in. Neither is ever an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from query_api.figures import Figure
from query_api.question import Question
from schemas.metrics.metric import Band

_SIGNS = {"higher_is_better": 1, "lower_is_better": -1}


def target(question: Question, segment: tuple[str | None, ...], number: Figure) -> dict[str, Any] | None:
    """The target of the total (no `segment`) or of one segment, and how far the number is from it."""
    place = _place(question, segment)
    usual = question.metric.statistics[0] if question.metric.statistics else ""
    aim = next(
        (
            each.value
            for each in question.targets
            if each.segment == place
            and each.definition == question.metric.definition
            and (each.statistic or usual) == question.statistic
        ),
        None,
    )
    if aim is None:
        return None
    sign = _SIGNS.get(question.metric.direction)
    distance = None if number.value is None else (number.value - aim) * (sign or 1)
    interval = number.interval or {"low": None, "high": None}
    low, high = interval["low"], interval["high"]
    return {
        "value": aim,
        "distance": distance,
        "met": None if distance is None or sign is None else distance >= 0,
        "interval_excludes": None if low is None and high is None else _lies_outside(aim, low, high),
    }


def _lies_outside(aim: float, low: float | None, high: float | None) -> bool:
    return (low is not None and aim < low) or (high is not None and aim > high)


def _place(question: Question, segment: tuple[str | None, ...]) -> Mapping[str, str | None] | None:
    """Which people, things or events the number is of, as a target names them; None where no target can: a filter on
    several values, or for all others, is no segment.
    """
    place = dict(zip(question.segments, segment, strict=False))
    for each in question.filters:
        if each.operator not in ("eq", "in") or len(each.values) > 1:
            return None
        only = each.values[0] if each.values else None
        if place.setdefault(each.dimension, only) != only:
            return None
    return place


def band(question: Question, value: float | None) -> dict[str, Any] | None:
    """The best band that the value reaches, up to where the next better one begins."""
    scale = question.bound.get("scale_shown", "")
    bands = [each for each in question.metric.bands if each.scale in ("", scale)]
    is_lower_better = question.metric.direction == "lower_is_better"
    reached = [
        place for place, each in enumerate(bands) if value is not None and _reaches(each, value, is_lower_better)
    ]
    if not reached:
        return None
    best = bands[reached[-1]]
    beyond = bands[reached[-1] + 1].at if reached[-1] + 1 < len(bands) else None
    low, high = (beyond, best.at) if is_lower_better else (best.at, beyond)
    return {"name": best.name, "low": low, "high": high, "source": best.source}


def _reaches(band: Band, value: float, is_lower_better: bool) -> bool:
    if value == band.at:
        return band.inclusive
    return value < band.at if is_lower_better else value > band.at
