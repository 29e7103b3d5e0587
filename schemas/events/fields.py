"""How a field is read from properties that producers wrote: one reading, used when an event is accepted and when it is
folded, so that both always see the same value.

A field is found in its snake_case or camelCase spelling or under another name that producers give it (GA4's, the
British spelling); the first that holds something counts. Null and empty text are absent, ids that are numbers become
text, and ids that are placeholders are absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from schemas.events.ids import is_placeholder
from schemas.events.times import read_instant
from schemas.events.unreadable import Unreadable
from schemas.limits import NUMBER
from schemas.words import Vocabulary

_OTHER_NAMES = {
    "order_id": ("transaction_id", "transactionId"),
    "products": ("items",),
    "product_id": ("item_id", "itemId"),
    "canceled_at": ("cancelled_at", "cancelledAt"),
}
_IDS = frozenset({"merged_from", "merged_into", "payment_fingerprint", "referral_code", "sku"})
"""Fields that hold ids and are not named `…_id`."""
_LONGEST_NUMBER = 400
_LONGEST_INTEGER = 2_048
"""Bits: more digits than any id has. To print the digits takes time by their square."""
_LARGEST_EXACT = 2**53
TRUE_WORDS = ("true", "1", "yes", "y", "on", "t")
_FLAGS = {
    **dict.fromkeys(TRUE_WORDS, True),
    **dict.fromkeys(("false", "0", "no", "n", "off", "f"), False),
}


@lru_cache(maxsize=4096)
def spellings(key: str) -> tuple[str, ...]:
    """Every name under which the snake_case field `key` is looked for, that one first."""
    head, *rest = key.split("_")
    camel = head + "".join(part.capitalize() for part in rest)
    return tuple(dict.fromkeys((key, camel, *_OTHER_NAMES.get(key, ()))))


def is_id(key: str) -> bool:
    """Whether the field `key` names something: so it does in every event."""
    return key.endswith("_id") or key in _IDS


def pick(properties: Mapping[str, Any], key: str) -> Any:
    """The value under the first spelling that holds something, else None."""
    for name in spellings(key):
        value = properties.get(name)
        if value is not None and value != "":
            return value
    return None


def read_text(value: Any) -> str:
    """Text, or the digits of a number: one text for 1001 and 1001.0. Raises `Unreadable`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("expected text")
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT:
        value = int(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
        raise Unreadable("a number with too many digits")
    return str(value)


def read_number(value: Any) -> Decimal:
    """A finite decimal, also from text such as "19.9". Raises `Unreadable`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Unreadable("expected a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("expected a finite number")
    if isinstance(value, int):
        if value not in NUMBER:
            raise Unreadable("number out of range")
        return Decimal(value)
    digits = repr(value) if isinstance(value, float) else value.strip()
    if len(digits) > _LONGEST_NUMBER or "_" in digits:
        raise Unreadable("expected a number")
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise Unreadable("expected a number") from None
    if not number.is_finite():
        raise Unreadable("expected a finite number")
    if not NUMBER.low <= number <= NUMBER.high:
        raise Unreadable("number out of range")
    return number


def read_flag(value: Any) -> bool:
    """True or false, also as text or 0 and 1. Raises `Unreadable`."""
    if isinstance(value, bool):
        return value
    known = _FLAGS.get(str(value).strip().lower()) if isinstance(value, (str, int)) and _is_flag(value) else None
    if known is None:
        raise Unreadable("expected true or false")
    return known


def _is_flag(value: str | int) -> bool:
    return isinstance(value, str) or value in (0, 1)


def text(properties: Mapping[str, Any], key: str) -> str:
    """The field as text, "" if it is absent or no text; where it is an id, a placeholder is none."""
    value = pick(properties, key) if properties else None
    try:
        found = "" if value is None else read_text(value)
    except Unreadable:
        return ""
    return "" if found and is_id(key) and is_placeholder(found) else found


def word(properties: Mapping[str, Any], key: str, vocabulary: Vocabulary) -> str:
    """The field as the word of `vocabulary` that it means; an unlisted one only trimmed and in one case."""
    found = text(properties, key)
    return vocabulary.read(found) if found else ""


def number(properties: Mapping[str, Any], key: str) -> Decimal | None:
    """The field as an exact decimal, None if it is absent or no number."""
    value = pick(properties, key)
    try:
        return None if value is None else read_number(value)
    except Unreadable:
        return None


def instant(properties: Mapping[str, Any], key: str) -> int | None:
    """The field as UTC milliseconds, None if it is absent or no time."""
    value = pick(properties, key)
    try:
        return None if value is None else read_instant(value)
    except Unreadable:
        return None


def flag(properties: Mapping[str, Any], key: str) -> bool | None:
    """The field as a truth value, None if it is absent or none."""
    value = pick(properties, key)
    try:
        return None if value is None else read_flag(value)
    except Unreadable:
        return None
