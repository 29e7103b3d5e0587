"""What a body costs that has a key: no item takes more than its bytes do, whatever they are and whether it is counted.

A few kilobytes of gzip hold eight megabytes; while they are read, the event loop stands still for everybody.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterable
from functools import cache

import pytest

from ingest.accept import Accepted, accept
from ingest.body import MAX_INFLATED_BYTES, MAX_ITEMS
from ingest.envelope import is_too_deep
from schemas.limits import LONGEST_ID, MAX_DEPTH, MAX_EVENT_BYTES

SPACE = MAX_EVENT_BYTES - 600
"""Of one item, without what stands around."""


def item(properties: bytes, name: bytes = b"order_completed", others: bytes = b"") -> bytes:
    return b'{"event":"%b","messageId":"m"%b,"properties":{"order_id":"o1",%b}}' % (name, others, properties)


def person(value: bytes) -> bytes:
    return item(b'"total":1', others=b',"userId":"%b"' % value)


PLAIN = item(b'"total":5', others=b',"userId":"u1","timestamp":"2026-11-18T11:00:00Z"')
TEXTS: dict[str, bytes] = {
    "half surrogates": item(b'"a":"' + b"\\ud800" * (SPACE // 6) + b'"'),
    "whole surrogates": item(b'"a":"' + b"\\ud83d\\ude00" * (SPACE // 12) + b'"'),
    "other escapes": item(b'"a":"\\ud800' + b"\\u0041" * (SPACE // 6 - 1) + b'"'),
    "backslashes": item(b'"a":"\\ud800' + b"\\\\" * (SPACE // 2 - 10) + b'"'),
    "unknown fields": item(b'"total":1', others=b',"who":1,"what":2'),
    "an id of many digits": item(b'"cart_id":' + b"9" * 4_299),
    "an id of braces": person(b"{{" * (LONGEST_ID // 2)),
    "an id of brackets": person(b"[a" * (LONGEST_ID // 2)),
    "an id of signs": person(b"%20" * (LONGEST_ID // 3)),
}
VALUES: dict[str, bytes] = {
    "what is no text in a list of texts": item(
        b'"purposes":[' + b"{}," * (SPACE // 3 - 5) + b"{}]", b"visit_purpose_answered"
    ),
    "a long name before a number out of range": item(
        b'"' + b"k" * (SPACE // 2) + b'":[' + b"0," * (SPACE // 4 - 50) + b'0],"z":1e999'
    ),
    "objects side by side": item(b'"products":[' + b"{}," * (SPACE // 3 - 5) + b"{}]"),
    "objects in each other": item(b'"a":[' + (b'[{"":' * 200 + b"0" + b"}]" * 200 + b",") * 40 + b"0]"),
}
"""Twenty thousand values an item, each of which is read."""


def packed(one: bytes) -> bytes:
    """An eighth of what a request may have."""
    return gzip.compress(b"[" + b",".join([one] * min(MAX_ITEMS // 8, MAX_INFLATED_BYTES // 8 // len(one))) + b"]")


def taken(body: bytes) -> Accepted:
    return accept(body, tenant="demo", received_at=1_795_003_200_000, random_id=lambda: "random")


def cost(body: bytes, times: int = 3) -> float:
    """Seconds of the processor, the least of a few."""

    def once() -> float:
        began = time.process_time()
        taken(body)
        return time.process_time() - began

    return min(once() for _ in range(times))


@cache
def of_a_plain_one() -> float:
    return cost(packed(PLAIN), 5)


@pytest.mark.parametrize("heavy", [*TEXTS, *VALUES])
def test_no_item_holds_the_loop_up_for_longer_than_its_bytes(heavy: str) -> None:
    body = packed((TEXTS | VALUES)[heavy])
    assert len(body) < 30_000
    most = 8 if heavy in TEXTS else 16  # up to 4 and 8 times; before, from 12 and from 40 to 250 times
    assert cost(body) < most * of_a_plain_one()


@pytest.mark.parametrize("deep", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 5_000])
def test_depth_is_that_of_brackets_outside_text(deep: int) -> None:
    def nested(parts: Iterable[str]) -> bytes:
        before = list(parts)
        return ("".join(before) + "0" + "".join("]" if each == "[" else "}" for each in reversed(before))).encode()

    for inner in ("[", '{"a":', '{"]}\\"]":'):
        whole = nested([inner] * deep)
        assert json.loads(whole) is not None if deep < 900 else True
        assert is_too_deep(b'["[{\\"[{",' + whole + b",[],{}" + b"]") is (deep + 1 > MAX_DEPTH)
    assert not is_too_deep(b"[" + b"[0,{}]," * 5_000 + b"0]")
