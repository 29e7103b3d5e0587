"""How a field is read from properties that producers wrote: one reading, used when an event is accepted and when it is
folded, so that both always see the same value.

A field is found in its snake_case or camelCase spelling or under the name that GA4 gives it; the first spelling that
holds something counts. Null and empty text are absent, ids that are numbers become text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from schemas.events.words import Vocabulary
from schemas.limits import NUMBER, TIME, YEARS

_OTHER_NAMES = {
    "order_id": ("transaction_id", "transactionId"),
    "products": ("items",),
    "product_id": ("item_id", "itemId"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SECONDS_BELOW = 100_000_000_000
"""A numeric time below this is in seconds (until the year 5138), else in milliseconds."""
_LONGEST_NUMBER = 400
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Unreadable(ValueError):
    """A field holds something that it cannot mean."""


@lru_cache(maxsize=4096)
def spellings(key: str) -> tuple[str, ...]:
    """Every name under which the snake_case field `key` is looked for, that one first."""
    head, *rest = key.split("_")
    camel = head + "".join(part.capitalize() for part in rest)
    return tuple(dict.fromkeys((key, camel, *_OTHER_NAMES.get(key, ()))))


def pick(properties: Mapping[str, Any], key: str) -> Any:
    """The value under the first spelling that holds something, else None."""
    for name in spellings(key):
        value = properties.get(name)
        if value is not None and value != "":
            return value
    return None


def read_text(value: Any) -> str:
    """Text, or the digits of a number. Raises `Unreadable`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("expected text")
    try:
        return str(value)
    except ValueError:
        raise Unreadable("a number with too many digits") from None


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


def milliseconds(value: str) -> int:
    """UTC milliseconds of an ISO 8601 time with an offset, cut below the millisecond. Raises `Unreadable`."""
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise Unreadable("expected an ISO 8601 time, such as 2026-11-18T09:58:00.000Z") from None
    if moment.tzinfo is None:
        raise Unreadable("a time needs an offset, such as Z or +01:00")
    return (moment - _EPOCH) // _MILLISECOND


def read_instant(value: Any) -> int:
    """UTC milliseconds of an ISO 8601 time with an offset, or of seconds or milliseconds since 1970."""
    if isinstance(value, str):
        moment = milliseconds(value)
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(_float(value)):
        raise Unreadable("expected a time")
    else:
        moment = int(value * 1000 if abs(value) < _SECONDS_BELOW else value)
    if moment not in TIME:
        raise Unreadable(f"a time lies in the years {YEARS}")
    return moment


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def read_flag(value: Any) -> bool:
    """True or false, also as text or 0 and 1. Raises `Unreadable`."""
    if isinstance(value, bool):
        return value
    known = _FLAGS.get(str(value).strip().lower()) if isinstance(value, (str, int)) and _short(value) else None
    if known is None:
        raise Unreadable("expected true or false")
    return known


def _short(value: str | int) -> bool:
    return isinstance(value, str) or value in (0, 1)


def text(properties: Mapping[str, Any], key: str) -> str:
    """The field as text, "" if it is absent or no text."""
    value = pick(properties, key) if properties else None
    try:
        return "" if value is None else read_text(value)
    except Unreadable:
        return ""


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
