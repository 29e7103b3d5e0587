"""The events of a world by date, in whichever order the dates are asked for, and what happens from a moment on.

The events of a date come from the journeys that began on it or up to `SPILL_DAYS` before, and from subscriptions, which
are a year older than the history at most.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from deploy.demo.journey import Event, Journey
from deploy.demo.plus import LONGEST_DAYS
from deploy.demo.world import World

SPILL_DAYS = 14
"""So many days after its beginning a journey ends: what would come later is left out."""
ONE_DAY = timedelta(days=1)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


@dataclass(slots=True)
class History:
    """The events of each date, of journeys that began on `first` or later. Each date can be taken once."""

    world: World
    first: date
    _begun: set[date] = field(init=False, default_factory=set)
    _subscribed: set[date] = field(init=False, default_factory=set)
    _by_date: defaultdict[date, list[Event]] = field(init=False, default_factory=lambda: defaultdict(list))

    def dated(self, day: date) -> list[Event]:
        """All events of a date in the order of time."""
        for earlier in _days(self.first - timedelta(days=LONGEST_DAYS), day):
            if earlier not in self._subscribed:
                self._subscribed.add(earlier)
                self._keep(self.world.subscriptions(earlier), date.max)
        for earlier in _days(max(self.first, day - timedelta(days=SPILL_DAYS)), day):
            if earlier not in self._begun:
                self._begun.add(earlier)
                self._keep(self.world.begun(earlier), earlier + timedelta(days=SPILL_DAYS))
        return sorted(self._by_date.pop(day, []), key=lambda event: (event.time, event.message_id))

    def before(self) -> list[Event]:
        """What was before the first date: the subscriptions that were running then. After any of the dates."""
        return [event for day in sorted(self._by_date) if day < self.first for event in self._by_date.pop(day)]

    def _keep(self, journeys: Iterable[Journey], last: date) -> None:
        for journey in journeys:
            for event in journey.events:
                day = self.world.day_of(event)
                if day <= last:
                    self._by_date[day].append(event)


@dataclass(slots=True)
class Live:
    """What happens after what was loaded of `day`, in the order of time; `waiting` is the rest of that day."""

    history: History
    day: date
    waiting: list[Event]

    def __post_init__(self) -> None:
        heapq.heapify(self.waiting)

    def due(self, now: float) -> list[Event]:
        """What has happened up to `now` since this was last asked."""
        today = datetime.fromtimestamp(now, self.history.world.zone).date()
        while self.day < today:
            self.day += ONE_DAY
            self._push(self.history.dated(self.day))
        due = []
        while self.waiting and self.waiting[0].time <= now * 1000:
            due.append(heapq.heappop(self.waiting))
        return due

    def add(self, journey: Journey) -> None:
        """One more journey."""
        self._push(journey.events)

    def _push(self, events: Iterable[Event]) -> None:
        for event in events:
            heapq.heappush(self.waiting, event)
