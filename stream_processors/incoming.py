"""An event as the folds see it: the record, its properties decoded once, and who did it."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from schemas.events import lookup
from schemas.events.fields import text, word
from schemas.events.words import AUTHORS
from schemas.limits import NEVER_MS
from schemas.periods import DAY_MS
from schemas.record import Record

NONE_YET: tuple[int, int, str] = (NEVER_MS, 0, "")
"""What a dimension holds when no event has given it a value."""

_decode = msgspec.json.Decoder().decode
_BY_AUTHOR = frozenset({"ticket_created", "ticket_replied"})

Earliest = tuple[int, int, str]


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A record with what several folds need of it; `day` is the UTC day number of the event."""

    record: Record
    properties: dict[str, Any]
    event_id: uuid.UUID
    person_class: bool
    author: str
    actor: str
    day: int

    def earliest(self, value: str) -> Earliest:
        """This event's bid for a dimension: its value at its (time, event id)."""
        return (self.record.time, self.event_id.int, value) if value else NONE_YET

    def since(self, value: str, prefix: str = "") -> dict[str, int]:
        """This event's bid for a value-to-earliest-time map."""
        return {prefix + value: self.record.time} if value else {}

    def first_and_dimensions(self) -> tuple[Earliest, Earliest, Earliest, Earliest, Earliest]:
        """Bot mark of the first event, then actor, country, channel and device."""
        record = self.record
        time, order = record.time, self.event_id.int
        country, channel, device = record.country, record.channel, record.device
        return (
            (time, order, "1" if record.bot else ""),
            (time, order, self.actor) if self.actor else NONE_YET,
            (time, order, country) if country else NONE_YET,
            (time, order, channel) if channel else NONE_YET,
            (time, order, device) if device else NONE_YET,
        )


def incoming(record: Record) -> Incoming:
    """Decode the properties of `record`."""
    decoded = _decode(record.properties)
    return understood(record, decoded if isinstance(decoded, dict) else {})


def understood(record: Record, properties: dict[str, Any]) -> Incoming:
    """What the folds see: also whether a person did it (docs/definitions.md#actors)."""
    author = ""
    person = lookup(record.name).actor == "person"
    if record.name in _BY_AUTHOR:
        author = word(properties, "author_type", AUTHORS)
        if not author:
            author = "agent" if record.name == "ticket_replied" and text(properties, "agent_id") else "customer"
        person = author == "customer"
    event_id = msgspec.convert(record.event_id, uuid.UUID)
    return Incoming(record, properties, event_id, person, author, record.actor, record.time // DAY_MS)
