"""`sojourn demo`: fills an installation, newest day first, and goes on with live traffic until it is told to stop.

What is loaded stands in the store itself: each finished date is marked by an event of its own, `demo_loaded`. A demo
that is started again sends only dates without one, and today's anew: same ids, so nothing counts twice.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from deploy.demo.history import ONE_DAY, History, Live
from deploy.demo.journey import Event, instant
from deploy.demo.options import Wish
from deploy.demo.progress import Progress
from deploy.demo.sender import Sender
from deploy.demo.world import World
from deploy.refusal import CannotStart

MARKER = "demo_loaded"
BEGUN = "begun"
USUAL_RATE = 2.0
EXTRA_EVENTS = 1000
"""Unless a rate is asked for, extra visits make the first minutes worth watching and then cease: a quarter of a day."""
TICK_SECONDS = 1.0
LOOKS_BACK = timedelta(days=3600)
"""How far back other events are looked for; a question reaches over ten years at most."""


@dataclass(slots=True)
class Demo:
    """One run against one installation."""

    sender: Sender
    wish: Wish
    clock: Callable[[], float] = time.time
    out: TextIO = field(default_factory=lambda: sys.stdout)
    _extra: float = field(init=False, default=EXTRA_EVENTS)
    _owed: float = field(init=False, default=0.0)
    _ticked: float = field(init=False, default=0.0)
    _visits: int = field(init=False, default=0)

    def run(self) -> None:
        """Until told to stop, or with `once` until all is loaded. Raises `Stopped`, `CannotStart`, `OSError`."""
        zone = ZoneInfo(self.sender.ask("/v1/metrics/event_count", window="PT1H")["window"]["tz"])
        now = self._ticked = self.clock()
        today = datetime.fromtimestamp(now, zone).date()
        first = today - timedelta(days=self.wish.days - 1)
        loaded = self._loaded(today)
        history = History(World(self.wish.seed, zone, self.wish.members), first)
        of_today = history.dated(today)
        live = Live(history, today, [event for event in of_today if event.time > now * 1000])
        past = [event for event in of_today if event.time <= now * 1000]
        self._finish([self._mark(BEGUN, first, zone), *past])
        self._say(f"demo: today is loaded, {self.sender.sent:,} events; numbers move from now on")
        self._back_fill(history, live, loaded)
        self._summary()
        while not self.wish.once and not self.sender.stop.wait(TICK_SECONDS):
            was = live.day
            self._tick(live)
            if live.day > was:
                self._finish([self._mark(f"{was}", was, zone)])

    def _loaded(self, today: date) -> set[str]:
        """The dates that are loaded. Raises `CannotStart` where the tenant has events that are not the demo's."""
        as_of = instant(round((self.clock() + ONE_DAY.total_seconds()) * 1000))  # also what came this very second
        span = {"from": f"{today - LOOKS_BACK}", "to": f"{today + ONE_DAY}", "at": as_of}
        rows = self.sender.ask("/v1/metrics/event_count/explain", **span, filter=f"event:eq:{MARKER}", limit="1000")[
            "rows"
        ]
        prefix = f"demo-{self.wish.seed}.{MARKER}-"
        found = {each.removeprefix(prefix) for row in rows for each in row["message_ids"]}
        if found and BEGUN not in found:
            raise CannotStart(f"the tenant has the demo of another seed than {self.wish.seed}; one is enough")
        if not found and not self.wish.force:
            count = self.sender.ask("/v1/metrics/event_count", **span)["value"]
            if count:
                raise CannotStart(
                    f"the tenant has {count:,.0f} events of its own, which made-up ones would spoil: not filled "
                    "(--force fills it all the same)"
                )
        return found

    def _back_fill(self, history: History, live: Live, loaded: set[str]) -> None:
        """From yesterday back to the first date; live traffic goes on meanwhile."""
        zone, yesterday = history.world.zone, live.day - ONE_DAY
        missing = [day for day in _backwards(yesterday, history.first) if f"{day}" not in loaded]
        if not missing:
            self._say("demo: the history was loaded before")
            return
        progress = Progress(len(missing), self.out, time.monotonic)
        marks: list[Event] = []
        under_way: list[Future[int]] = []
        for done, day in enumerate(missing):
            sending = self.sender.send(marks + history.dated(day))
            self.sender.finish(under_way)  # the day before is sent while this one is made, and marked with the next
            marks, under_way = [self._mark(f"{missing[done - 1]}", missing[done - 1], zone)] if done else [], sending
            progress.show(done, self.sender.sent)
            self._tick(live)
        self.sender.finish(under_way)
        self._finish([*marks, self._mark(f"{missing[-1]}", missing[-1], zone), *history.before()])
        progress.show(len(missing), self.sender.sent)

    def _tick(self, live: Live) -> None:
        """Send what has happened since the last time, and let somebody more come if that was little."""
        now = self.clock()
        if now - self._ticked < TICK_SECONDS:
            return
        events = live.due(now)
        rate = USUAL_RATE if self.wish.rate is None else self.wish.rate
        self._owed = min(self._owed + rate * (now - self._ticked) - len(events), 10 * rate)
        self._ticked = now
        while not self.wish.once and self._owed >= rate and self._owed > 1 and self._extra > 0:
            self._visits += 1
            journey = live.history.world.lively(now, self._visits)
            live.add(journey)
            self._owed -= len(journey.events)
            if self.wish.rate is None:
                self._extra -= len(journey.events)
        self._finish(events + live.due(now))

    def _finish(self, events: list[Event]) -> None:
        if events:
            self.sender.finish(self.sender.send(events))

    def _mark(self, what: str, day: date, zone: ZoneInfo) -> Event:
        noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp() * 1000)
        message_id = f"demo-{self.wish.seed}.{MARKER}-{what}"
        item: dict[str, Any] = {"event": MARKER, "messageId": message_id, "timestamp": instant(noon)}
        return Event(noon, message_id, item)

    def _summary(self) -> None:
        target, refused = self.sender.target, self.sender.rejected
        # Without the token: what is printed here ends in logs, and `sojourn keys` prints a link that opens it.
        self._say(f"demo: {self.sender.sent:,} events sent; page: {target.query_url}/ (sojourn keys prints its link)")
        if refused:
            self._say(f"demo: {len(refused):,} events were refused, the first because of {refused[0]}")

    def _say(self, text: str) -> None:
        print(text, file=self.out, flush=True)


def _backwards(last: date, first: date) -> list[date]:
    return [last - timedelta(days=ago) for ago in range((last - first).days + 1)]
