"""Kaplan–Meier: what share is still without an outcome at an age, from units with and units without one so far.

At equal ages outcomes come before censorings. Variance by Greenwood, limits by the log-log transform (R's
`conf.type="log-log"`; R's default, log, gives others), quantiles and their limits as R reads them off the curves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from query_api.statistics import NO_LIMITS, Limits, Z

TRANSFORM = "log_log"
_TOLERANCE = 2.0**-26
"""S is a product of quotients: two values this close are one (R's tolerance)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The steps of S: at each age of an outcome, S from there on, and Greenwood's sum."""

    ages: list[int]
    shares: list[float]
    sums: list[float]

    def share_before(self, age: int) -> tuple[float, Limits]:
        """S just before `age`, with limits; none where S is 0 or 1."""
        low, high = -1, len(self.ages)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.ages[middle] < age else (low, middle)
        if low < 0:
            return 1.0, NO_LIMITS
        return self.shares[low], _limits(self.shares[low], self.sums[low])

    def quantile(self, q: float) -> tuple[float | None, Limits]:
        """The first age with S <= 1 - q, with Brookmeyer–Crowley limits; None where S stays above."""
        target = 1 - q
        bands = [_limits(share, total) for share, total in zip(self.shares, self.sums, strict=True)]
        lows = [(age, band[0]) for age, band in zip(self.ages, bands, strict=True) if band[0] is not None]
        highs = [(age, band[1]) for age, band in zip(self.ages, bands, strict=True) if band[1] is not None]
        return (
            _crossing(list(zip(self.ages, self.shares, strict=True)), target),
            (_crossing(lows, target), _crossing(highs, target)),
        )


def kaplan_meier(events: Mapping[int, int], censored: Mapping[int, int]) -> Curve:
    """The curve of how many units had an outcome, and how many had none so far, at each age."""
    ages: list[int] = []
    shares: list[float] = []
    sums: list[float] = []
    share, total = 1.0, 0.0
    at_risk = sum(events.values()) + sum(censored.values())
    gone = sorted(censored, reverse=True)
    for age in sorted(events):
        while gone and gone[-1] < age:
            at_risk -= censored[gone.pop()]
        done = events[age]
        left = at_risk - done
        share = share * left / at_risk
        total = total + done / (at_risk * left) if left else math.inf
        at_risk = left
        ages.append(int(age))
        shares.append(share)
        sums.append(total)
    return Curve(ages, shares, sums)


def _limits(share: float, total: float) -> Limits:
    if not 0 < share < 1:
        return NO_LIMITS
    spread = Z * math.sqrt(total) / abs(math.log(share))
    if spread > 700:  # the power would leave the range of floats
        return 0.0, 1.0
    return share ** math.exp(spread), share ** math.exp(-spread)


def _crossing(steps: Sequence[tuple[int, float | None]], target: float) -> float | None:
    """The first age at or below `target`; where the curve lies on it, the middle of that stretch."""
    for place, (age, height) in enumerate(steps):
        if height is None or height >= target + _TOLERANCE:
            continue
        if abs(height - target) < _TOLERANCE:
            for later, lower in steps[place + 1 :]:
                if lower is not None and lower < height:
                    return (age + later) / 2
        return float(age)
    return None
