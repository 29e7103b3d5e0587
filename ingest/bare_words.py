"""Bare words in JSON, such as NaN: no JSON at all, but what Python, Ruby and templates write for a missing number.

One of them makes a whole body unreadable. So they are hidden while the body is parted, and shown again in the item that
holds them: it alone is refused, and the refusal names the property. The same for numbers that nothing can hold.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

_HIDDEN = "\x01bare "
_SHOWN = re.compile(rb'"\\u0001bare ([^"]+)"')
_TOKENS = re.compile(
    rb'"(?:[^"\\]+|\\.)*"?|(?<![\w.])(?:(-?[A-Za-z_$][\w$]*)|(-?\d[\d.]*(?:[eE][+-]?\d+|(?<=[\d.]{300}))))', re.DOTALL
)
"""Text, words, and the numbers that may be out of range: those with an exponent or many digits."""
_WORDS = frozenset((b"true", b"false", b"null"))
_decode = msgspec.json.Decoder().decode


def hide(text: bytes, *, numbers: bool = False) -> bytes | None:
    """The text with its bare words (and numbers that are out of range) as marked text; None if it has none."""
    hidden = _TOKENS.sub(lambda found: _hidden(found, numbers), text)
    return None if hidden == text else hidden


def _hidden(found: re.Match[bytes], numbers: bool) -> bytes:
    word, number = found[1], found[2]
    if (word and word not in _WORDS) or (number and numbers and not math.isfinite(float(number))):
        return b'"\\u0001bare ' + found[0] + b'"'
    return found[0]


def show(item: bytes) -> bytes:
    """An item that was parted with its words hidden, as its producer wrote it."""
    return _SHOWN.sub(rb"\1", item)


def find(text: bytes) -> tuple[str, str] | None:
    """Where in an object or a list the first bare word or number out of range stands, and what it is."""
    try:
        hidden = hide(text, numbers=True)
        return None if hidden is None else _found(_decode(hidden), ())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return None


def _found(value: Any, path: tuple[Any, ...]) -> tuple[str, str] | None:
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(member, str) and member.startswith(_HIDDEN):
            return ".".join(map(str, (*path, key))), member.removeprefix(_HIDDEN)
        if isinstance(member, (dict, list)) and (found := _found(member, (*path, key))):
            return found
    return None
