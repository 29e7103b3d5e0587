"""What a table had must be covered by what it has; else rows are lost, whatever the engine says."""

from __future__ import annotations

from schemas.damage import Damage, Part, missing


def part(low: int, high: int, rows: int = 10, name: str = "") -> Part:
    return Part(name or f"all_{low}_{high}", "all", low, high, rows)


GONE, ASIDE = "is gone", "cannot be read: the engine has set it aside"


def lost(before: list[Part], now: list[Part]) -> list[Part]:
    found = missing(before, now, [], ())
    assert {reason for _, reason in found} <= {GONE}
    return [each for each, _ in found]


def test_parts_that_were_merged_into_larger_ones_are_not_lost() -> None:
    assert lost([part(1, 1), part(2, 2), part(3, 3)], [part(1, 3, 25), part(4, 4)]) == []


def test_a_part_whose_blocks_are_nowhere_is_lost() -> None:
    assert lost([part(1, 3), part(4, 4)], [part(4, 4)]) == [part(1, 3)]
    assert lost([part(1, 3), part(4, 4)], [part(1, 3)]) == [part(4, 4)]


def test_a_part_is_lost_if_only_some_of_what_was_merged_into_it_is_left() -> None:
    assert lost([part(1, 3, 30)], [part(1, 1, 10), part(3, 3, 10)]) == [part(1, 3, 30)]


def test_the_engine_may_fall_back_on_what_was_merged_into_a_part_though_a_block_number_was_never_used() -> None:
    assert lost([part(1, 4, 30)], [part(1, 1, 10), part(2, 2, 10), part(4, 4, 12)]) == []


def test_other_partitions_and_empty_parts_prove_nothing() -> None:
    assert lost([part(1, 1)], [part(1, 1)._replace(partition="other")]) == [part(1, 1)]
    assert lost([part(1, 1, 0)], []) == []


BROKEN = part(1, 3, 0, "broken-on-start_all_1_3")


def test_what_was_set_aside_is_named_as_that_with_what_was_known_of_it() -> None:
    before = [part(1, 3, 30)._replace(first=5, last=7), part(4, 4)]
    assert missing(before, [part(4, 4)], [BROKEN], ()) == [(before[0]._replace(name=BROKEN.name), ASIDE)]


def test_what_was_set_aside_and_is_covered_is_not_lost() -> None:
    assert missing([], [part(1, 5, 50)], [BROKEN], ()) == []
    assert missing([part(1, 3, 30)], [part(1, 2, 20), part(3, 3, 10)], [BROKEN], ()) == []
    assert missing([], [part(1, 2, 20)], [BROKEN], ()) == [(BROKEN, ASIDE)]


def test_what_was_noticed_once_is_not_again_and_hides_no_later_loss() -> None:
    assert missing([part(4, 6)], [part(4, 6)], [BROKEN], {BROKEN.name}) == []
    assert missing([part(1, 6)], [], [BROKEN], {BROKEN.name}) == [(part(1, 6), GONE)]


def test_a_loss_touches_the_questions_about_its_time_and_all_if_that_is_unknown() -> None:
    damage = Damage("events", "p", 1, "is gone", 10, first=100, last=200)
    assert [damage.touches(*span) for span in ((0, 100), (0, 101), (200, 300), (201, 300))] == [
        False, True, True, False,
    ]  # fmt: skip
    assert Damage("events", "p", 1, "is gone").touches(0, 1)
