"""Garwood's exact limits of a Poisson count, by bisection on the sums of its probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable

TAIL = 0.025


def _at_most(k: int, mean: float) -> float:
    """P(X <= k)."""
    if mean == 0:
        return 1.0
    return math.fsum(math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(k + 1))


def poisson_limits(k: int) -> tuple[float, float]:
    """The means under which k or more, and k or fewer, have the probability of a tail; 0 has no lower limit but 0."""
    low = _root(lambda mean: 1 - _at_most(k - 1, mean) - TAIL, k) if k else 0.0
    return low, _root(lambda mean: TAIL - _at_most(k, mean), k)


def _root(rising: Callable[[float], float], k: int) -> float:
    low, high = 0.0, k + 20 * math.sqrt(k + 1) + 20
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
