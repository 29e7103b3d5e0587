"""The demo's world: a pure function of seed, zone and calendar, whose rhythm and stories are in its events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from deploy.demo.history import SPILL_DAYS, History, Live
from deploy.demo.journey import Event
from deploy.demo.rhythm import working_after
from deploy.demo.visits import is_release
from deploy.demo.world import World
from ingest.accept import accept

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 16)
WEEK = [MONDAY + timedelta(days=number) for number in range(7)]


def shop(seed: int = 1, members: int = 300, first: date = MONDAY) -> History:
    return History(World(seed, BERLIN, members), first)


def names(events: Iterable[Event]) -> Counter[str]:
    return Counter(event.item["event"] for event in events)


def test_the_same_seed_is_the_same_world_in_whatever_order_its_days_are_asked_for() -> None:
    forward, backward = shop(), shop()
    there = {day: forward.dated(day) for day in WEEK}
    back = {day: backward.dated(day) for day in reversed(WEEK)}
    assert there == back
    assert sum(map(len, there.values())) > 1000


def test_another_seed_is_another_world_and_shares_no_id() -> None:
    first, second = ({event.message_id for event in shop(seed).dated(MONDAY)} for seed in (1, 2))
    assert first
    assert not first & second


def test_the_events_of_a_date_are_of_that_date_in_the_order_of_time_each_with_an_id_of_its_own() -> None:
    history = shop()
    every = [(day, event) for day in WEEK for event in history.dated(day)]
    assert all(datetime.fromtimestamp(event.time / 1000, BERLIN).date() == day for day, event in every)
    assert [event.time for _, event in every] == sorted(event.time for _, event in every)
    assert len({event.message_id for _, event in every}) == len(every)


def test_every_event_is_accepted_as_it_is() -> None:
    history = shop(members=600)
    events = [event for day in WEEK for event in history.dated(day)] + history.before()
    for start in range(0, len(events), 1000):
        body = json.dumps([event.item for event in events[start : start + 1000]]).encode()
        taken = accept(body, tenant="t", received_at=1_795_600_000_000, random_id=lambda: "none")
        assert taken.rejected == []
        assert taken.warnings == []


def test_what_was_before_the_history_are_subscriptions_alone() -> None:
    history = shop(members=1500)
    history.dated(MONDAY)
    told = names(history.before())
    assert told["subscription_renewed"] > 50
    assert set(told) <= {
        *("trial_started", "trial_ended", "subscription_started", "subscription_renewed"),
        *("subscription_cancelled", "payment_failed"),
    }


def test_evenings_are_busier_than_nights_and_sundays_than_thursdays() -> None:
    history = shop(members=2000)
    days = {day: history.dated(day) for day in WEEK}
    hours = Counter(
        datetime.fromtimestamp(event.time / 1000, BERLIN).hour
        for events in days.values()
        for event in events
        if event.item["event"] == "product_viewed"
    )
    assert sum(hours[hour] for hour in (19, 20, 21)) > 10 * sum(hours[hour] for hour in (2, 3, 4))
    assert names(days[WEEK[6]])["page_viewed"] > names(days[WEEK[3]])["page_viewed"]


def test_a_release_is_out_for_two_days_in_eight_weeks() -> None:
    out = [day for number in range(112) if is_release(day := MONDAY + timedelta(days=number))]
    assert [day.strftime("%a") for day in out] == ["Tue", "Wed"] * 2


def test_nobody_works_at_the_weekend() -> None:
    friday = datetime(2026, 11, 20, 17, 30, tzinfo=BERLIN).timestamp()
    done = datetime.fromtimestamp(working_after(friday, 3600, BERLIN), BERLIN)
    assert done == datetime(2026, 11, 23, 9, 30, tzinfo=BERLIN)
    saturday = datetime(2026, 11, 21, 12, tzinfo=BERLIN).timestamp()
    assert datetime.fromtimestamp(working_after(saturday, 0, BERLIN), BERLIN).hour == 9


def test_live_says_each_event_once_when_its_time_has_come_and_goes_on_at_midnight() -> None:
    whole = shop()
    expected = [*whole.dated(MONDAY), *whole.dated(WEEK[1])]
    history = shop()
    noon = datetime(2026, 11, 16, 12, tzinfo=BERLIN).timestamp()
    live = Live(history, MONDAY, [event for event in history.dated(MONDAY) if event.time > noon * 1000])
    said: list[Event] = []
    for hour in range(1, 37):
        said += live.due(noon + 3600 * hour)
    assert said == [event for event in expected if event.time > noon * 1000]


def test_no_journey_ends_later_than_history_looks_for_it() -> None:
    history = shop(members=2000)
    world = history.world
    last = max(world.day_of(event) for journey in world.begun(WEEK[5]) for event in journey.events)
    assert last <= WEEK[5] + timedelta(days=SPILL_DAYS)


def test_a_quiet_hour_is_made_lively_by_a_visit_from_now_on() -> None:
    now = datetime(2026, 11, 16, 3, tzinfo=BERLIN).timestamp()
    world = shop().world
    first, again, second = world.lively(now, 1), world.lively(now, 1), world.lively(now, 2)
    assert first.events == again.events
    assert first.events[0].time == int(now * 1000)
    assert not {event.message_id for event in first.events} & {event.message_id for event in second.events}
