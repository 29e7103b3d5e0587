"""Appends share a record, and each is told of its own frame."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.kafka.open_frame import FRAME_BYTES, Append, OpenFrame, split, wire_size
from schemas.ports import LogUnavailable
from schemas.record import Frame, pack


def append(at: float = 0.0) -> Append:
    return Append(asyncio.get_running_loop().create_future(), at)


def add(frame: OpenFrame, *lines: bytes, at: float = 0.0, received_at: int = 1) -> Append:
    waiting = append(at)
    part = Frame(received_at, list(lines))
    frame.add(part, wire_size(part), waiting)
    return waiting


LINES = st.lists(st.binary(min_size=1, max_size=40), max_size=30)


@given(records=LINES, letters=LINES, limit=st.integers(1, 100))
def test_a_frame_is_cut_between_lines_and_nothing_is_lost(
    records: list[bytes], letters: list[bytes], limit: int
) -> None:
    parts = split(Frame(7, records, letters), limit)
    assert [line for part in parts for line in part.records] == records
    assert [line for part in parts for line in part.dead_letters] == letters
    assert all(wire_size(part) <= limit or len(part.records) + len(part.dead_letters) == 1 for part in parts)
    assert {part.received_at for part in parts} == {7}


async def test_a_record_has_what_waits_up_to_its_limit_and_the_oldest_receipt() -> None:
    frame = OpenFrame()
    for n, received_at in enumerate((5, 3, 4)):
        add(frame, b"%d" % n + b"x" * (FRAME_BYTES // 2 - 10), received_at=received_at)
    assert frame.received_at(9) == 3
    first, second = frame.take(), frame.take()
    assert [batch.frame.received_at for batch in (first, second)] == [3, 4]
    assert [len(batch.pieces) for batch in (first, second)] == [2, 1]
    assert len(pack(first.frame)[0]) <= FRAME_BYTES
    assert not frame
    assert frame.size == 0
    assert frame.received_at(9) == 9


async def test_an_append_in_parts_is_acknowledged_when_the_last_part_is() -> None:
    frame = OpenFrame()
    waiting = add(frame, *(b"x" * 60_000 for _ in range(9)))
    batches = []
    while frame:
        batches.append(frame.take())
    assert len(batches) == 3
    for batch in batches:
        assert not waiting.done.done()
        batch.settle()
    assert waiting.done.result() is None


async def test_an_append_of_which_one_part_failed_has_failed() -> None:
    frame = OpenFrame()
    waiting = add(frame, b"x" * 200_000, b"y" * 200_000)
    first, second = frame.take(), frame.take()
    first.fail("no")
    second.settle()
    with pytest.raises(LogUnavailable, match="no"):
        waiting.done.result()


async def test_what_has_waited_too_long_is_dropped_before_it_left_and_only_told_after() -> None:
    frame = OpenFrame()
    flown, old, young = (add(frame, b"aa", at=at) for at in (1.0, 2.0, 3.0))
    waiting = OpenFrame()
    late = add(waiting, b"aa", at=1.0)
    batch = frame.take()
    assert waiting.expire(1.0, "late") == 3
    assert not waiting
    assert waiting.size == 0
    batch.expire(2.0, "late")
    for failed in (late, flown, old):
        with pytest.raises(LogUnavailable, match="late"):
            failed.done.result()
    batch.settle()
    assert young.done.result() is None


async def test_a_caller_that_left_does_not_disturb() -> None:
    frame = OpenFrame()
    gone, there = add(frame, b"a"), add(frame, b"b")
    gone.done.cancel()
    frame.take().settle()
    assert there.done.result() is None
