"""Time as callers write it: ISO 8601 durations, instants, dates, and the windows that follow from them.

A calendar day begins at the first instant of its local date, in an IANA zone; a duration is elapsed time (P1D = 24 h).
Everything is UTC milliseconds; every refusal is a `ValueError` with a sentence for the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from schemas.limits import ASKED, FIRST_YEAR, LAST_YEAR_ASKED

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
LONGEST_MS = 3_660 * DAY_MS
"""Ten years: no window and no duration is longer."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DURATION = re.compile(r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE
)
PERIODS = ("day", "week", "month")
_WEEK_STARTS = {"monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6}


def parse_duration(text: str) -> int:
    """ISO 8601, weeks to seconds, whole numbers: `P1W`, `P30D`, `PT1H30M`. Raises `ValueError`."""
    found = _DURATION.fullmatch(text)
    if not found or text.endswith(("P", "T")):
        raise ValueError("expected an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as PT24H")
    units = (WEEK_MS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS)
    total = sum(int(number) * unit for number, unit in zip(found.groups(default="0"), units, strict=True))
    if total > LONGEST_MS:
        raise ValueError("longer than ten years")
    return total


def format_duration(ms: int) -> str:
    """Canonical text: days from a week on, hours below it (`PT24H`, `PT72H`, `P14D`, `PT1H30M`)."""
    days, rest = divmod(ms, DAY_MS) if ms >= WEEK_MS else (0, ms)
    hours, rest = divmod(rest, HOUR_MS)
    minutes, rest = divmod(rest, MINUTE_MS)
    seconds, milliseconds = divmod(rest, SECOND_MS)
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if milliseconds:
        clock += f"{seconds}.{milliseconds:03}S"
    elif seconds:
        clock += f"{seconds}S"
    return "P" + f"{days}D" * bool(days) + ("T" + clock if clock else "" if days else "T0S")


def format_instant(ms: int) -> str:
    """UTC, `Z`, with milliseconds only where there are any."""
    moment = EPOCH + timedelta(milliseconds=ms)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{ms % 1000:03}Z" if ms % 1000 else text + "Z"


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory", "posixrules"})


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises `ValueError`."""
    if name not in _zone_names():
        raise ValueError("not the name of an IANA time zone")
    return ZoneInfo(name)


def _local(ms: int, tz: str) -> datetime:
    return (EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(tz))


def _ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


def local_date(ms: int, tz: str) -> date:
    """The date on a wall calendar at that instant."""
    return _local(ms, tz).date()


def local_midnight(day: date, tz: str) -> int:
    """The first instant of a local date: also where clocks skip midnight, or skip the whole day."""
    moment = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz))
    found = _ms(moment)
    if _local(found, tz).replace(tzinfo=None) == moment.replace(tzinfo=None):
        return found
    low, high = found - DAY_MS, found + DAY_MS  # a gap: its end is the first instant with that date or a later one
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if local_date(middle, tz) >= day else (middle, high)
    return high


def is_local_midnight(ms: int, tz: str) -> bool:
    """Whether a local date begins at this instant."""
    return local_midnight(local_date(ms, tz), tz) == ms


def days_ending(until: int, days: int, tz: str) -> int:
    """Start of the span of local days whose last one contains the instant before `until`."""
    return local_midnight(local_date(until - 1, tz) - timedelta(days=days - 1), tz)


def local_day_ends(start: int, until: int, tz: str) -> list[int]:
    """The end of each local day of [start, until), ascending; the last one is cut at `until`."""
    ends: list[int] = []
    day = local_date(start, tz)
    edge = start
    while edge < until:
        day += timedelta(days=1)
        following = min(local_midnight(day, tz), until)
        if following > edge:
            ends.append(following)
        edge = max(edge, following)
    return ends


def days_earlier(ms: int, days: int, tz: str) -> int:
    """The same time of day on the wall clock, that many local days before; in a gap, the gap's end."""
    day = local_date(ms, tz)
    if local_midnight(day, tz) == ms:
        return local_midnight(day - timedelta(days=days), tz)
    return _ms(_local(ms, tz) - timedelta(days=days))


def parse_date(text: str) -> date | None:
    """A calendar date, or None if it is not written as one. Raises `ValueError` for one that does not exist."""
    if not _DATE.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("no such date") from None
    if not date(FIRST_YEAR, 1, 1) <= day <= date(LAST_YEAR_ASKED + 1, 1, 1):  # the last one as an end
        raise ValueError(f"years from {FIRST_YEAR} to {LAST_YEAR_ASKED} are served")
    return day


def parse_instant(text: str, tz: str) -> int:
    """A date (its local midnight) or an RFC 3339 instant with its offset. Raises `ValueError`."""
    day = parse_date(text)
    if day is not None:
        return local_midnight(day, tz)
    # A + that was not percent-encoded arrives as a space.
    found = _INSTANT.fullmatch(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
    if not found:
        raise ValueError("expected a date or an RFC 3339 instant with its offset, such as 2026-11-18T10:00:00Z")
    day_text, minutes, seconds, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day_text}T{minutes}{seconds or ':00'}{offset.upper()}")
        ms = (moment - EPOCH) // timedelta(seconds=1) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
    except (ValueError, OverflowError):
        raise ValueError("no such instant") from None
    if ms not in ASKED:
        raise ValueError(f"years from {FIRST_YEAR} to {LAST_YEAR_ASKED} are served")
    return ms


def period_holding(day: date, period: str, week_start: str) -> date:
    """The first day of the calendar day, week or month that a day lies in."""
    if period == "month":
        return day.replace(day=1)
    return day - timedelta(days=(day.weekday() - _WEEK_STARTS[week_start]) % 7) if period == "week" else day


def periods_later(day: date, period: str, count: int) -> date:
    """The first day of the period so many later than the one that begins on `day`."""
    if period == "month":
        months = day.year * 12 + day.month - 1 + count
        return date(months // 12, months % 12 + 1, 1)
    return day + timedelta(days=count * (7 if period == "week" else 1))


def period_edges(day: date, period: str, count: int, tz: str) -> list[int]:
    """Where the period that begins on `day` and the `count` after it begin: ascending, one more than `count`."""
    return [local_midnight(periods_later(day, period, each), tz) for each in range(count + 1)]


def periods_beginning(start: int, end: int, period: str, tz: str, week_start: str) -> list[date]:
    """The first day of each calendar period that begins in [start, end): one follows the other."""
    day = period_holding(local_date(start, tz), period, week_start)
    found: list[date] = []
    while (begins := local_midnight(day, tz)) < end:
        if begins >= start:
            found.append(day)
        day = periods_later(day, period, 1)
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """[start, end), and the window that it is compared with."""

    start: int
    end: int
    previous_start: int
    previous_end: int


class WindowError(ValueError):
    """A window that cannot be; `field` is the parameter to blame."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def resolve_window(given: Mapping[str, str], at: int, tz: str, week_start: str) -> Window:
    """From `window`, `from` and `to`, or `period`; by default the 24 h before `at`. Raises `WindowError`."""
    if "from" in given or "to" in given:
        for other in ("window", "period"):
            if other in given:
                raise WindowError(other, "give either window, or from and to, or period")
        return _between(given, tz)
    if "period" in given:
        if "window" in given:
            raise WindowError("window", "give either window, or from and to, or period")
        if given["period"] not in PERIODS:
            raise WindowError("period", "expected day, week or month")
        return _last_period(given["period"], at, tz, _WEEK_STARTS[week_start])
    length = _checked("window", parse_duration, given.get("window", "P1D"))
    if length == 0:
        raise WindowError("window", "must be longer than nothing")
    return Window(at - length, at, at - 2 * length, at - length)


def _between(given: Mapping[str, str], tz: str) -> Window:
    for edge in ("from", "to"):
        if not given.get(edge):
            raise WindowError(edge, "from and to are given together")
    start = _checked("from", lambda text: parse_instant(text, tz), given["from"])
    end = _checked("to", lambda text: parse_instant(text, tz), given["to"])
    if end <= start:
        raise WindowError("to", "must be later than from")
    if end - start > LONGEST_MS:
        raise WindowError("to", "a window is at most ten years long")
    first, last = parse_date(given["from"]), parse_date(given["to"])
    if first and last:
        return Window(start, end, local_midnight(first - (last - first), tz), start)
    return Window(start, end, 2 * start - end, start)


def _last_period(period: str, at: int, tz: str, week_start: int) -> Window:
    today = local_date(at, tz)
    if period == "day":
        edges = [today - timedelta(days=back) for back in (0, 1, 2)]
    elif period == "week":
        begun = today - timedelta(days=(today.weekday() - week_start) % 7)
        edges = [begun - timedelta(days=7 * back) for back in (0, 1, 2)]
    else:
        edges = [today.replace(day=1)]
        while len(edges) < 3:
            edges.append((edges[-1] - timedelta(days=1)).replace(day=1))
    end, start, before = (local_midnight(edge, tz) for edge in edges)
    return Window(start, end, before, start)


def _checked(field: str, parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise WindowError(field, str(error)) from None
