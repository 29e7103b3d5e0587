"""Intervals and quantiles, pure and deterministic: sums run in one order, over sorted integers.

Definitions: docs/definitions.md#uncertainty and #maturity. z is fixed, so that two machines print the same.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from importlib import import_module
from itertools import accumulate
from types import ModuleType
from typing import overload

Z = 1.959963984540054
"""The 0.975 quantile of the normal distribution."""
CONFIDENCE = 0.95
_TAIL = 0.025

Limits = tuple[float | None, float | None]
NO_LIMITS: Limits = (None, None)


@cache
def distributions() -> ModuleType:
    """SciPy's distribution functions, imported when first needed: that takes a second, and no start waits for it."""
    return import_module("scipy.special")


def goodman(successes: int, n: int, classes: int) -> Limits:
    """The interval of one of so many shares that are to hold at once: Wilson's with Bonferroni's normal point."""
    return wilson(successes, n, Z if classes < 2 else float(distributions().ndtri(1 - _TAIL / classes)))


def wilson(successes: int, n: float, z: float = Z) -> Limits:
    """Wilson score interval of a share; none for n = 0."""
    if n == 0:
        return NO_LIMITS
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def garwood(count: int) -> tuple[float, float]:
    """Exact limits of the mean of a Poisson count: half the quantiles of chi-square of 2k and 2k + 2 degrees."""
    low = float(distributions().gammaincinv(count, _TAIL)) if count else 0.0
    return low, float(distributions().gammaincinv(count + 1, 1 - _TAIL))


def square_and_add(value: float, limits: Limits, other: float, other_limits: Limits) -> Limits:
    """Interval of `value - other` from the interval of each: Newcombe's with Wilson limits, else MOVER."""
    low, high = limits
    other_low, other_high = other_limits
    if low is None or high is None or other_low is None or other_high is None:
        return NO_LIMITS
    difference = value - other
    return (
        difference - math.hypot(value - low, other_high - other),
        difference + math.hypot(high - value, other - other_low),
    )


def adjusted_wald(up: int, middle: int, down: int) -> Limits:
    """Interval of 100 (up - down) / n by Rocks: with 3/4, 3/2 and 3/4 of an answer added."""
    if up + middle + down == 0:
        return NO_LIMITS
    n = up + middle + down + 3
    high, low = (up + 0.75) / n, (down + 0.75) / n
    centre = high - low
    half = Z * math.sqrt((high + low - centre * centre) / n)
    return max(-100.0, 100 * (centre - half)), min(100.0, 100 * (centre + half))


def mean_limits(values: Sequence[int]) -> Limits:
    """Interval of the mean by Student's t; the variance is an exact quotient of integers. None below n = 2."""
    return moment_limits(len(values), sum(values), sum(value * value for value in values))


def histogram_mean_limits(values: Sequence[tuple[Fraction, int]]) -> Limits:
    """The same for values that stand so many times each."""
    total = sum((value * times for value, times in values), Fraction(0))
    squares = sum((value * value * times for value, times in values), Fraction(0))
    return moment_limits(sum(times for _, times in values), total, squares)


def moment_limits(n: int, total: int | Fraction, squares: int | Fraction) -> Limits:
    """The same from how many values there are, their sum and that of their squares."""
    if n < 2:
        return NO_LIMITS
    variance = float((n * squares - total * total) / (n * (n - 1)))
    half = float(distributions().stdtrit(n - 1, 1 - _TAIL)) * math.sqrt(variance / n)
    return float(total / n) - half, float(total / n) + half


class Ranked(Sequence[int]):
    """Ascending values of which each stands as often as it is said to."""

    def __init__(self, times: Mapping[int, int]) -> None:
        self._values = sorted(times)
        self._ends = list(accumulate(times[value] for value in self._values))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...

    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return self._values[bisect_right(self._ends, place)]


def quantile(values: Sequence[int], q: float) -> float:
    """Type 7 (linear interpolation) of ascending integers: an exact fraction, divided once."""
    share = Fraction(str(q))
    place = (len(values) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    low, high = int(values[below]), int(values[above])
    return float(low + (place - below) * (high - low))


def quantile_limits(values: Sequence[int], q: float) -> Limits:
    """The order statistics between which the quantile lies; a limit whose rank does not exist is None.

    Ranks from the binomial: n = 100, median: 40 and 61.
    """
    n = len(values)
    if n == 0:
        return NO_LIMITS
    low_rank, high_rank = _binomial_quantile(_TAIL, n, q), _binomial_quantile(1 - _TAIL, n, q) + 1
    low = float(values[low_rank - 1]) if low_rank >= 1 else None
    return low, float(values[high_rank - 1]) if high_rank <= n else None


def _binomial_quantile(level: float, n: int, q: float) -> int:
    """The least k with P(X <= k) >= level."""
    low, high, bdtr = -1, n, distributions().bdtr
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if float(bdtr(middle, n, q)) >= level else (middle, high)
    return high
