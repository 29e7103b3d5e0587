"""What the benches are to reach, each declared once, and how the verdict is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """`most` or `least` of what is measured, in `unit`."""

    what: str
    limit: float
    unit: str
    at_most: bool = True

    def met(self, measured: float) -> bool:
        return measured <= self.limit if self.at_most else measured >= self.limit


FRESH_MIDDLE = Goal("freshness: POST to the metric's value, p50", 0.5, "s")
FRESH_LATE = Goal("freshness: POST to the metric's value, p99", 2.0, "s")
KEPT_LATENCY = Goal("a kept answer, p95 of the slowest question", 60.0, "ms")
NOW_LATENCY = Goal("an answer counted now, p95 of the slowest question", 60.0, "ms")
KEPT_AGE = Goal("age of the kept answers of the last hour and day, p95", 2.0, "s")
STREAM_DELAY = Goal("500 readers of one stream: POST to receipt, p99", 2.0, "s")
FLAT = Goal("memory: mean of the last quarter / of the second one, of the process that grows most", 1.05, "x")
LAG = Goal("events that are not counted at the end of the load", 5_000.0, "events")


def verdict(measured: Mapping[Goal, float]) -> list[dict[str, Any]]:
    """A row a goal, printed."""
    rows = [
        {"goal": goal.what, "limit": goal.limit, "measured": round(value, 3), "unit": goal.unit, "met": goal.met(value)}
        for goal, value in measured.items()
    ]
    for goal, row in zip(measured, rows, strict=True):
        sign = "<=" if goal.at_most else ">="
        print(
            f"{'met' if row['met'] else 'MISSED':8}{goal.what} {sign} {goal.limit:g} {goal.unit}: {row['measured']:g}"
        )
    return rows


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many are at most; of none, 0."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
