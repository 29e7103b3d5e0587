"""What an item says besides its properties: read strictly, so that a field nobody reads does not vanish in silence.

Whatever makes an item unusable raises `BadField`, which says where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, cast

import msgspec

from ingest import bare_words
from ingest.body import UNREADABLE
from schemas.events import BadField, Doubt
from schemas.limits import MAX_DEPTH, MAX_EVENT_BYTES

NO_OBJECT = msgspec.Raw(b"{}")
MOST_UNKNOWN = 5
"""Of how many unknown fields of one item the producer is warned."""
_MEANT = {
    "userId": ("distinct_id", "distinctId", "user", "uid", "customer_id", "customerId"),
    "timestamp": ("time", "ts", "date", "created_at", "createdAt", "occurred_at", "eventTime", "event_time"),
    "messageId": ("id", "uuid", "event_id", "eventId", "insert_id", "$insert_id", "idempotencyKey"),
    "event": ("event_name", "eventName", "action"),
    "properties": ("props", "data", "params", "payload", "attributes"),
    "sessionId": ("session", "sid"),
    "context.country": ("country",),
    "context.channel": ("channel",),
    "context.device": ("device",),
}
_HINTS = {wrong: right for right, wrongs in _MEANT.items() for wrong in wrongs}
_WHERE = re.compile(r" - at `\$\.(\w+)")
_TEXT = re.compile(rb'"(?:[^"\\]+|\\.)*"?', re.DOTALL)
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_UNKNOWN = "Object contains unknown field"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Envelope(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The fields of an item, each in both spellings (a second field where they differ)."""

    event: Any = None
    type: Any = None
    name: Any = None
    message_id: Any = None
    message_id_: Any = msgspec.field(default=None, name="message_id")
    user_id: Any = None
    user_id_: Any = msgspec.field(default=None, name="user_id")
    anonymous_id: Any = None
    anonymous_id_: Any = msgspec.field(default=None, name="anonymous_id")
    session_id: Any = None
    session_id_: Any = msgspec.field(default=None, name="session_id")
    previous_id: Any = None
    previous_id_: Any = msgspec.field(default=None, name="previous_id")
    timestamp: Any = None
    original_timestamp: Any = None
    original_timestamp_: Any = msgspec.field(default=None, name="original_timestamp")
    sent_at: Any = None
    sent_at_: Any = msgspec.field(default=None, name="sent_at")
    received_at: Any = None
    received_at_: Any = msgspec.field(default=None, name="received_at")
    sequence: Any = None
    context: msgspec.Raw = NO_OBJECT
    properties: msgspec.Raw = NO_OBJECT
    traits: msgspec.Raw = NO_OBJECT
    write_key: msgspec.Raw = NO_OBJECT
    write_key_: msgspec.Raw = msgspec.field(default=NO_OBJECT, name="write_key")
    api_key: msgspec.Raw = msgspec.field(default=NO_OBJECT, name="api_key")


_KNOWN = frozenset(own.encode_name for own in msgspec.structs.fields(Envelope))


class _Tolerant(Envelope, forbid_unknown_fields=False, rename="camel"):
    """The same, whatever else the item holds."""


_tolerant = msgspec.json.Decoder(_Tolerant).decode


@lru_cache
def strict(unread: tuple[str, ...]) -> Callable[[bytes], Envelope]:
    """Reads an envelope that may also have the fields `unread`, which a family of clients sends for others."""
    fields = [(f"unread_{number}", msgspec.Raw, NO_OBJECT) for number in range(len(unread))]
    renamed = {own.name: own.encode_name for own in msgspec.structs.fields(Envelope)}
    renamed |= {f"unread_{number}": name for number, name in enumerate(unread)}
    form = msgspec.defstruct("Envelope", fields, bases=(Envelope,), rename=renamed, forbid_unknown_fields=True)
    return cast("Callable[[bytes], Envelope]", msgspec.json.Decoder(form).decode)


def is_too_deep(raw: bytes) -> bool:
    """Whether objects and lists are nested deeper than they may be: something is left when the innermost are taken away
    as often.
    """
    bare = _TEXT.sub(b"", raw).translate(_ALIKE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        bare = bare.replace(b"[]", b"")
    return b"[]" in bare


def read_envelope(
    raw: bytes, read: Callable[[bytes], Envelope], unread: Sequence[str], doubts: list[Doubt]
) -> Envelope:
    """The envelope of one item. Raises `BadField`."""
    if len(raw) > MAX_EVENT_BYTES:
        raise BadField("event_too_large", "", f"an event has at most {MAX_EVENT_BYTES} bytes")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and is_too_deep(raw):
        raise BadField("too_deep", "", f"an event is nested at most {MAX_DEPTH} levels deep")
    try:
        return read(raw)
    except UNREADABLE as error:
        if not str(error).startswith(_UNKNOWN):
            raise _refusal(raw, error) from None
    try:
        envelope = _tolerant(raw)
        doubts += _unknown(_members(raw), unread)
    except UNREADABLE as error:
        raise _refusal(raw, error) from None
    return envelope


def _refusal(raw: bytes, error: Exception) -> BadField:
    found = bare_words.find(raw)
    if found:
        return BadField("invalid_property", found[0], f"{found[1][:40]} is no value that JSON can hold; send null")
    where = _WHERE.search(str(error))
    if where:
        return BadField("invalid_property", where[1], str(error))
    return BadField("invalid_event", "", f"no JSON object: {error}")


def _unknown(members: dict[str, Any], unread: Sequence[str]) -> list[Doubt]:
    names = (name for name in members if name not in _KNOWN and name not in unread)
    return [Doubt("unknown_field", name[:100], _hint(name)) for name in islice(names, MOST_UNKNOWN)]


def _hint(name: str) -> str:
    meant = _HINTS.get(name, "")
    return f"{name} is not read: is {meant} meant?" if meant else ""
