"""As many items come out of the log as went in, each alone good or bad, whatever bytes their producers wrote."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.accept import accept
from schemas.record import pack, unpack
from stream_processors.processor import decode

INDENTS = st.sampled_from([None, 0, 1, "\t", "\n", "\r\n", "\n\n  "])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
GOOD = st.fixed_dictionaries(
    {"event": st.sampled_from(["page_viewed", "made_up", "line\nbreak"])},
    optional={
        "messageId": st.text(min_size=1, max_size=20),
        "userId": st.text(max_size=20),
        "properties": st.dictionaries(st.text(), JSON, max_size=4),
        "context": st.dictionaries(st.sampled_from(["page", "library", '{"tenant":']), JSON, max_size=3),
        "traits": st.dictionaries(st.text(), JSON, max_size=3),
    },
)


def written(item: Any, indent: Any) -> bytes:
    if indent == "\r\n":
        return json.dumps(item, indent=1).replace("\n", "\r\n").encode()
    return json.dumps(item, indent=indent).encode()


@given(st.lists(st.tuples(GOOD | JSON, INDENTS), min_size=1, max_size=12))
def test_no_item_is_lost_or_made_between_the_request_and_the_folds(items: list[tuple[Any, Any]]) -> None:
    body = b"[" + b" ,\n".join(written(item, indent) for item, indent in items) + b"]"
    accepted = accept(body, tenant="t", received_at=1_795_000_000_000, random_id=lambda: "r")
    frame = accepted.frame
    assert not any(b"\n" in line for line in (*frame.records, *frame.dead_letters))
    read = unpack(*pack(frame), "events", 0, 0)
    decoded = decode([read])
    assert (len(decoded.records), len(decoded.refused)) == (accepted.accepted, len(accepted.rejected))
    assert accepted.accepted + len(accepted.rejected) == len(items)
    assert [refused.letter.reason for refused in decoded.refused] == [each["code"] for each in accepted.rejected]


@given(st.lists(st.tuples(GOOD, INDENTS), min_size=1, max_size=8), st.integers(0, 7), st.binary(max_size=30))
def test_what_spoils_a_frame_takes_none_of_its_neighbours(
    items: list[tuple[Any, Any]], place: int, junk: bytes
) -> None:
    body = b"[" + b",".join(written(item, indent) for item, indent in items) + b"]"
    accepted = accept(body, tenant="t", received_at=1_795_000_000_000, random_id=lambda: "r")
    value, headers = pack(accepted.frame)
    lines = value.split(b"\n")
    spoiled = b"\n".join([*lines[:place], b'{"tenant":' + junk, *lines[place:]])
    decoded = decode([unpack(spoiled, headers, "events", 0, 0)])
    assert len(decoded.records) == accepted.accepted
    assert {refused.letter.reason for refused in decoded.refused[: -len(accepted.rejected) or None]} == {
        "undecodable_record"
    }
