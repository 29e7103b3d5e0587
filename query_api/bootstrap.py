"""The Poisson bootstrap by person (docs/definitions.md#uncertainty), pure: how often each replicate draws a person, and
what limits the replicates leave.

A weight is no chance: it is read off a hash of (seed, person, replicate), the seed being the tenant and the metric. So
an answer is the same again after a replay, in whatever order events came, and whichever worker counts; and a person
has the same weights in every window and segment, so that replicates of parts add up to those of the whole. All units
of a person are drawn together: that is what makes the limits hold where one person has several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

from query_api.statistics import NO_LIMITS, Limits

METHOD = "bootstrap_person"
FEWEST, MOST = 200, 1000
_DRAWS = 50_000_000
"""About how many weights one answer may cost."""
_TAIL = 0.025


def _cuts() -> tuple[int, ...]:
    """A draw from 64 bits is k or more where it is at least the k-th cut: Poisson's distribution with mean 1."""
    with localcontext() as exact:
        exact.prec = 60
        share = below = Decimal(-1).exp()
        cuts: list[int] = []
        number = 0
        while int(below * 2**64) < 2**64 - 1:
            cuts.append(int(below * 2**64))
            number += 1
            share /= number
            below += share
    return tuple(cuts)


CUTS = _cuts()


def replicates(units: int) -> int:
    """How many replicates so many units are worth."""
    return max(FEWEST, min(MOST, _DRAWS // max(1, units)))


def ratios(above: Sequence[int], below: Sequence[int], scale: int = 1) -> list[float | None]:
    """The number in each replicate; None where nobody was drawn."""
    return [one / (other * scale) if other else None for one, other in zip(above, below, strict=True)]


def limits(values: Iterable[float | None]) -> Limits:
    """The 2.5 % and 97.5 % points of the replicates (type 7)."""
    found = sorted(value for value in values if value is not None)
    if not found:
        return NO_LIMITS
    return _point(found, _TAIL), _point(found, 1 - _TAIL)


def _point(ascending: Sequence[float], share: float) -> float:
    place = (len(ascending) - 1) * share
    below = min(int(place), len(ascending) - 1)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (place - below) * (ascending[above] - ascending[below])


def survivals(
    ages: Sequence[int], gone: Sequence[Sequence[int]], censored: Sequence[Sequence[int]], until: int
) -> list[float | None]:
    """Kaplan–Meier's S just before `until` in each replicate: by ascending age, how heavy those are who had their
    outcome at it, and those who were watched up to it.
    """
    width = len(gone[0]) if gone else 0
    found: list[float | None] = []
    for number in range(width):
        at_risk = sum(each[number] for each in gone) + sum(each[number] for each in censored)
        share: float | None = 1.0 if at_risk else None
        for age, out, watched in zip(ages, gone, censored, strict=True):
            if age >= until or share is None or not at_risk:
                break
            if out[number]:
                share = share * (at_risk - out[number]) / at_risk
            at_risk -= out[number] + watched[number]
        found.append(share)
    return found
