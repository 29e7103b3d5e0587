"""The search for a write key in the body of a stranger, at a cost that grows with the bytes that came and no faster.

Nothing else is read of a body before its sender is known: not its items, not its lines, not how deep it is. Only an
object can carry a key, so anything else is answered at once; and only if a key of the tenants file stands in it as
text is the body read as everybody's is.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

import msgspec

from ingest.body import KEY_NAMES, UNREADABLE, inflate, is_packed, unwrap

_MOST_CANDIDATES = 16
_LEAST_LIMIT = 64 << 10
_MOST_PACKED = 100
"""Into how many times its size a stranger's body is unpacked; events pack into a tenth to a sixtieth."""
_VALUE = re.compile(rb'[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.){1,1000}")', re.DOTALL)
_word = msgspec.json.Decoder(str).decode


def keyed_text(body: bytes, is_key: Callable[[str], bool]) -> bytes:
    """The unpacked body if a word that `is_key` knows stands where a key may, else nothing. Raises `Problem`."""
    text = inflate(body, max(_LEAST_LIMIT, _MOST_PACKED * len(body)))
    plain = text if is_packed(body) else unwrap(text)  # nobody packs a form
    if plain.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return b""
    return text if any(is_key(word) for word in _candidates(plain)) else b""


def _candidates(text: bytes) -> Iterator[str]:
    """Words that stand under the name of a key, wherever in the text."""
    for name in (f'"{name}"'.encode() for name in KEY_NAMES):
        at = -1
        for _ in range(_MOST_CANDIDATES):
            at = text.find(name, at + 1)
            if at < 0:
                break
            if found := _VALUE.match(text, at + len(name)):
                with contextlib.suppress(*UNREADABLE):
                    yield _word(found[1])
