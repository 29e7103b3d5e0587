"""Every way in which a body may be written, and the limits on it."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.body import MAX_INFLATED_BYTES, MAX_ITEMS, MAX_WIRE_BYTES, inflate, part, repaired, unwrap
from schemas.errors import Problem

ONE = b'{"event":"a"}'
TWO = b'{"event":"b"}'


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (ONE, [ONE]),
        (b" \n" + ONE + b"\n", [ONE]),
        (b"\xef\xbb\xbf" + ONE, [ONE]),
        (b"[" + ONE + b"," + TWO + b"]", [ONE, TWO]),
        (b'{"events":[' + ONE + b"," + TWO + b"]}", [ONE, TWO]),
        (ONE + b"\n" + TWO, [ONE, TWO]),
        (ONE + b"\r\n\r\n" + TWO + b"\r\n", [ONE, TWO]),
        (b"data=" + urllib.parse.quote(ONE).encode(), [ONE]),
        (b"data=" + urllib.parse.quote(base64.b64encode(b"[" + ONE + b"]")).encode() + b"&ip=0", [ONE]),
        (base64.b64encode(ONE), [ONE]),
        (b"[]", []),
    ],
)
def test_a_body_is_parted_by_what_is_in_it(body: bytes, items: list[bytes]) -> None:
    assert part(body, "events").items == items


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"null", b'"x"', b"12", b'{"event":', b"[1,", b'{"events":{}}', b"\xff\xfe"]
)
def test_a_body_that_cannot_be_parted_is_malformed(body: bytes) -> None:
    with pytest.raises(Problem) as problem:
        part(body, "events")
    assert (problem.value.code, problem.value.status) == ("malformed_body", 400)


def test_a_broken_line_is_a_broken_item() -> None:
    assert part(ONE + b"\n{broken\n" + TWO, "events").items == [ONE, b"{broken", TWO]


def test_an_item_nested_thousands_of_levels_leaves_its_neighbours_readable() -> None:
    deep = b'{"x":' * 3000 + b"1" + b"}" * 3000
    first, cut, last = part(b"[" + ONE + b"," + deep + b"," + TWO + b"]", "events").items
    assert (first, last) == (ONE, TWO)
    assert len(cut) < len(deep)


def test_what_stands_beside_the_list_is_read() -> None:
    parted = part(b'{"batch":[],"sentAt":"2026-11-18T09:58:00Z","writeKey":"wk"}', "batch")
    assert (parted.sent_at, parted.write_key) == ("2026-11-18T09:58:00Z", "wk")


def test_gzip_is_known_by_its_first_bytes_also_in_several_members() -> None:
    assert inflate(gzip.compress(b"[" + ONE) + gzip.compress(b"]")) == b"[" + ONE + b"]"


@pytest.mark.parametrize("broken", [gzip.compress(ONE, mtime=0)[:-9], b"\x1f\x8b\x00\x00nonsense", b"\x1f\x8b"])
def test_broken_gzip_is_malformed(broken: bytes) -> None:
    with pytest.raises(Problem) as problem:
        inflate(broken)
    assert problem.value.code == "malformed_body"


def test_limits_on_bytes_and_items() -> None:
    inflate(b" " * MAX_WIRE_BYTES)
    inflate(gzip.compress(b" " * MAX_INFLATED_BYTES))
    part(b"[" + b",".join([b"1"] * MAX_ITEMS) + b"]", "events")
    for too_large in (
        lambda: inflate(b" " * (MAX_WIRE_BYTES + 1)),
        lambda: inflate(gzip.compress(b" " * (MAX_INFLATED_BYTES + 1))),
        lambda: part(b"[" + b",".join([b"1"] * (MAX_ITEMS + 1)) + b"]", "events"),
        lambda: part(b"\n".join([ONE] * (MAX_ITEMS + 1)), "events"),
    ):
        with pytest.raises(Problem) as problem:
            too_large()
        assert (problem.value.code, problem.value.status) == ("body_too_large", 413)


def test_half_surrogates_are_repaired_and_whole_ones_and_backslashes_stay() -> None:
    kept = rb'{"a":"\ud83d\ude00 \\ud800 \n\u00e9"}'
    assert repaired(kept) == kept
    assert json.loads(repaired(rb'{"a":"\ud800 \udc00\ud83d\ude00"}')) == {"a": "\ufffd \ufffd\U0001f600"}


PIECES = ["\\\\", "\\n", '\\"', "\\ud83d", "\\uDE00", "\\u00e9", "ud83d", "ude00", "x", "\xe9"]
"""Escapes of texts and what may be taken for one."""


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_a_repaired_text_is_the_text_with_signs_for_its_halves(pieces: list[str]) -> None:
    told = '"' + "".join(pieces) + '"'
    whole = re.sub("[\ud800-\udfff]", "\ufffd", json.loads(told))
    assert json.loads(repaired(told.encode())) == whole


def test_parting_stops_at_the_first_item_too_many() -> None:
    for body in (b"[" + b"0," * 3_900_000 + b"0]", b"{\n" + b"{}\n" * 2_500_000, b"{}\n" + b"0\n" * 3_900_000):
        began = time.process_time()
        with pytest.raises(Problem) as problem:
            part(body, "events")
        assert problem.value.code == "body_too_large"
        assert time.process_time() - began < 0.3  # 0.03 s; to build all of them takes seconds


def test_lines_of_which_the_first_hundred_are_no_objects_are_not_looked_through() -> None:
    assert part(b"{x\n" * 99 + b"{}", "events").items[-1] == b"{}"
    with pytest.raises(Problem) as problem:
        part(b"{x\n" * 100 + b"{}", "events")
    assert problem.value.code == "malformed_body"


def test_a_long_list_is_parted_as_a_short_one() -> None:
    for count in (1, MAX_ITEMS - 1, MAX_ITEMS):
        items = [b'{"event":"%s"}' % (b"x" * 200 if count > 1 else b"x" * 200_000)] * count
        assert part(b" [" + b" , ".join(items) + b"]", "events").items == items
        assert part(b'{"events":[' + b",".join(items) + b"]}", "events").items == items


def test_many_members_of_gzip_cost_what_their_bytes_cost() -> None:
    packed = gzip.compress(b" " * 10)
    assert inflate(packed * 1_000) == b" " * 10_000
    began = time.process_time()
    with pytest.raises(Problem):
        inflate(gzip.compress(b"") * 45_000)
    assert time.process_time() - began < 0.3


@pytest.mark.parametrize("text", ["50% off", "%zz", "%", "a%2", "=41=", "%3D41", "x\r\ny =\n", "ä%E4%", "%%41", "a+b"])
def test_a_form_is_decoded_as_the_standard_library_does(text: str) -> None:
    item = json.dumps({"event": text}, ensure_ascii=False).encode()
    for sent in (item, urllib.parse.quote_plus(item).encode()):
        expected = urllib.parse.unquote_to_bytes(sent.replace(b"+", b" "))
        assert unwrap(b"data=" + sent) == expected.strip()
