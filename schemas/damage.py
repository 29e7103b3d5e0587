"""What was lost of a table, told by comparing the parts that it had with those that it has. Pure.

The engine numbers the blocks that it takes, and a part holds a range of them: merging joins ranges, so whatever a table
had must be covered by what it has. A part that is not covered was removed, or set aside because it cannot be read.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ANY_TIME = 0
"""Both ends of the times in a part of which nobody knows what it held."""
_MANY = 1 << 62


class Part(NamedTuple):
    """A part as the ledger has it: blocks `low` to `high` of a partition, times `first` to `last` of events (ms)."""

    name: str
    partition: str
    low: int
    high: int
    rows: int
    first: int = ANY_TIME
    last: int = ANY_TIME


Parts = Mapping[str, Sequence[Part]]
"""Of each table that has any."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is known of one loss; `closed_at` (ms) is 0 until it is made good or accepted."""

    table: str
    part: str
    found_at: int
    reason: str
    rows: int = 0
    first: int = ANY_TIME
    last: int = ANY_TIME
    closed_at: int = 0

    def touches(self, start: int, end: int) -> bool:
        """Whether it may have held events of [start, end) ms."""
        return self.is_of_any_time or (self.first < end and self.last >= start)

    @property
    def is_of_any_time(self) -> bool:
        """Whether nobody knows which times it held."""
        return self.first == self.last == ANY_TIME


def _uncovered(part: Part, now: Sequence[Part]) -> bool:
    """Whether blocks of the part are nowhere, and fewer rows than it had stand in its place."""
    inside = sorted((each for each in now if each.partition == part.partition), key=lambda each: each.low)
    reached = part.low
    for each in inside:
        if each.low <= reached <= each.high:
            reached = each.high + 1
    if reached > part.high:
        return False
    # Gaps between parts are common (a refused insert takes a number): where the engine fell back on the parts that were
    # merged into this one, their rows are at least as many.
    return sum(each.rows for each in inside if part.low <= each.low and each.high <= part.high) < part.rows


def missing(
    before: Sequence[Part], now: Sequence[Part], detached: Iterable[Part], noticed: Container[str]
) -> list[tuple[Part, str]]:
    """What a table has lost since an earlier look, with why: parts that the engine has set aside, those with the names
    in `noticed` left out, and parts that are nowhere any more.
    """
    fresh = [each for each in detached if each.name not in noticed]
    gone = [part for part in before if _uncovered(part, now) and not any(overlap(part, each) for each in fresh)]
    return [
        *((part, "cannot be read: the engine has set it aside") for part in _set_aside(fresh, now, before)),
        *((part, "is gone") for part in gone if part.rows),
    ]


def _set_aside(detached: Iterable[Part], now: Sequence[Part], before: Sequence[Part]) -> list[Part]:
    """Parts that the engine cannot read and that nothing stands in for, with what an earlier look knew of them."""
    found = []
    for part in detached:
        same = next((each for each in before if each[1:4] == part[1:4]), part)
        if _uncovered(same if same.rows else same._replace(rows=_MANY), now):
            found.append(same._replace(name=part.name))
    return found


def overlap(one: Part, other: Part) -> bool:
    """Whether they have blocks in common, so that one was merged of the other."""
    return one.partition == other.partition and one.low <= other.high and other.low <= one.high
