"""When things happen: the hours of a day, the days of a week and the hours in which somebody works, in a time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

HOURS = (8, 4, 3, 2, 2, 3, 8, 18, 28, 36, 42, 44, 46, 44, 40, 40, 42, 50, 62, 76, 84, 76, 50, 22)
"""How busy the shop is at each hour: low at night, high in the evening."""
OFFICE_HOURS = (0, 0, 0, 0, 0, 0, 0, 0, 30, 60, 66, 54, 40, 46, 50, 48, 40, 26, 10, 6, 0, 0, 0, 0)
"""When people pick up the telephone."""
DESK_HOURS = tuple(shop // 3 + office for shop, office in zip(HOURS, OFFICE_HOURS, strict=True))
"""When people write to the help desk: at work as well as in the evening."""
WEEK = (1.0, 0.96, 0.94, 0.98, 0.92, 1.04, 1.2)
"""How busy the days are, from Monday; people shop on Sundays."""
OPENS, CLOSES = time(9), time(18)
SATURDAY = 5


def moment(random: Random, day: date, zone: ZoneInfo, hours: tuple[int, ...] = HOURS) -> float:
    """A time of the day, as seconds since 1970."""
    (hour,) = random.choices(range(24), hours)
    at = datetime.combine(day, time(hour), zone)
    return at.timestamp() + random.random() * 3600


def working_after(start: float, seconds: float, zone: ZoneInfo) -> float:
    """The time when somebody who works from Monday to Friday, nine to six, has worked so long after `start`."""
    now = datetime.fromtimestamp(start, zone)
    while True:
        day = now.date()
        opens, closes = datetime.combine(day, OPENS, zone), datetime.combine(day, CLOSES, zone)
        begins = max(now.timestamp(), opens.timestamp())
        if day.weekday() < SATURDAY and begins < closes.timestamp():
            left = closes.timestamp() - begins
            if seconds <= left:
                return begins + seconds
            seconds -= left
        now = datetime.combine(day + timedelta(days=1), time(), zone)
