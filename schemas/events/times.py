"""Times as producers write them: ISO 8601 with an offset, seconds or milliseconds since 1970, or a date.

A date is the local midnight at which it begins. Only ingest knows the tenant's zone, so it writes that midnight into
the event (`local_midnight`); whatever reads the event later finds an offset.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from schemas.events.unreadable import Unreadable
from schemas.limits import TIME, YEARS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SECONDS_BELOW = 100_000_000_000
"""A numeric time below this is in seconds (until the year 5138), else in milliseconds."""
_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}\s*")
_LEAP_SECOND = re.compile(r":60(?=[.,Zz+-]|$)")
_EXPECTED = "expected an ISO 8601 time, such as 2026-11-18T09:58:00.000Z"


def milliseconds(value: str) -> int:
    """UTC milliseconds of an ISO 8601 time with an offset, cut below the millisecond. Raises `Unreadable`."""
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        moment = _read_again(value.strip())
    if moment.tzinfo is None:
        raise Unreadable("a time needs an offset, such as Z or +01:00")
    return (moment - _EPOCH) // _MILLISECOND


def _read_again(value: str) -> datetime:
    """What RFC 3339 allows besides: `t` and `z`, and a leap second, which is the next one, as in Unix time."""
    text = value.upper()
    leap = _LEAP_SECOND.search(text)
    try:
        if not leap:
            return datetime.fromisoformat(text)
        moment = datetime.fromisoformat(text[: leap.start()] + ":59" + text[leap.end() :])
    except ValueError:
        raise Unreadable(_EXPECTED) from None
    after = moment.replace(microsecond=0) + timedelta(seconds=1)
    if after.tzinfo is None or after.astimezone(UTC).time().isoformat() != "00:00:00":
        raise Unreadable("a leap second is the last of a day in UTC")
    return after


def is_date(value: Any) -> bool:
    """Whether a value is a date without a time."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def local_midnight(value: str, zone: tzinfo) -> str:
    """The beginning of a date in `zone`, with its offset. Raises `Unreadable`."""
    try:
        day = date.fromisoformat(value.strip())
    except ValueError:
        raise Unreadable("there is no such date") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone).isoformat()


def read_instant(value: Any) -> int:
    """UTC milliseconds of a time, or of a date in UTC. Raises `Unreadable`."""
    if isinstance(value, str):
        moment = milliseconds(local_midnight(value, UTC) if is_date(value) else value)
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(_float(value)):
        raise Unreadable("expected a time")
    else:
        moment = int(value * 1000 if abs(value) < _SECONDS_BELOW else value)
    if moment not in TIME:
        raise Unreadable(f"a time lies in the years {YEARS}")
    return moment


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
