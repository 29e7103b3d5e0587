"""One thing that a metric counts or leaves out, and the sums over many of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.reference.copies import Copy


@dataclass(slots=True)
class Unit:
    """`reason` empty: counted. `survived` and `died` are ages for Kaplan–Meier; `value` a duration in ms."""

    id: str
    entry: int
    dimensions: Callable[[str], str]
    person: str = ""
    reason: str = ""
    flags: tuple[str, ...] = ()
    n: int = 1
    success: bool = False
    mature: bool = True
    value: int | None = None
    died: int | None = None
    survived: int | None = None
    reached: bool = False
    currency: str = ""
    money: int = 0
    details: Mapping[str, int] = field(default_factory=dict)
    age: int | None = None


@dataclass(slots=True)
class Sums:
    """What the units add up to. `units` stay at hand for whoever must see why."""

    units: list[Unit]
    n: int = 0
    successes: int = 0
    mature: int = 0
    values: list[int] = field(default_factory=list)
    died: list[int] = field(default_factory=list)
    survived: list[int] = field(default_factory=list)
    reached: bool = False
    excluded: Counter[str] = field(default_factory=Counter)
    by_currency: dict[str, tuple[int, int]] = field(default_factory=dict)
    details: Counter[str] = field(default_factory=Counter)
    ages: list[int] = field(default_factory=list)


def add_up(units: Iterable[Unit]) -> Sums:
    kept = list(units)
    sums = Sums(kept)
    money: dict[str, list[int]] = defaultdict(list)
    for unit in kept:
        sums.excluded.update(unit.flags)
        if unit.reason:
            sums.excluded[unit.reason] += 1
        sums.details.update(unit.details)
        if unit.reason:
            continue
        sums.n += unit.n
        sums.successes += unit.success
        sums.mature += unit.n * unit.mature
        sums.reached |= unit.reached
        for kind, value in ((sums.values, unit.value), (sums.died, unit.died), (sums.survived, unit.survived),
                            (sums.ages, unit.age)):  # fmt: skip
            if value is not None:
                kind.append(value)
        if unit.currency:
            money[unit.currency].append(unit.money)
    sums.by_currency = {currency: (sum(parts), len(parts)) for currency, parts in money.items()}
    return sums


def first_of(copies: Iterable[Copy], value: Callable[[Copy], str]) -> str:
    """The non-empty value on the smallest (time, event_id)."""
    return min(((copy.order, found) for copy in copies if (found := value(copy))), default=((0, ""), ""))[1]


def first_dimension(copies: list[Copy]) -> Callable[[str], str]:
    return lambda name: first_of(copies, lambda copy: copy.dimension(name))
