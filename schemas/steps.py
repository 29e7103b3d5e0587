"""A window cut into steps of the calendar: hours, days, weeks, months, as the clocks on the wall of a zone show them.

Days, weeks and months begin at local midnight, so that a day in which clocks are changed has 23 or 25 hours. Hours
begin at full local hours; where clocks are changed by a part of an hour, one step is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from schemas.periods import EPOCH, HOUR_MS, local_date, local_midnight, period_holding, periods_later

Next = Callable[[int, str, str], int]
"""From an instant, a zone and the day that weeks begin on to the first edge after it."""


def _offset(ms: int, tz: str) -> int:
    shift = (EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(tz)).utcoffset() or timedelta(0)
    return shift // timedelta(milliseconds=1)


def _next_hour(ms: int, tz: str, week_start: str) -> int:
    del week_start
    before = _offset(ms, tz)
    edge = ms + HOUR_MS - (ms + before) % HOUR_MS
    if (_offset(edge, tz) - before) % HOUR_MS == 0:
        return edge
    low, high = ms, edge  # clocks are changed in between, and not by whole hours: a new hour begins there
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, tz) == before else (low, middle)
    return high


def _next_period(period: str) -> Next:
    def following(ms: int, tz: str, week_start: str) -> int:
        day = period_holding(local_date(ms, tz), period, week_start)
        while (edge := local_midnight(day, tz)) <= ms:  # not always the next one: a zone may skip a whole day
            day = periods_later(day, period, 1)
        return edge

    return following


STEPS: Mapping[str, Next] = {
    "PT1H": _next_hour,
    "P1D": _next_period("day"),
    "P1W": _next_period("week"),
    "P1M": _next_period("month"),
}
"""The steps that are served, by their ISO 8601 names."""
DEFAULT_STEP = "P1D"


def edges(start: int, end: int, step: str, tz: str, week_start: str) -> Iterator[int]:
    """Where [start, end) is cut: `start`, each edge of a step between, `end`. The first and last may be cut short."""
    edge = start
    while edge < end:
        yield edge
        edge = STEPS[step](edge, tz, week_start)
    yield end


def is_edge(ms: int, step: str, tz: str, week_start: str) -> bool:
    """Whether a step begins at this instant."""
    return STEPS[step](ms - 1, tz, week_start) == ms
