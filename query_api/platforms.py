"""One number from scores of several platforms, each with a public of its own: the platforms' numbers, by their weights.

Only where one platform is left do numerator and denominator mean anything; limits of several are those of a stratified
mean, and none if the spread on one of them is not known (docs/definitions.md#reviews).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from query_api import scores
from query_api.question import Cell, Question, Scored
from query_api.scores import Pooled, cut
from query_api.statistics import NO_LIMITS, Limits, Z

Strata = Mapping[str, Sequence[Scored]]


def pooled(question: Question, cell: Cell) -> Pooled:
    """The number that the metric's declaration makes of the platforms' scores."""
    score, strata = question.metric.score, _strata(cell.scores)
    assert score is not None
    low, high = question.bound["scale_low"], question.bound["scale_high"]
    none = Pooled(None, None, None, NO_LIMITS, "", (low, high))
    match score.pool:
        case "bayesian":
            return replace(none, value=_weighted(question, _shrunk(question, cell, strata)))
        case _ if len(strata) == 1:
            found = scores.pooled(question, cell.scores)
            return replace(found, value=found.limits[0]) if score.pool == "wilson_lower" else found
        case "wilson_lower":
            return none
        case "share":
            good = {
                name: Fraction(sum(each.n for each in found if each.good), _n(found)) for name, found in strata.items()
            }
            return replace(none, value=_weighted(question, good))
        case _:
            means = {name: _mean(found) for name, found in strata.items()}
            limits = cut(_stratified(question, strata), low, high)
            return replace(none, value=_weighted(question, means), limits=limits, method="stratified")


def details(question: Question, cell: Cell) -> Mapping[str, Any]:
    """Histogram, the platforms by themselves, and all that was ever said."""
    strata, ever = _strata(cell.scores), _strata(cell.longer.get("ever", ()))
    return {
        "distribution": scores.distribution(cell.scores),
        "sources": [
            {"source": name, "value": float(_mean(found)), "n": _n(found)}
            for name, found in sorted(strata.items(), key=lambda pair: (-_n(pair[1]), pair[0]))
        ],
        "cumulative": {
            "value": _weighted(question, {name: _mean(found) for name, found in ever.items()}),
            "n": sum(map(_n, ever.values())),
        },
    }


def _strata(scored: Sequence[Scored]) -> Strata:
    found: dict[str, list[Scored]] = defaultdict(list)
    for each in scored:
        found[each.stratum].append(each)
    return found


def _n(scored: Sequence[Scored]) -> int:
    return sum(each.n for each in scored)


def _mean(scored: Sequence[Scored]) -> Fraction:
    return sum((each.score * each.n for each in scored), Fraction(0)) / _n(scored)


def shares(question: Question, names: Sequence[str]) -> dict[str, Fraction]:
    """What each platform weighs among these; unset, each the same."""
    weights: Mapping[str, Fraction] = question.bound["weights"]
    told = {name: weights.get(name, Fraction(0)) if weights else Fraction(1) for name in names}
    total = sum(told.values(), Fraction(0))
    return {name: weight / total for name, weight in told.items()} if total else {}


def _weighted(question: Question, values: Mapping[str, Fraction]) -> float | None:
    told = shares(question, list(values))
    return float(sum((told[name] * values[name] for name in told), Fraction(0))) if told else None


def _shrunk(question: Question, cell: Cell, strata: Strata) -> dict[str, Fraction]:
    """Each platform's mean drawn towards that of its last twelve months, as by so many reviews more."""
    prior, year = Fraction(question.parameters["prior"]), _strata(cell.longer.get("year", ()))
    return {
        name: (prior * _mean(year.get(name) or found) + _mean(found) * _n(found)) / (prior + _n(found))
        for name, found in strata.items()
    }


def _stratified(question: Question, strata: Strata) -> Limits:
    weights = shares(question, list(strata))
    if not weights or any(_n(found) < 2 for found in strata.values()):
        return NO_LIMITS
    variance = Fraction(0)
    for name, found in strata.items():
        mean, n = _mean(found), _n(found)
        spread = sum((each.n * (each.score - mean) ** 2 for each in found), Fraction(0)) / (n - 1)
        variance += weights[name] ** 2 * spread / n
    centre = float(sum((weights[name] * _mean(found) for name, found in strata.items()), Fraction(0)))
    half = Z * math.sqrt(variance)
    return centre - half, centre + half
