"""Shares of several classes, said at once: intervals that hold together (Goodman), and how far two mixes are apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from query_api.question import Cell
from query_api.statistics import Limits, goodman


@dataclass(frozen=True, slots=True)
class Share:
    """The class that the answer is about, among all those that were seen."""

    value: float | None
    numerator: int
    limits: Limits
    details: Mapping[str, Any]


def most_frequent(classes: Mapping[str, int]) -> str:
    """The class that most have; of several the first by name; "" if there is none."""
    return min(classes, key=lambda name: (-classes[name], name), default="")


def share(cell: Cell) -> Share:
    """The share of the cell's headline class, and under `shares` those of all."""
    n, classes, headline = cell.n, cell.classes, cell.headline
    limits = {name: goodman(count, n, len(classes)) for name, count in classes.items()}
    shares = [
        {"purpose": name, "n": count, "share": count / n, "low": limits[name][0], "high": limits[name][1]}
        for name, count in sorted(classes.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    count = classes.get(headline, 0)
    return Share(
        value=count / n if n else None,
        numerator=count,
        limits=limits.get(headline) or goodman(0, n, len(classes)),
        details={"purpose": headline or None, "answered": n, "shares": shares},
    )


def drift(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, Any]:
    """Total variation distance of two mixes, and chi-square of the two rows of answers."""
    rows, names = (now, before), sorted({*now, *before})
    sizes = [sum(row.values()) for row in rows]
    if not all(sizes):
        return {"total_variation": None, "chi_square": None, "degrees": None}
    apart = sum(abs(now.get(name, 0) / sizes[0] - before.get(name, 0) / sizes[1]) for name in names) / 2
    chi_square = 0.0
    for row, size in zip(rows, sizes, strict=True):
        for name in names:
            expected = size * (now.get(name, 0) + before.get(name, 0)) / sum(sizes)
            chi_square += (row.get(name, 0) - expected) ** 2 / expected
    return {"total_variation": apart, "chi_square": chi_square, "degrees": len(names) - 1}
