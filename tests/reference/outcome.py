"""A unit that waits for its outcome within a horizon, and the body of a rate over many of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference import numbers
from tests.reference.unit import Unit, add_up

FOREVER = 10**15
Body = dict[str, Any]


def cohort_unit(unit: Unit, at: int, horizon: int, outcome: int | None) -> None:
    """Success, maturity and ages for Kaplan–Meier: entry <= outcome < entry + horizon."""
    age = at - unit.entry
    unit.success = outcome is not None and unit.entry <= outcome < unit.entry + horizon
    unit.mature = age >= horizon
    unit.died = outcome - unit.entry if outcome is not None and unit.success else None
    unit.survived = None if unit.success else min(horizon, age)


def excluded(units: list[Unit]) -> dict[str, int]:
    """Each reason with the number of different things that it left out."""
    left_out = {(unit.reason, unit.id) for unit in units if unit.reason}
    found = Counter(reason for reason, _ in left_out)
    found.update(flag for unit in units for flag in unit.flags)
    return dict(found)


def rate(units: list[Unit], *, closed: bool, curve: bool = True, limits: bool = True) -> Body:
    """Observed and, while some units are young and the ages tell, estimated. `closed`: none could come any more."""
    sums = add_up(units)
    n, k = sums.n, sums.successes
    maturity = sums.mature / n if n else float(closed)
    basis = "mature" if maturity >= 1 else "estimate" if curve and n else "observed"
    observed = k / n if n else None
    low, high = numbers.wilson(k, n) if limits else (None, None)
    value, estimate = observed, None
    if basis == "estimate":
        step = numbers.survival_before(numbers.kaplan_meier(sums.died, sums.survived), FOREVER)
        value = 1 - step.survival
        low, high = (None if limit is None else 1 - limit for limit in (step.high, step.low))
        estimate = {"value": value, "low": low, "high": high}
    return {
        "value": value,
        "numerator": k,
        "denominator": n,
        "n": n,
        "basis": basis,
        "maturity": maturity,
        "observed": {"numerator": k, "denominator": n, "value": observed},
        "estimate": estimate,
        "interval": {"low": low, "high": high} if n and limits else None,
    }
