"""A look follows soon after a glance that gives cause, and reading every part is rare."""

from __future__ import annotations

from deploy.looking import LOOK_SECONDS, MOST_SECONDS, Cause, Causes
from schemas.damage import Part

PARTS = {"orders": [Part("all_1_1_0", "all", 1, 1, 5), Part("all_2_2_0", "all", 2, 2, 5)]}
FEWER = {"orders": PARTS["orders"][:1]}


def glanced(errors: int = 0) -> Causes:
    """After a first glance and the look that it led to."""
    causes = Causes()
    assert causes.of(PARTS, errors, 0.0) is Cause.PARTS
    causes.looked(0.0)
    assert causes.of(PARTS, errors, 1.0) is Cause.NONE
    return causes


def test_without_cause_there_is_a_look_a_minute() -> None:
    causes = glanced()
    assert [causes.of(PARTS, 0, at) for at in (4.0, LOOK_SECONDS - 1)] == [Cause.NONE] * 2
    assert causes.of(PARTS, 0, LOOK_SECONDS) is Cause.PARTS


def test_a_part_that_is_gone_is_cause_for_a_look_once() -> None:
    causes = glanced()
    assert causes.of(FEWER, 0, 4.0) is Cause.PARTS
    causes.looked(4.0)
    assert causes.of(FEWER, 0, 8.0) is Cause.NONE
    assert glanced().of({}, 0, 4.0) is Cause.PARTS


def test_a_merge_a_write_and_what_a_writer_goes_on_without_are_no_cause() -> None:
    causes = glanced()
    merged = {"orders": [Part("all_1_2_1", "all", 1, 2, 10), Part("all_3_3_0", "all", 3, 3, 1)]}
    assert causes.of(merged, 0, 4.0) is Cause.NONE
    assert causes.of({**merged, "marks": PARTS["orders"]}, 0, 8.0) is Cause.NONE
    assert causes.of(merged, 0, 12.0) is Cause.NONE


def test_new_errors_are_cause_to_read_every_part_and_old_ones_are_not() -> None:
    causes = glanced(errors=7)
    assert causes.of(PARTS, 7, 4.0) is Cause.NONE
    assert causes.of(PARTS, 8, 8.0) is Cause.BYTES


def test_a_server_that_was_started_again_counts_its_errors_from_the_beginning() -> None:
    causes = glanced(errors=7)
    assert causes.of(PARTS, 0, 4.0) is Cause.NONE
    assert causes.of(PARTS, 7, 8.0) is Cause.BYTES
    assert glanced(errors=7).of(PARTS, 2, 4.0) is Cause.BYTES


def test_every_part_is_read_at_most_once_a_minute_even_if_that_fails() -> None:
    causes = glanced()
    assert causes.of(PARTS, 1, 4.0) is Cause.BYTES
    causes.begins_deep(4.0)
    assert causes.of(PARTS, 2, 8.0) is Cause.NONE
    assert causes.of(PARTS, 2, 4.0 + LOOK_SECONDS) is Cause.BYTES


def test_every_part_is_read_less_often_while_that_finds_nothing_new() -> None:
    causes, at, waits = glanced(), 0.0, []
    for errors in range(1, 10):
        began, at = at, at + 1.0
        while causes.of(PARTS, errors, at) is not Cause.BYTES:
            causes.looked(at)
            at += 1.0
        waits.append(at - began)
        causes.begins_deep(at)
        causes.ended_deep(errors, found=False)
    assert waits == [1.0, *(min(LOOK_SECONDS * 2**n, MOST_SECONDS) for n in range(1, 9))]
    causes.ended_deep(9, found=True)
    assert causes.of(PARTS, 10, at + LOOK_SECONDS) is Cause.BYTES


def test_the_errors_of_reading_every_part_are_known() -> None:
    causes = glanced()
    causes.begins_deep(4.0)
    causes.ended_deep(3, found=True)
    assert causes.of(PARTS, 3, 4.0 + LOOK_SECONDS) is not Cause.BYTES
