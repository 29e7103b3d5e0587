"""A frame that was packed is the same frame again, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.record import Frame, UnreadableFrame, pack, unpack

LINES = st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line))


@given(LINES, LINES, st.integers(0, 2**50))
def test_a_frame_comes_out_of_the_log_as_it_went_in(records: list[bytes], letters: list[bytes], at: int) -> None:
    packed = pack(Frame(at, records, letters))
    assert unpack(*packed, "t", 3, 9) == Frame(at, records, letters, "t", 3, 9)


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        (b"a\nb", {"n": b"1"}),
        (b"a\nb", {"n": b"3", "d": b"-1"}),
        (b"a\nb", {"n": b"x"}),
        (b"a\nb", {"v": b"2"}),
        (b"", {}),
    ],
)
def test_what_is_no_frame_is_said_to_be_none(value: bytes, changed: dict[str, bytes]) -> None:
    headers = {"v": b"1", "n": b"2", "d": b"0", "t": b"7"} | changed
    with pytest.raises(UnreadableFrame):
        unpack(value, list(headers.items()), "t", 0, 0)
    with pytest.raises(UnreadableFrame):
        unpack(b"a", [], "t", 0, 0)
