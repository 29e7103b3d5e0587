"""Delivering a batch: tried again within a budget, one bad row alone refused, and a log never drained into letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from schemas.record import DeadLetter, Frame, Record, encode
from stream_processors.delivery import ENOUGH_FRAMES, Delivery, GaveUp
from stream_processors.processor import Processor, Refused, unreadable
from tests.unit.stream_processors.memory_store import Memory


@dataclass
class Time:
    now: float = 0.0

    async def pause(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Bench:
    """A delivery and everything around it."""

    store: Memory = field(default_factory=Memory)
    time: Time = field(default_factory=Time)
    published: list[Refused] = field(default_factory=list)
    topic_away: bool = False

    def __post_init__(self) -> None:
        self.delivery = Delivery(
            Processor(self.store),
            self.publish,
            retry_seconds=10,
            undecodable_ratio=0.5,
            clock=lambda: self.time.now,
            pause=self.time.pause,
        )

    async def publish(self, refused: Sequence[Refused]) -> None:
        if self.topic_away:
            raise ConnectionError("no broker")
        self.published += refused

    def message_ids(self) -> list[str]:
        return [row[6] for row in self.store.rows["events"]]


def record(number: int) -> Record:
    return Record(
        tenant="t",
        source="native",
        event_id=f"00000000-0000-4000-8000-{number:012}",
        message_id=f"m{number}",
        name="page_viewed",
        raw_name="page_viewed",
        time=1_000,
        received_at=1_000,
        hash=number,
    )


def frame(*numbers: int) -> Frame:
    return Frame(1_000, [encode(record(number)) for number in numbers], [], "events", 1, 7)


async def test_an_outage_shorter_than_the_budget_costs_only_time() -> None:
    bench = Bench(Memory(outages=4))
    await bench.delivery.deliver([frame(1, 2)])
    assert bench.message_ids() == ["m1", "m2"]
    assert (bench.delivery.events, bench.delivery.retries, bench.published) == (2, 4, [])
    assert 0 < bench.time.now < 10


async def test_an_outage_longer_than_the_budget_gives_up_and_makes_no_dead_letters() -> None:
    bench = Bench(Memory(outages=1_000))
    with pytest.raises(GaveUp, match="storing did not work in 10 s"):
        await bench.delivery.deliver([frame(1)])
    assert bench.time.now <= 10
    assert (bench.published, bench.store.rows, bench.delivery.events) == ([], {}, 0)


async def test_who_is_told_to_stop_does_not_wait_for_the_budget() -> None:
    bench = Bench(Memory(outages=1_000))
    bench.delivery.stopping = True
    with pytest.raises(GaveUp):
        await bench.delivery.deliver([frame(1)])
    assert bench.time.now == 0


async def test_a_row_that_is_refused_for_ever_takes_no_other_with_it() -> None:
    bench = Bench(Memory(poison="m3"))
    await bench.delivery.deliver([frame(1, 2, 3), frame(4, 5)])
    assert bench.message_ids() == ["m1", "m2", "m4", "m5"]
    (refused,) = bench.published
    assert (refused.letter.reason, refused.letter.message_id) == ("unstorable_record", "m3")
    assert refused.original == encode(record(3))
    assert bench.delivery.dead_letters == {"unstorable_record": 1}


async def test_a_store_that_refuses_everything_is_not_believed() -> None:
    bench = Bench(Memory(refuses=True))
    with pytest.raises(GaveUp):
        await bench.delivery.deliver([frame(number) for number in range(ENOUGH_FRAMES)])
    assert bench.published == []


async def test_dead_letters_go_to_the_table_and_to_the_topic_with_their_bytes() -> None:
    bench = Bench()
    letter = DeadLetter("t", "native", 1_000, "invalid_property", "price", payload='{"event":"x"}')
    whole = unreadable(Frame(5, [], [], "events", 2, 8), b"\xff\xfe", "no frame")
    await bench.delivery.deliver([Frame(1_000, [b"{"], [encode(letter)], "events", 1, 7)], [whole])
    told = {(each.letter.reason, each.letter.partition, each.letter.index, each.original) for each in bench.published}
    assert told == {
        ("undecodable_record", 2, 0, b"\xff\xfe"),
        ("undecodable_record", 1, 0, b"{"),
        ("invalid_property", 1, 1, b'{"event":"x"}'),
    }
    assert len(bench.store.rows["dead_letters"]) == 3


async def test_dead_letters_that_the_topic_does_not_take_are_tried_again_and_then_given_up() -> None:
    bench = Bench(topic_away=True)
    with pytest.raises(GaveUp, match="publishing"):
        await bench.delivery.deliver([Frame(1_000, [b"{"])])


async def test_when_most_frames_cannot_be_read_nothing_is_stored_or_told() -> None:
    bench = Bench()
    bad = Frame(1_000, [b"{"] * 3)
    with pytest.raises(GaveUp, match="more than SOJOURN_UNDECODABLE_RATIO"):
        await bench.delivery.deliver([bad] * ENOUGH_FRAMES + [frame(1)])
    assert (bench.store.rows, bench.published) == ({}, [])


async def test_frames_of_another_version_count_too() -> None:
    bench = Bench()
    other = unreadable(Frame(5), b"line", "format 2")
    with pytest.raises(GaveUp):
        await bench.delivery.deliver([], [other] * ENOUGH_FRAMES)
    assert bench.published == []


async def test_a_producer_that_spoils_every_frame_and_fills_one_never_stops_a_worker() -> None:
    bench = Bench()
    spoiled = [Frame(1_000, [*frame(number, number + 100).records, b"{", b"}"]) for number in range(ENOUGH_FRAMES)]
    await bench.delivery.deliver([*spoiled, Frame(1_000, [b"{"] * 5_000)])
    assert bench.delivery.dead_letters == {"undecodable_record": 5_000 + 2 * ENOUGH_FRAMES}
    assert bench.delivery.events == 2 * ENOUGH_FRAMES


async def test_what_ingest_refused_does_not_count_against_the_ratio() -> None:
    bench = Bench()
    letter = encode(DeadLetter("t", "native", 1_000, "unknown_event", "", payload="{}"))
    await bench.delivery.deliver([Frame(1_000, [], [letter])] * ENOUGH_FRAMES)
    assert bench.delivery.dead_letters == {"unknown_event": ENOUGH_FRAMES}
