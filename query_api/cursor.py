"""The place in a list of explained units, as an opaque text that carries the `at` of the first page.

It is checked, not secret: a checksum over place and question finds what was cut, edited or taken from another question;
whose rows are read comes from the token alone.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import msgspec

from query_api.question import Question

_LONGEST = 4096


class BadCursor(ValueError):
    """Not a cursor that this question handed out."""


class _Token(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    at: int
    entered: int
    id: str
    check: str


_decode = msgspec.json.Decoder(_Token).decode


@dataclass(frozen=True, slots=True)
class Place:
    """After the unit `id` that entered at `entered` (ms), as of `at` (ms)."""

    at: int
    entered: int
    id: str
    check: str


def _check(question: Question, at: int, entered: int, unit_id: str) -> str:
    asked = (
        question.tenant,
        question.metric.name,
        question.metric.definition,
        question.start,
        question.end,
        question.tz,
        sorted(question.parameters.items()),
        [(each.dimension, each.operator, each.values) for each in question.filters],
    )
    return hashlib.sha256(repr((asked, at, entered, unit_id)).encode()).hexdigest()[:24]


def write(question: Question, entered: int, unit_id: str) -> str:
    """The cursor after a unit."""
    token = _Token(question.at, entered, unit_id, _check(question, question.at, entered, unit_id))
    return urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def read(text: str) -> Place:
    """What a cursor says, not yet held against a question. Raises `BadCursor`."""
    if len(text) > _LONGEST:
        raise BadCursor
    try:
        token = _decode(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise BadCursor from error
    return Place(token.at, token.entered, token.id, token.check)


def verify(question: Question, place: Place) -> None:
    """Raises `BadCursor` unless this question handed it out."""
    if place.check != _check(question, place.at, place.entered, place.id):
        raise BadCursor
