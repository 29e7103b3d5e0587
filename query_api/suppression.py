"""Which numbers a tenant does not show because too few stand behind them (`k_anon`): one rule, for every route.

Groups smaller than k are hidden, and with them so many of the next smallest that the hidden ones are several and k
together: a total less what is shown must not give one away. A filter may take the hidden groups of its dimension all or
none. One that takes some of them would show by itself what they are (`eq`), or by what is missing (`ne`, `nin`, `in`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from query_api.question import Filter, Question
from schemas.errors import Problem

Segment = tuple[str | None, ...]
SUPPRESSED = "suppressed"
"""The warning of a number that is not shown."""


class Segmented(Protocol):
    """What is known of one combination of segment values; of the total `segment` is empty."""

    @property
    def segment(self) -> Segment: ...

    @property
    def n(self) -> int: ...


S = TypeVar("S", bound=Segmented)
Sizes = Callable[[Question], Awaitable[Sequence[Segmented]]]
"""Counts a question: the total first, then one a combination of segment values."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the filters of a question hide: all of its answer, or some of its segments."""

    whole: bool = False
    segments: frozenset[Segment] = frozenset()


NOTHING = Hidden()


def name_order(segment: Segment) -> tuple[str, ...]:
    return tuple(value or "" for value in segment)


def small(sizes: Mapping[Segment, int], k: int, also: Iterable[Segment] = ()) -> set[Segment]:
    """The groups that are not shown; `also` are hidden whatever their size."""
    hidden = {group for group, size in sizes.items() if size < k} | (set(also) & sizes.keys())
    rest = sorted(sizes.keys() - hidden, key=lambda group: (-sizes[group], name_order(group)))
    while hidden and rest and (len(hidden) == 1 or sum(sizes[group] for group in hidden) < k):
        hidden.add(rest.pop())
    return hidden


def arranged(cells: Sequence[S], k: int, limit: int, also: frozenset[Segment] = frozenset()) -> tuple[list[S], list[S]]:
    """Up to `limit` of them, shown and hidden: by n descending, then name; hidden ones last and by name, so that their
    place tells nothing.
    """
    away = small({cell.segment: cell.n for cell in cells}, k, also)
    shown = sorted(
        (cell for cell in cells if cell.segment not in away), key=lambda cell: (-cell.n, name_order(cell.segment))
    )
    hidden = sorted((cell for cell in cells if cell.segment in away), key=lambda cell: name_order(cell.segment))
    shown = shown[:limit]
    return shown, hidden[: limit - len(shown)]


async def by_filters(question: Question, k: int, sizes: Sizes) -> Hidden:
    """What the filters of a question hide beside what is smaller than k by itself."""
    segments: set[Segment] = set()
    for dimension in sorted({each.dimension for each in question.filters}) if k else ():
        others = tuple(each for each in question.filters if each.dimension != dimension)
        own = [each for each in question.filters if each.dimension == dimension]
        without = replace(question, filters=others, interval="", segments=(dimension,))
        if _parts({cell.segment: cell.n for cell in (await sizes(without))[1:]}, own, k):
            return Hidden(whole=True)
        if question.segments and dimension not in question.segments:
            by_segment: dict[Segment, dict[Segment, int]] = {}
            for cell in (await sizes(replace(without, segments=(*question.segments, dimension))))[1:]:
                by_segment.setdefault(cell.segment[:-1], {})[cell.segment[-1:]] = cell.n
            segments.update(segment for segment, groups in by_segment.items() if _parts(groups, own, k))
    return Hidden(segments=frozenset(segments))


def _parts(sizes: Mapping[Segment, int], filters: Sequence[Filter], k: int) -> bool:
    """Whether filters of one dimension take some of its hidden groups and leave others."""
    hidden = small(sizes, k)
    taken = {group for group in hidden if all(_takes(each, group[0]) for each in filters)}
    return bool(taken) and taken != hidden


def _takes(one: Filter, value: str | None) -> bool:
    among = (value or "") in (one.values or ("",))
    return among if one.operator in ("eq", "in") else not among


async def is_listed(question: Question, k: int, sizes: Sizes) -> bool:
    """Whether the units behind an answer may be listed: those of a filter only if its answer is shown."""
    if not k or not question.filters:
        return True
    whole = replace(question, segments=(), interval="")
    return (await sizes(whole))[0].n >= k and not (await by_filters(whole, k, sizes)).whole


def suppressed(k: int) -> Problem:
    """The refusal to list what is not shown."""
    return Problem(SUPPRESSED, f"these filters set fewer than {k} units apart, which this tenant does not show")
