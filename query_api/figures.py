"""From what was counted to a number with its uncertainty: one pure function per shape of metric.

Rules: docs/definitions.md#maturity, #small-numbers, #uncertainty, #states. An interval is null where its method gives
no limit at all; a Kaplan–Meier one is always shown, with null limits where S is 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from query_api import bootstrap, mix, platforms, scores
from query_api.compile import UNBOUNDED
from query_api.question import Cell, Question
from query_api.statistics import (
    CONFIDENCE,
    NO_LIMITS,
    Limits,
    Ranked,
    garwood,
    mean_limits,
    moment_limits,
    quantile,
    quantile_limits,
    wilson,
)
from query_api.survival import TRANSFORM, Curve, kaplan_meier
from schemas.currencies import in_units, units_of
from schemas.metrics.metric import Shape

KAPLAN_MEIER = "kaplan_meier"
SMALL_N = 30
FEW = 5
IMPRECISE = 0.1
_QUANTILES = {"median": 0.5, "p90": 0.9, "km_median": 0.5}

Number = int | float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as it is shown, for the total or for a segment. `method` is that of its limits, "" where none is."""

    value: Number
    numerator: Number
    denominator: Number
    n: int | None
    basis: str = "mature"
    maturity: float | None = 1.0
    observed: Number = None
    limits: Limits = NO_LIMITS
    method: str = ""
    reached: bool | None = None
    statistics: dict[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    curve_limits: Limits | None = None
    """Those of the estimate, where `limits` were found otherwise."""
    warnings: frozenset[str] = frozenset()

    @property
    def interval(self) -> dict[str, Any] | None:
        if not self.method or (self.limits == NO_LIMITS and self.method != KAPLAN_MEIER):
            return None
        return {"low": self.limits[0], "high": self.limits[1], "method": self.method, "confidence": CONFIDENCE}

    @property
    def estimate(self) -> dict[str, Any] | None:
        if self.basis != "estimate":
            return None
        low, high = self.curve_limits or self.limits
        return {
            "method": KAPLAN_MEIER,
            "value": self.value,
            "low": low,
            "high": high,
            "transform": TRANSFORM,
            "reached": self.reached,
        }

    @property
    def hidden(self) -> Figure:
        """What is shown of a number that must not be."""
        return Figure(None, None, None, None, basis=self.basis, maturity=None, warnings=frozenset({"suppressed"}))


def longest_horizon(question: Question) -> int:
    """How long after its entry a unit can still change the number, ms; 0 for one that is known at once."""
    usual = int(question.metric.options.get("usual_horizon", 0))  # for one that is read off the events
    told = (question.parameters[name] for name in question.metric.horizons)
    lengths = [length if isinstance(length, int) else usual for length in told]
    return sum(lengths) if question.metric.own_horizons else max(lengths, default=0)


def figure(question: Question, cell: Cell) -> Figure:
    """The number of one cell, with the limits that were asked for."""
    shown = _figure(question, cell)
    low, high = bootstrap.limits(cell.replicates)
    if low is None or high is None or shown.value is None:
        return shown
    told = shown.warnings - {"clustered", "imprecise"}
    if _tenth(question) and (high - low) / 2 > _tenth(question):
        told |= {"imprecise"}
    return replace(
        shown, limits=(low, high), method=bootstrap.METHOD, curve_limits=shown.limits, warnings=frozenset(told)
    )


def _tenth(question: Question) -> float:
    """Ten points, where the number is a share or a difference of shares; 0: it is none."""
    score = question.metric.score
    if score is not None and score.pool == "net":
        return 100 * IMPRECISE
    return IMPRECISE if question.metric.shape in (Shape.RATE, Shape.MIX) or (score and score.pool == "share") else 0


def _figure(question: Question, cell: Cell) -> Figure:
    maturity = _maturity(question, cell)
    match question.metric.shape:
        case Shape.RATE:
            return _rate(question, cell, maturity)
        case Shape.DURATION:
            return _duration(question, cell, maturity)
        case Shape.SCORE:
            return _score(question, cell, maturity)
        case Shape.MIX:
            return _mix(cell, maturity)
        case Shape.WEIGHED:
            shown = _weighed(question, cell, maturity)
        case Shape.RATIO:
            over, under = question.metric.scales
            above = cell.numerator if over == 1 else cell.numerator / over
            below = cell.denominator if under == 1 or not cell.denominator else cell.denominator / under
            share = cell.numerator * under / (cell.denominator * over) if cell.denominator else None
            young = frozenset({"immature"} if cell.n and maturity < 1 else ())
            shown = Figure(share, above, below, cell.n, observed=share, warnings=young)
        case Shape.STICKINESS:
            share = cell.numerator / cell.denominator if cell.denominator else None
            shown = Figure(share, cell.numerator, cell.denominator, cell.n, observed=share)
        case Shape.MONEY_AVERAGE | Shape.PER_PERSON:
            shown = _average(question, cell)
        case Shape.MEAN:
            shown = _average(question, cell)
            low, high = shown.limits
            shown = replace(shown, limits=(None if low is None else max(0.0, low), high))
        case Shape.MONEY:
            money = in_units(cell.numerator, question.parameters.get("currency") or question.currency)
            shown = Figure(money, money, None, cell.n, observed=money)
        case _:
            shown = Figure(cell.numerator, cell.numerator, None, cell.n, observed=cell.numerator)
    return replace(shown, maturity=maturity, basis="mature" if maturity == 1 else "observed")


def _weighed(question: Question, cell: Cell, maturity: float) -> Figure:
    """Weights above by weights below, each shown in units of its own; of events per exposure the exact interval."""
    options = question.metric.options
    below = cell.denominator or 0
    over = under = int(options.get("per_money", 1))
    if "per_money" in options:
        over = under = over * units_of(question.parameters.get("currency") or question.currency)
    under = int(options.get("below_unit", under))
    value = cell.numerator * under / (below * over) if below else None
    shown = Figure(
        value=value,
        numerator=cell.numerator if over == 1 else cell.numerator / over,
        denominator=below if under == 1 else below / under,
        n=cell.n,
        observed=value,
        warnings=frozenset({"immature"} if cell.n and maturity < 1 else ()),
    )
    if options.get("interval") != "garwood":
        return shown
    low, high = garwood(cell.numerator)
    return replace(
        shown,
        limits=(low * under / below, high * under / below) if below else NO_LIMITS,
        method="garwood",
        details={
            "monthly": None if value is None else -math.expm1(-value),
            "annualised": None if value is None else -math.expm1(-12 * value),
        },
        warnings=shown.warnings | ({"small_n"} if cell.n < SMALL_N else set()),
    )


def _average(question: Question, cell: Cell) -> Figure:
    """Mean or quantile of values; a mean has the sum and the number as its numerator and denominator."""
    own = (question.parameters.get("currency") or question.currency) if question.metric.money else None
    value = average(question, cell.values, own)
    is_mean = question.statistic not in _QUANTILES
    if is_mean:
        n, total, squares = (sum(each**power * times for each, times in cell.values.items()) for power in (0, 1, 2))
        limits = moment_limits(n, total, squares)
    else:
        limits = quantile_limits(Ranked(cell.values), _QUANTILES[question.statistic])
    return Figure(
        value=value,
        numerator=_in_units(cell.numerator, own) if is_mean else None,
        denominator=cell.n if is_mean else None,
        n=cell.n,
        observed=value,
        limits=(_in_units(limits[0], own), _in_units(limits[1], own)),
        method="t" if is_mean else "binomial",
        warnings=frozenset({"small_n"} if cell.n < SMALL_N else ()),
    )


def average(question: Question, values: Mapping[int, int], currency: str | None) -> float | None:
    """The statistic that is asked for (else the mean) of `values`, each with how often it occurs."""
    n = sum(values.values())
    if not n:
        return None
    if question.statistic in _QUANTILES:
        return _in_units(quantile(Ranked(values), _QUANTILES[question.statistic]), currency)
    total = sum(value * times for value, times in values.items())
    return total / (n * (units_of(currency) if currency else 1))


def _in_units(amount: float | None, currency: str | None) -> float | None:
    return amount if amount is None or currency is None else amount / units_of(currency)


def _maturity(question: Question, cell: Cell) -> float:
    metric = question.metric
    if metric.state:
        return 1.0
    if cell.n == 0 and not cell.members:
        return 1.0 if question.at >= question.end + longest_horizon(question) else 0.0
    if metric.shape is Shape.RATE and cell.members:
        return cell.mature / cell.members
    if metric.shape in (Shape.RATE, Shape.RATIO, Shape.SCORE, Shape.WEIGHED) or (
        metric.shape is Shape.DURATION and question.by_cohort
    ):
        return cell.mature / cell.n
    return 1.0


def _rate(question: Question, cell: Cell, maturity: float) -> Figure:
    if question.metric.denominator is not None:
        return _rate_of(question, cell, maturity)
    observed = cell.numerator / cell.n if cell.n else None
    shown = Figure(
        value=observed,
        numerator=cell.numerator,
        denominator=cell.n,
        n=cell.n,
        basis="mature" if maturity == 1 else "observed",
        maturity=maturity,
        observed=observed,
        limits=wilson(cell.numerator, cell.n),
        method="wilson",
    )
    if cell.n and maturity < 1 and question.metric.has_curve:
        curve = kaplan_meier(cell.events, cell.censored)
        share, (low, high) = curve.share_before(
            UNBOUNDED if question.metric.own_horizons else longest_horizon(question)
        )
        if question.metric.options["outcome"] == "presence":
            share, low, high = 1 - share, _complement(high), _complement(low)
        shown = replace(
            shown, value=share, basis="estimate", limits=(low, high), method=KAPLAN_MEIER, reached=cell.mature > 0
        )
    shown = replace(shown, warnings=_rate_warnings(question, cell, shown))
    return _turned_over(shown) if question.metric.options.get("inverse") else shown


def _turned_over(rate: Figure) -> Figure:
    """The inverse, n / k, which has no limits: k may be 0."""
    value = rate.denominator / rate.numerator if rate.numerator and rate.denominator is not None else None
    return replace(
        rate, value=value, observed=value, numerator=rate.denominator, denominator=rate.numerator, limits=NO_LIMITS
    )


def _rate_of(question: Question, cell: Cell, maturity: float) -> Figure:
    """A rate with a denominator of its own: units that count in part have no curve, so it is observed until mature."""
    assert question.metric.denominator is not None
    part = question.metric.denominator(cell.n, cell.details, cell.excluded, question.parameters)
    observed = float(cell.numerator / part) if part else None
    shown = Figure(
        value=observed,
        numerator=cell.numerator,
        denominator=float(part),
        n=cell.n,
        basis="mature" if maturity == 1 else "observed",
        maturity=maturity,
        observed=observed,
        limits=wilson(cell.numerator, float(part)),
        method="wilson",
    )
    return replace(shown, warnings=_rate_warnings(question, cell, shown))


def _complement(share: float | None) -> float | None:
    return None if share is None else 1 - share


def _rate_warnings(question: Question, cell: Cell, shown: Figure) -> frozenset[str]:
    low, high = shown.limits
    found = {
        "small_n": cell.n < SMALL_N,
        "sparse": min(cell.numerator, cell.n - cell.numerator) < FEW,
        "imprecise": low is not None and high is not None and (high - low) / 2 > IMPRECISE,
        "clustered": question.metric.clustered and cell.persons < cell.n,
        "horizon_not_reached": shown.reached is False,
        "immature": cell.n > 0 and shown.basis == "observed",
    }
    return frozenset(key for key, is_so in found.items() if is_so)


def _score(question: Question, cell: Cell, maturity: float) -> Figure:
    """What may still be edited has no estimate: observed until then."""
    score = question.metric.score
    by_stratum = score is not None and score.by_stratum
    found = platforms.pooled(question, cell) if by_stratum else scores.pooled(question, cell.scores)
    low, high = found.limits
    told = {
        "small_n": cell.n < SMALL_N,
        "imprecise": low is not None and high is not None and found.tenth and (high - low) / 2 > found.tenth,
        "clustered": cell.persons < cell.n,
        "scale_mismatch": cell.excluded.get("scale_mismatch", 0) > 0,
    }
    return Figure(
        value=found.value,
        numerator=found.numerator,
        denominator=found.denominator,
        n=cell.n,
        basis="mature" if maturity == 1 else "observed",
        maturity=maturity,
        observed=found.value,
        limits=found.limits,
        method=found.method,
        details=platforms.details(question, cell) if by_stratum else scores.details(question, cell, found),
        warnings=frozenset(key for key, is_so in told.items() if is_so),
    )


def _mix(cell: Cell, maturity: float) -> Figure:
    found = mix.share(cell)
    low, high = found.limits
    told = {
        "small_n": cell.n < SMALL_N,
        "imprecise": low is not None and high is not None and (high - low) / 2 > IMPRECISE,
        "clustered": cell.persons < cell.n,
        "multi_select": sum(cell.classes.values()) > cell.n,
    }
    return Figure(
        value=found.value,
        numerator=found.numerator,
        denominator=cell.n,
        n=cell.n,
        basis="mature" if maturity == 1 else "observed",
        maturity=maturity,
        observed=found.value,
        limits=found.limits,
        method="goodman",
        details=found.details,
        warnings=frozenset(key for key, is_so in told.items() if is_so),
    )


def _duration(question: Question, cell: Cell, maturity: float) -> Figure:
    closed, statistic = cell.durations, question.statistic
    curve = kaplan_meier(cell.events, cell.censored)
    statistics = _statistics(question, cell, curve)
    observed: float | None = statistics[statistic]
    warnings = {"small_n"} if cell.n < SMALL_N else set()
    is_mean = statistic == "mean"
    shown = Figure(
        value=observed,
        numerator=cell.numerator / 1000 if is_mean else None,
        denominator=len(closed) if is_mean else None,
        n=cell.n,
        basis="mature" if maturity == 1 else "observed",
        maturity=maturity,
        observed=observed,
        statistics=statistics,
    )
    is_young = cell.n > 0 and maturity < 1
    known = bool(cell.events or cell.censored)
    if known and (statistic == "km_median" or (is_young and not is_mean)):
        median, limits = curve.quantile(_QUANTILES[statistic])
        if median is None:
            warnings.add("not_reached")
        shown = replace(
            shown,
            value=_seconds(median),
            basis="estimate",
            limits=(_seconds(limits[0]), _seconds(limits[1])),
            method=KAPLAN_MEIER,
            reached=median is not None,
        )
    else:
        low, high = mean_limits(closed) if is_mean else quantile_limits(closed, _QUANTILES[statistic])
        shown = replace(shown, limits=(_seconds(low), _seconds(high)), method="t" if is_mean else "binomial")
        if is_young:
            warnings.add("immature")
        if statistics["km_median"] is None and known:
            warnings.add("not_reached")
    return replace(shown, warnings=frozenset(warnings))


def _statistics(question: Question, cell: Cell, curve: Curve) -> dict[str, Any]:
    closed = cell.durations
    median, (low, high) = curve.quantile(0.5)
    sla = question.parameters.get("sla")
    known = bool(cell.events or cell.censored)
    return {
        "mean": cell.numerator / (1000 * len(closed)) if closed else None,
        "median": quantile(closed, 0.5) / 1000 if closed else None,
        "p90": quantile(closed, 0.9) / 1000 if closed else None,
        "km_median": _seconds(median),
        "n": len(closed),
        "open": sum(cell.censored.values()),
        "low": _seconds(low),
        "high": _seconds(high),
        "of": "km_median",
        "sla_share": 1 - curve.share_before(sla)[0] if sla is not None and known else None,
    }


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000
