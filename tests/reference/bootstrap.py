"""The Poisson bootstrap by person once more, in plain Python: its draws, its quotients and its curve.

A person's first 64 bits are those of the MD5 of tenant, metric and person; a replicate's are these plus its number,
mixed as MurmurHash3 ends. They are read as a number below one and looked up in Poisson's distribution of mean 1.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cache

from tests.reference import numbers

BITS = 1 << 64


def mixed(number: int) -> int:
    number ^= 0x4CF2D2BAAE6DA887
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        number = (number ^ (number >> 33)) * factor % BITS
    return number ^ (number >> 33)


@cache
def poisson(number: int) -> int:
    left, share, k = number / BITS, math.exp(-1), 0
    while left >= share:
        left -= share
        k += 1
        share /= k
    return k


@cache
def weights(tenant: str, metric: str, person: str, replicates: int) -> Sequence[int]:
    digest = hashlib.md5(f"{tenant}\x1f{metric}\x1f{person}".encode(), usedforsecurity=False).digest()
    first = int.from_bytes(digest[:8], "little")
    return [poisson(mixed((first + number) % BITS)) for number in range(replicates)]


def points(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)

    def point(q: float) -> float:
        place = (len(ordered) - 1) * q
        below = math.floor(place)
        return ordered[below] + (place - below) * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below])

    return point(0.025), point(0.975)


def of_quotients(drawn: Mapping[str, Sequence[int]], sums: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Limits of above / below, from each person's weights and sums."""
    found = []
    for number in range(len(next(iter(drawn.values())))):
        above = sum(drawn[person][number] * own[0] for person, own in sums.items())
        below = sum(drawn[person][number] * own[1] for person, own in sums.items())
        if below:
            found.append(above / below)
    return points(found)


def of_curves(
    drawn: Mapping[str, Sequence[int]],
    died: Sequence[tuple[str, int]],
    survived: Sequence[tuple[str, int]],
    horizon: int,
) -> tuple[float, float]:
    """Limits of S just before the horizon, of ages with an outcome and without one: each stands as often as drawn."""
    found = []
    for number in range(len(next(iter(drawn.values())))):
        out = [age for person, age in died for _ in range(drawn[person][number])]
        watched = [age for person, age in survived for _ in range(drawn[person][number])]
        if out or watched:
            found.append(numbers.survival_before(numbers.kaplan_meier(out, watched), horizon).survival)
    return points(found)
