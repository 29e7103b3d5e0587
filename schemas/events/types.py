"""The types that a field of an event can have: how a value is read, and what passes without being read.

Each is an annotation: a reading (a pydantic validator), and for words their vocabulary. `PLAIN` says for a type what is
valid beyond doubt, as nearly all producers send it; everything else is read slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

import msgspec
from pydantic import BeforeValidator

from schemas.currencies import CURRENCIES
from schemas.events import words
from schemas.events.fields import read_flag, read_number, read_text
from schemas.events.times import read_instant
from schemas.events.unreadable import Unreadable
from schemas.limits import LONGEST_ID, NUMBER
from schemas.words import Vocabulary

REQUIRED, ID, INSTANT = "required", "id", "instant"
"""Marks of a type: the event is nothing without it; it names something; it is a time."""


@dataclass(frozen=True, slots=True)
class Times:
    """Marks a number that says how many of what another field says: alone it says nothing."""

    field: str


def _identifier(value: Any) -> str:
    read = read_text(value)
    if len(read) > LONGEST_ID:
        raise ValueError(f"an id has at most {LONGEST_ID} characters")
    return read


def _texts(value: Any) -> Any:
    """The first that is no text is the reason: pydantic would word one for each, thousands of them."""
    return [read_text(each) for each in value] if isinstance(value, list) else value


def _not_negative(value: Any) -> Decimal:
    number = read_number(value)
    if number < 0:
        raise Unreadable("expected a number that is not negative")
    return number


def _interval(value: Any) -> str:
    term = words.read_interval(read_text(value))
    if not term:
        raise Unreadable(f"expected one of {', '.join(words.INTERVALS.words)}, or such as P3M")
    return term


def _count(value: Any) -> Decimal:
    number = read_number(value)
    if not 1 <= number <= words.LARGEST_COUNT or number % 1:
        raise Unreadable(f"expected a whole number from 1 to {words.LARGEST_COUNT}")
    return number


def _author(value: Any) -> str:
    author = words.AUTHORS.known(read_text(value))
    if not author:
        raise Unreadable(f"expected one of {', '.join(words.AUTHORS.words)}")
    return author


Text = Annotated[str, BeforeValidator(read_text)]
Id = Annotated[str, BeforeValidator(_identifier), ID]
RequiredId = Annotated[str, BeforeValidator(_identifier), ID, REQUIRED]
Number = Annotated[Any, BeforeValidator(read_number)]
NotNegative = Annotated[Any, BeforeValidator(_not_negative)]
"""A duration, a depth: what cannot be below zero."""
IntervalCount = Annotated[Any, BeforeValidator(_count), Times("interval")]
Instant = Annotated[int, BeforeValidator(read_instant), INSTANT]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Texts = Annotated[list[str], BeforeValidator(_texts)]
Author = Annotated[str, BeforeValidator(_author)]
Interval = Annotated[str, BeforeValidator(_interval)]

Channel = Annotated[str, BeforeValidator(read_text), words.CHANNELS]
Name = Annotated[str, BeforeValidator(read_text), words.NAMES]
Currency = Annotated[str, BeforeValidator(read_text), CURRENCIES]
TicketStatus = Annotated[str, BeforeValidator(read_text), words.TICKET_STATUSES]
SubscriptionStatus = Annotated[str, BeforeValidator(read_text), words.SUBSCRIPTION_STATUSES]
SurveyType = Annotated[str, BeforeValidator(read_text), words.SURVEY_TYPES]
Polarity = Annotated[str, BeforeValidator(read_text), words.POLARITIES]
Score = Annotated[str, BeforeValidator(read_text), words.SCORES]
SignUpType = Annotated[str, BeforeValidator(read_text), words.SIGN_UP_TYPES]
TransferType = Annotated[str, BeforeValidator(read_text), words.TRANSFER_TYPES]
Direction = Annotated[str, BeforeValidator(read_text), words.DIRECTIONS]
EndsIn = Annotated[str, BeforeValidator(read_text), words.ENDS_IN]
Disconnector = Annotated[str, BeforeValidator(read_text), words.DISCONNECTORS]

_AN_ID = Annotated[str, msgspec.Meta(max_length=LONGEST_ID)] | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
_ISO = r"^20\d\d-(0[1-9]|1[0-2])-([01][1-9]|[12]0|2[1-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3})?(Z|[+-]0\d:[0-5]\d)$"
"""Times that are valid whatever the month has for days, and far from every limit."""
_PLAIN: dict[Any, Any] = {
    Text: str,
    Id: _AN_ID,
    RequiredId: _AN_ID,
    Number: Annotated[float, msgspec.Meta(ge=NUMBER.low, le=NUMBER.high)],
    NotNegative: Annotated[float, msgspec.Meta(ge=0, le=NUMBER.high)],
    Instant: Annotated[str, msgspec.Meta(pattern=_ISO)],
    Flag: bool,
    Texts: list[str],
    Author: Literal["agent", "customer", "bot"],
    Interval: Literal["day", "week", "month", "quarter", "year"],
}


@dataclass(frozen=True, slots=True)
class Marks:
    """What else is asked of a field of some type than to be readable."""

    is_id: bool
    is_required: bool
    is_instant: bool
    vocabulary: Vocabulary | None
    times: str
    """The field without which it says nothing, if there is one."""

    @classmethod
    def of(cls, hint: Any) -> Marks:
        """Of the annotation that is the type."""
        found = get_args(hint)
        vocabulary = next((each for each in found if isinstance(each, Vocabulary)), None)
        times = next((each.field for each in found if isinstance(each, Times)), "")
        return cls(ID in found, REQUIRED in found, INSTANT in found, vocabulary, times)


def plain(hint: Any) -> Any:
    """What passes for a field of this type without being read; None if nothing does."""
    vocabulary = Marks.of(hint).vocabulary
    if vocabulary is None:
        return _PLAIN.get(hint)
    if vocabulary.is_open:
        return str
    listed: Any = Literal.__getitem__(vocabulary.plain)  # computed, which type checkers do not follow
    return float | listed if vocabulary.numbers else listed
