"""From a histogram of scores to one number (docs/definitions.md#scores): a net share, a mean or a share of good ones.

Exact: scores are fractions, sums are integers, and the one division stands at the end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from query_api.question import Cell, Question, Scored
from query_api.statistics import NO_LIMITS, Limits, adjusted_wald, histogram_mean_limits, wilson
from schemas.metrics.metric import Score

Number = int | float | None


@dataclass(frozen=True, slots=True)
class Pooled:
    """The number, its limits and how they were found, and what is printed under `details`."""

    value: Number
    numerator: Number
    denominator: int | None
    limits: Limits
    method: str
    ends: tuple[int, int]
    """The least and the greatest value that there can be."""
    tenth: float | None = None
    """Ten points, where the number is a share; a wider interval to each side is imprecise."""


def pooled(question: Question, scores: Sequence[Scored]) -> Pooled:
    """The number that the metric's declaration makes of the scores."""
    score = question.metric.score
    assert score is not None
    n = sum(each.n for each in scores)
    match score.pool:
        case "net" if not _has_net(question, score):
            return Pooled(None, None, n, NO_LIMITS, "", (-100, 100))
        case "net":
            up, middle, down = _thirds(score, scores)
            value = 100 * (up - down) / n if n else None
            return Pooled(value, up - down, n, adjusted_wald(up, middle, down), "adjusted_wald", (-100, 100), 10)
        case "count":
            up, _, down = _thirds(score, scores)
            return Pooled(up - down, up - down, None, NO_LIMITS, "", (-n, n))
        case "mean":
            low, high = _scale(question)
            total = _total(scores)
            limits = cut(histogram_mean_limits([(each.score, each.n) for each in scores]), low, high)
            return Pooled(_mean(scores), _plain(total), n, limits, "t", (low, high))
        case _:
            good = _good(scores)
            return Pooled(good / n if n else None, good, n, wilson(good, n), "wilson", (0, 1), 0.1)


def details(question: Question, cell: Cell, found: Pooled) -> Mapping[str, Any]:
    """What the metric's declaration promises under `details`."""
    score, scores = question.metric.score, cell.scores
    assert score is not None
    up, middle, down = _thirds(score, scores)
    n = sum(each.n for each in scores)
    has_net = n > 0 and _has_net(question, score)
    every = {
        "promoters": up,
        "passives": middle,
        "detractors": down,
        "scale": question.bound.get("scale_shown"),
        "mean": _mean(scores),
        "share": _good(scores) / n if n else None,
        "index": 100 * (up - down) / n if has_net else None,
        "distribution": None if question.parameters.get("dedupe") == "mean" else distribution(scores),
        **_coverage(question, cell, found),
    }
    return {name: every[name] for name in question.metric.details}


def _coverage(question: Question, cell: Cell, found: Pooled) -> dict[str, Any]:
    """How many of those who came answered, and between what the number would lie if the others had."""
    respondents, active = cell.details.get("respondents", 0), cell.details.get("active", 0)
    share = None if question.by_cohort or not active else respondents / active
    worst = None
    if share is not None and found.value is not None:
        low, high = (share * found.value + (1 - share) * end for end in found.ends)
        worst = {"low": low, "high": high}
    return {"respondents": respondents, "active": active, "coverage": share, "worst_case": worst}


def _thirds(score: Score, scores: Sequence[Scored]) -> tuple[int, int, int]:
    up = sum(each.n for each in scores if each.score >= score.promotes_from)
    down = sum(each.n for each in scores if each.score < score.detracts_below)
    return up, sum(each.n for each in scores) - up - down, down


def _has_net(question: Question, score: Score) -> bool:
    return score.net_scale is None or _scale(question) == score.net_scale


def _scale(question: Question) -> tuple[int, int]:
    return question.bound["scale_low"], question.bound["scale_high"]


def _total(scores: Sequence[Scored]) -> Fraction:
    return sum((each.score * each.n for each in scores), Fraction(0))


def _mean(scores: Sequence[Scored]) -> float | None:
    n = sum(each.n for each in scores)
    return float(_total(scores) / n) if n else None


def _good(scores: Sequence[Scored]) -> int:
    return sum(each.n for each in scores if each.good)


def distribution(scores: Sequence[Scored]) -> dict[str, int]:
    counts: Counter[int] = Counter()
    for each in scores:
        counts[math.floor(each.score + Fraction(1, 2))] += each.n
    return {str(score): counts[score] for score in sorted(counts)}


def _plain(total: Fraction) -> int | float:
    return total.numerator if total.denominator == 1 else float(total)


def cut(limits: Limits, least: float, most: float) -> Limits:
    low, high = limits
    return None if low is None else max(float(least), low), None if high is None else min(float(most), high)
