"""A window cut into steps of the calendar: hours, days, weeks, months, as the clocks on the wall of a zone show them.

Days, weeks and months begin at local midnight, so that a day in which clocks are changed has 23 or 25 hours. Hours
begin at full local hours; where clocks are changed by a part of an hour, one step is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from schemas.periods import EPOCH, HOUR_MS, WEEK_STARTS, local_date, local_midnight

Next = Callable[[int, str, int], int]
"""From an instant, a zone and the first day of a week to the first edge after it."""


def _offset(ms: int, tz: str) -> int:
    shift = (EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(tz)).utcoffset() or timedelta(0)
    return shift // timedelta(milliseconds=1)


def _next_hour(ms: int, tz: str, week_start: int) -> int:
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


def _following(start: date, tz: str, after: int, further: Callable[[date], date]) -> int:
    """The first midnight after an instant, of `start` or of a date further on (a zone may skip a whole day)."""
    day = start
    while (edge := local_midnight(day, tz)) <= after:
        day = further(day)
    return edge


def _next_day(ms: int, tz: str, week_start: int) -> int:
    del week_start
    return _following(local_date(ms, tz) + timedelta(days=1), tz, ms, lambda day: day + timedelta(days=1))


def _next_week(ms: int, tz: str, week_start: int) -> int:
    today = local_date(ms, tz)
    days = 7 - (today.weekday() - week_start) % 7
    return _following(today + timedelta(days=days), tz, ms, lambda day: day + timedelta(days=7))


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _next_month(ms: int, tz: str, week_start: int) -> int:
    del week_start
    return _following(_first_of_next_month(local_date(ms, tz)), tz, ms, _first_of_next_month)


STEPS: Mapping[str, Next] = {"PT1H": _next_hour, "P1D": _next_day, "P1W": _next_week, "P1M": _next_month}
"""The steps that are served, by their ISO 8601 names."""
DEFAULT_STEP = "P1D"


def edges(start: int, end: int, step: str, tz: str, week_start: str) -> Iterator[int]:
    """Where [start, end) is cut: `start`, each edge of a step between, `end`. The first and last may be cut short."""
    following, first_day = STEPS[step], WEEK_STARTS[week_start]
    edge = start
    while edge < end:
        yield edge
        edge = following(edge, tz, first_day)
    yield end


def is_edge(ms: int, step: str, tz: str, week_start: str) -> bool:
    """Whether a step begins at this instant."""
    return STEPS[step](ms - 1, tz, WEEK_STARTS[week_start]) == ms
