"""The formulas, written once more: Wilson, Kaplan–Meier, quantiles, Student's t, differences of two numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

Z = 1.959963984540054
NEAR = 1e-9
Limits = tuple[float | None, float | None]


def wilson(k: int, n: float) -> Limits:
    if n == 0:
        return None, None
    p = k / n
    scale = 1 + Z * Z / n
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / scale
    centre = (p + Z * Z / (2 * n)) / scale
    return centre - half, centre + half


class Step(NamedTuple):
    time: int
    survival: float
    low: float | None
    high: float | None


def kaplan_meier(events: Sequence[int], censored: Sequence[int]) -> list[Step]:
    """The steps of the survival curve with Greenwood's log-log limits. At a tie the outcome comes first."""
    died, gone = Counter(events), Counter(censored)
    at_risk = len(events) + len(censored)
    survival, greenwood, steps = 1.0, 0.0, []
    for time in sorted({*died, *gone}):
        d = died[time]
        if d:
            survival = survival * (at_risk - d) / at_risk
            greenwood += d / (at_risk * (at_risk - d)) if at_risk > d else 0.0
            low = high = None
            if 0 < survival < 1:
                spread = Z * math.sqrt(greenwood) / abs(math.log(survival))
                low, high = survival ** math.exp(spread), survival ** math.exp(-spread)
            steps.append(Step(time, survival, low, high))
        at_risk -= d + gone[time]
    return steps


def survival_before(steps: Sequence[Step], horizon: int) -> Step:
    """S just before the horizon."""
    return max((step for step in steps if step.time < horizon), default=Step(0, 1.0, None, None))


def crossing(curve: Sequence[tuple[int, float | None]], level: float) -> float | None:
    """The first time at or below the level; the middle of the step where the curve lies on the level exactly."""
    below = [(time, value) for time, value in curve if value is not None and value <= level + NEAR]
    if not below:
        return None
    first, value = below[0]
    lower = [time for time, later in below if later < value - NEAR]
    return (first + lower[0]) / 2 if abs(value - level) <= NEAR and lower else float(first)


def km_quantile(steps: Sequence[Step], q: float) -> tuple[float | None, float | None, float | None]:
    """The time by which a share q had its outcome, and its limits where the curve's limits cross."""
    return (
        crossing([(step.time, step.survival) for step in steps], 1 - q),
        crossing([(step.time, step.low) for step in steps], 1 - q),
        crossing([(step.time, step.high) for step in steps], 1 - q),
    )


def quantile(values: Sequence[int], q: float) -> float | None:
    """Type 7: linear interpolation between order statistics."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def quantile_limits(values: Sequence[int], q: float) -> Limits:
    """Order statistics at the 2.5 % and 97.5 % points of Binomial(n, q): ranks 40 and 61 for the median of 100."""
    n, ordered = len(values), sorted(values)
    if not n:
        return None, None

    def point(p: float) -> int:
        total = 0.0
        for k in range(n + 1):
            total += math.exp(
                math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
                + k * math.log(q) + (n - k) * math.log1p(-q)
            )  # fmt: skip
            if total >= p - 1e-12:
                return k
        return n

    low, high = point(0.025), point(0.975) + 1
    return (ordered[low - 1] if low >= 1 else None), (ordered[high - 1] if high <= n else None)


def mean_limits(values: Sequence[int]) -> Limits:
    n = len(values)
    if n < 2:
        return None, None
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    half = student(n - 1) * math.sqrt(variance / n)
    return mean - half, mean + half


@cache
def student(freedom: int) -> float:
    """The 97.5 % point of Student's t by bisection on the tail that Simpson's rule gives."""

    def upper(t: float) -> float:
        # t = sqrt(freedom)·tan(a): the tail is the integral of cos(a)^(freedom-1), which is smooth and finite.
        scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
        start, parts = math.atan(t / math.sqrt(freedom)), 4000
        end = min(math.pi / 2, start + 15 / math.sqrt(freedom))
        width = (end - start) / parts
        points = [max(0.0, math.cos(start + i * width)) ** (freedom - 1) for i in range(parts + 1)]
        return scale * width / 3 * (points[0] + points[-1] + 4 * sum(points[1:-1:2]) + 2 * sum(points[2:-1:2]))

    if freedom > 100_000:
        return NormalDist().inv_cdf(0.975)
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if upper(middle) > 0.025 else (low, middle)
    return (low + high) / 2


def square_and_add(one: float, one_limits: Limits, other: float, other_limits: Limits) -> Limits:
    (low1, high1), (low2, high2) = one_limits, other_limits
    if low1 is None or high1 is None or low2 is None or high2 is None:
        return None, None
    difference = one - other
    return (
        difference - math.hypot(one - low1, high2 - other),
        difference + math.hypot(high1 - one, other - low2),
    )
