"""The watermark of a worker: never later than what is stored, and not held back by a partition with nothing in it."""

from __future__ import annotations

import pytest

from schemas.record import Frame
from stream_processors.progress import Progress


def frame(partition: int, offset: int, received_at: int) -> Frame:
    return Frame(received_at, [], [], "events", partition, offset)


@pytest.fixture
def progress() -> Progress:
    found = Progress("events")
    found.assigned({0: 0, 1: 5})
    return found


def test_nothing_is_known_until_every_partition_has_been_stored_or_looked_at(progress: Progress) -> None:
    assert progress.counted_to is None
    progress.stored([frame(0, 0, 700)])
    assert progress.counted_to is None
    progress.looked(900, {1: 5}, {})
    assert progress.counted_to == 700


def test_a_partition_read_to_its_end_is_counted_up_to_the_look(progress: Progress) -> None:
    progress.stored([frame(0, 0, 700), frame(0, 1, 710)])
    progress.looked(900, {0: 2, 1: 5}, {})
    assert progress.counted_to == 900


def test_a_partition_with_more_to_read_stays_at_its_last_stored_frame(progress: Progress) -> None:
    progress.stored([frame(0, 0, 700), frame(0, 1, 710)])
    progress.looked(900, {0: 3, 1: 5}, {})
    assert progress.counted_to == 710
    assert progress.behind({0: 3, 1: 5}) == [0]


def test_a_partition_whose_rest_was_deleted_is_not_behind_for_ever(progress: Progress) -> None:
    progress.looked(900, {0: 40, 1: 5}, {0: 40})
    assert progress.counted_to == 900


def test_what_a_partition_knew_is_forgotten_when_it_goes_to_another_worker(progress: Progress) -> None:
    progress.looked(900, {0: 0, 1: 5}, {})
    progress.assigned({1: 5})
    progress.assigned({0: 0, 1: 5})
    assert progress.counted_to is None


def test_an_older_committed_offset_does_not_take_back_what_is_stored(progress: Progress) -> None:
    progress.stored([frame(0, 9, 700)])
    progress.assigned({0: 3, 1: 5})
    assert progress.behind({0: 10, 1: 5}) == []


def test_rows_name_each_partition_and_how_many_there_are(progress: Progress) -> None:
    progress.looked(900, {0: 0, 1: 5}, {})
    assert progress.columns(8) == {
        "topic": ["events", "events"],
        "partition": [0, 1],
        "counted_to": [900, 900],
        "partitions": [8, 8],
    }
    assert Progress("events").columns(8) == {}
