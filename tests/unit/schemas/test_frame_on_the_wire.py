"""A frame that was packed is the same frame again, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.record import DeadLetter, Frame, UnreadableFrame, encode, pack, unpack

LINES = st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line))


@given(LINES, LINES, st.integers(0, 2**50))
def test_a_frame_comes_out_of_the_log_as_it_went_in(records: list[bytes], letters: list[bytes], at: int) -> None:
    packed = pack(Frame(at, records, letters))
    assert unpack(*packed, "t", 3, 9) == Frame(at, records, letters, "t", 3, 9)


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        (b"a\nb", {"n": b"x"}),
        (b"a\nb", {"v": b"2"}),
    ],
)
def test_what_is_no_frame_is_said_to_be_none(value: bytes, changed: dict[str, bytes]) -> None:
    headers = {"v": b"1", "n": b"2", "d": b"0", "t": b"7"} | changed
    with pytest.raises(UnreadableFrame):
        unpack(value, list(headers.items()), "t", 0, 0)
    with pytest.raises(UnreadableFrame):
        unpack(b"a", [], "t", 0, 0)


@pytest.mark.parametrize("counts", [{"n": b"1"}, {"n": b"3", "d": b"-1"}, {"n": b"2", "d": b"2"}])
def test_a_count_that_is_off_costs_no_line(counts: dict[str, bytes]) -> None:
    letter = encode(DeadLetter("t", "native", 7, "invalid_property", ""))
    headers = {"v": b"1", "n": b"2", "d": b"1", "t": b"7"} | counts
    good, indented, broken = b'{"tenant":"t","source":"s"}', b'{"tenant":"t",\n "source":"s"}', b'{"tenant":\nno'
    value = b"\n".join([good, indented, letter, broken, good])
    frame = unpack(value, list(headers.items()), "t", 0, 0)
    assert (frame.records, frame.dead_letters) == ([good, indented, broken, good], [letter])
