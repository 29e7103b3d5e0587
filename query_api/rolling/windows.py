"""The windows that are kept: which roll, which have closed, and where their buckets cut the time. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from schemas.periods import DAY_MS, HOUR_MS, SECOND_MS, format_instant, local_date, local_midnight
from schemas.steps import edges as steps
from schemas.tenants import Tenant

CLOSED_HOURS, CLOSED_DAYS = 24, 14
"""How many hours and days that have closed are watched for what restates them; of longer windows the last three."""
CLOSED_LONG = 3


@dataclass(frozen=True, slots=True)
class Span:
    """Windows that are counted together: `reach` (ms) before the end is enough for them and for those
    that they are compared with, cut every `grain` ms; seconds that their answers may be old.
    """

    name: str
    windows: tuple[str, ...]
    reach: int
    grain: int
    total_seconds: float
    cut_seconds: float

    def patience(self, cuts: tuple[str, ...], closes: bool) -> float:
        """Seconds that the answers of a job may be old."""
        return max(self.cut_seconds, 60.0) if closes else self.cut_seconds if cuts else self.total_seconds


SPANS = (
    Span("recent", ("PT1H", "P1D"), 2 * DAY_MS, HOUR_MS, 5.0, 20.0),
    Span("long", ("P7D", "P28D"), 56 * DAY_MS, DAY_MS, 30.0, 120.0),
)
"""The younger first."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A window of the calendar that is over."""

    window: str
    start: int
    end: int

    @property
    def query(self) -> list[tuple[str, str]]:
        return [("from", format_instant(self.start)), ("to", format_instant(self.end))]


def as_of(version: int) -> int:
    """The instant of an answer whose watermark is `version`."""
    return version // SECOND_MS * SECOND_MS


def edges(span: Span, version: int, tz: str, week_start: str) -> list[int]:
    """Where a span's buckets cut the time, ascending: every grain before the end, and every step of the calendar."""
    end = as_of(version)
    start = max(0, end - span.reach)
    rolling = range(end, start - 1, -span.grain)
    step = "PT1H" if span.grain == HOUR_MS else "P1D"
    return sorted({start, *rolling, *steps(start, end, step, tz, week_start)})


def closed_windows(span: Span, version: int, tenant: Tenant) -> Iterator[Closed]:
    """Those of a span's lengths that have closed lately, the older first."""
    at, tz = as_of(version), tenant.timezone
    if "PT1H" in span.windows:
        start = max(0, at - (CLOSED_HOURS + 1) * HOUR_MS)
        hours = list(steps(start, at, "PT1H", tz, tenant.week_start))
        for begin, end in pairwise(hours[1:-1]):  # the first and the last are cut short
            yield Closed("PT1H", begin, end)
        return
    today = local_date(at, tz)
    for window, days, many in (("P1D", 1, CLOSED_DAYS), ("P7D", 7, CLOSED_LONG), ("P28D", 28, CLOSED_LONG)):
        for back in reversed(range(many)):
            last = today - timedelta(days=back)
            begin, end = local_midnight(last - timedelta(days=days), tz), local_midnight(last, tz)
            if 0 <= begin < end <= at:
                yield Closed(window, begin, end)
