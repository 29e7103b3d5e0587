"""Adds up what was counted of the parts of a window to what counting the whole would find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import merge
from typing import Any

import msgspec

from query_api.mix import most_frequent
from query_api.question import Cell, Question, Scored
from schemas.metrics.metric import Shape


@dataclass(frozen=True, slots=True)
class Bucket:
    """The cells of the units that entered in [start, end): the total first. In each `persons` is when the latest unit
    entered that precedes one of the same person in it.
    """

    start: int
    end: int
    cells: Sequence[Cell]


def added(question: Question, buckets: Iterable[Bucket], start: int) -> list[Cell]:
    """The total and the segments of the window from `start` on that the buckets make up."""
    by_segment: dict[tuple[str | None, ...], list[Cell]] = {(): []}
    for bucket in buckets:
        for cell in bucket.cells:
            by_segment.setdefault(cell.segment, []).append(cell)
    total, *cells = (_sum(cells, start) for cells in by_segment.values())
    if question.metric.shape is Shape.MIX:
        headline = question.bound["wanted"] or most_frequent(total.classes)
        return [replace(cell, headline=headline) for cell in (total, *cells)]
    return [total, *cells]


def _sum(cells: Sequence[Cell], start: int) -> Cell:
    if not cells:
        return Cell()
    n = sum(cell.n for cell in cells)
    several = any(cell.persons >= start for cell in cells if cell.persons)
    denominators = [cell.denominator for cell in cells if cell.denominator is not None]
    scores: Counter[tuple[str, Fraction, bool]] = Counter()
    for cell in cells:
        scores.update({(each.stratum, each.score, each.good): each.n for each in cell.scores})
    return Cell(
        segment=cells[0].segment,
        n=n,
        numerator=sum(cell.numerator for cell in cells),
        denominator=sum(denominators) if denominators else None,
        mature=sum(cell.mature for cell in cells),
        members=sum(cell.members for cell in cells),
        last_known=max(cell.last_known for cell in cells),
        persons=n - several,
        durations=list(merge(*(cell.durations for cell in cells))),
        values=_together(cells, lambda cell: cell.values),
        other_values={
            name: _together(cells, lambda cell, name=name: cell.other_values.get(name, {}))  # type: ignore[misc]
            for name in sorted({name for cell in cells for name in cell.other_values})
        },
        events=_together(cells, lambda cell: cell.events),
        censored=_together(cells, lambda cell: cell.censored),
        scores=[Scored(*key, times) for key, times in scores.items()],
        classes=dict(sorted(_together(cells, lambda cell: cell.classes).items())),
        excluded=dict(sorted(_together(cells, lambda cell: cell.excluded).items())),
        by_currency={
            currency: (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
            for currency, pairs in sorted(_pairs(cells).items())
        },
        details={name: sum(cell.details[name] for cell in cells) for name in cells[0].details},
    )


def _together(cells: Sequence[Cell], told: Callable[[Cell], Mapping[Any, int]]) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    for cell in cells:
        found.update(told(cell))
    return dict(found)


def _pairs(cells: Sequence[Cell]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for cell in cells:
        for currency, pair in cell.by_currency.items():
            found.setdefault(currency, []).append(pair)
    return found


def _told(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(type(value))


def _read(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise NotImplementedError(kind)


_ENCODER = msgspec.json.Encoder(enc_hook=_told)
_DECODER = msgspec.json.Decoder(list[Cell], dec_hook=_read)


def encode(cells: Sequence[Cell]) -> str:
    """Cells as text, for the store."""
    return _ENCODER.encode(list(cells)).decode()


def decode(text: str) -> list[Cell]:
    """What `encode` wrote."""
    return _DECODER.decode(text)
