"""The shop's whole history as a function of a seed, a time zone and the calendar: no clock, no state that matters.

What begins on a day follows from seed and date alone, so that a demo that is started again plays the same world on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from deploy.demo import helpdesk, people, plus
from deploy.demo.journey import Event, Journey, Person
from deploy.demo.rhythm import DESK_HOURS, OFFICE_HOURS, WEEK, moment
from deploy.demo.visits import Coming, visit

RETURNING_DAYS = 30
"""So long may somebody who came once come back."""
TICKETS, CALLS, CHATS = 0.012, 0.012, 0.003
"""How many begin on a day of middling traffic, for each member."""
TRIAL_CYCLE_DAYS = 430
"""Each member tries the subscription once in so many days: hardly anybody for a second time in the history."""
QUIET_WEEKEND = 0.75
"""People write fewer tickets on Saturday and Sunday."""
BOTS = 0.01
_TOP_ONE = Person("", "crawler", "US", "desktop", "web")


@dataclass(slots=True)
class World:
    """One shop. `scale` is how many members it has; all else follows in proportion."""

    seed: int
    zone: ZoneInfo
    scale: int = people.MEMBERS
    _members: tuple[Person, ...] = field(init=False)
    _newcomers: dict[date, tuple[tuple[Person, bool, str], ...]] = field(init=False, default_factory=dict)
    _subscriptions: dict[date, list[Journey]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._members = people.members(self.seed, self.scale)

    def begun(self, day: date) -> Iterator[Journey]:
        """Every journey that begins on a day, but for subscriptions."""
        yield from self._visits(day)
        yield from self._help(day)

    def subscriptions(self, day: date) -> list[Journey]:
        """The trials that begin on a day, with what becomes of them."""
        if day not in self._subscriptions:
            random = self._random("plus", day)
            begin = self._members[day.toordinal() % TRIAL_CYCLE_DAYS :: TRIAL_CYCLE_DAYS]
            self._subscriptions[day] = [
                plus.subscription(random, self._name(day, "p", number), person, moment(random, day, self.zone))
                for number, person in enumerate(begin)
            ]
        return self._subscriptions[day]

    def lively(self, at: float, number: int) -> Journey:
        """One more visit, from now on: what makes a quiet hour worth watching."""
        day = datetime.fromtimestamp(at, self.zone).date()
        random = self._random(f"lively/{int(at)}/{number}", day)
        name = self._name(day, "x", f"{int(at)}.{number}")
        return visit(random, name, random.choice(self._members), at, day=day, coming=Coming())

    def day_of(self, event: Event) -> date:
        """The date of an event where the shop is."""
        return datetime.fromtimestamp(event.time / 1000, self.zone).date()

    def _visits(self, day: date) -> Iterator[Journey]:
        random, traffic = self._random("visits", day), WEEK[day.weekday()]
        numbers = iter(range(1 << 30))

        def one(person: Person, coming: Coming) -> Journey:
            return visit(
                random,
                self._name(day, "v", next(numbers)),
                person,
                moment(random, day, self.zone),
                day=day,
                coming=coming,
            )

        for person, signs_up, code in self._new(day):
            yield one(person, Coming(signs_up, code, is_new=True))
        for person in self._returning(day):
            if random.random() < person.activity * traffic:
                for _ in range(random.choices((1, 2, 3), (74, 20, 6))[0]):
                    yield one(person, Coming())
        for number in range(_about(random, BOTS * self.scale)):
            journey = Journey(self._name(day, "b", number), _TOP_ONE, moment(random, day, self.zone), bot=True)
            journey.say("page_viewed", 0, path="/")
            yield journey

    def _returning(self, day: date) -> Iterator[Person]:
        yield from self._members
        for ago in range(1, RETURNING_DAYS + 1):
            yield from (person for person, _, _ in self._new(day - timedelta(days=ago)))

    def _new(self, day: date) -> tuple[tuple[Person, bool, str], ...]:
        if day not in self._newcomers:
            count = _about(self._random("new", day), people.NEWCOMERS * self.scale * WEEK[day.weekday()])
            self._newcomers[day] = people.newcomers(self.seed, day, count)
        return self._newcomers[day]

    def _help(self, day: date) -> Iterator[Journey]:
        random, zone = self._random("help", day), self.zone
        weekday = day.weekday()
        for number in range(_about(random, TICKETS * self.scale * (QUIET_WEEKEND if weekday > 4 else 1.0))):
            at, name = moment(random, day, zone, DESK_HOURS), self._name(day, "t", number)
            yield helpdesk.ticket(random, name, random.choice(self._members), at, day=day, zone=zone)
        for number in range(_about(random, CALLS * self.scale * (0.3 if weekday > 4 else 1.0))):
            at, name = moment(random, day, zone, OFFICE_HOURS), self._name(day, "c", number)
            yield helpdesk.call(random, name, random.choice(self._members), at)
        for number in range(_about(random, CHATS * self.scale)):
            at, name = moment(random, day, zone, OFFICE_HOURS), self._name(day, "h", number)
            yield helpdesk.chat(random, name, random.choice(self._members), at)

    def _random(self, what: str, day: date) -> Random:
        return Random(f"{self.seed}/{what}/{day}")

    def _name(self, day: date, kind: str, number: int | str) -> str:
        return f"{self.seed}.{day:%y%m%d}.{kind}{number}"


def _about(random: Random, mean: float) -> int:
    """A whole number near the mean."""
    return max(0, round(random.gauss(mean, mean**0.5 * 0.7)))
