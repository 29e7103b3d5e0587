"""One item becomes one record: its envelope read, its times set right, its properties checked. Pure.

Time, randomness and the clock are arguments. Whatever makes an item unusable raises `BadField`, which says where.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Mapping
from typing import Any
from uuid import NAMESPACE_URL

import msgspec

from ingest.body import BRACKETS, UNREADABLE
from schemas.events import BadField, canonical, lookup
from schemas.events.bots import is_crawler
from schemas.events.fields import Unreadable, milliseconds, pick, read_text, text
from schemas.limits import (
    LONGEST_ID,
    LONGEST_MESSAGE_ID,
    LONGEST_NAME,
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    SEQUENCE,
    TIME,
    YEARS,
)
from schemas.record import Record

SKEW_MS = 300_000
"""A sender's clock is corrected only if it is further off than this."""

_IDENTITY = frozenset({"identify", "alias", "unalias"})
_NO_OBJECT = msgspec.Raw(b"{}")
_URL = NAMESPACE_URL.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in string.hexdigits}
_WHERE = re.compile(r" - at `\$\.(\w+)")
_decode = msgspec.json.Decoder().decode
_in_order = msgspec.json.Encoder(order="deterministic").encode


class Envelope(msgspec.Struct, rename="camel"):
    """What an item says besides its properties; each field in both spellings (a second field where they differ)."""

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
    sequence: Any = None
    context: msgspec.Raw = _NO_OBJECT
    properties: msgspec.Raw = _NO_OBJECT
    traits: msgspec.Raw = _NO_OBJECT


_envelope = msgspec.json.Decoder(Envelope).decode


class Arrival(msgspec.Struct, frozen=True):
    """What is the same for all items of a request."""

    tenant: str
    source: str
    received_at: int
    sent_at: Any
    random_id: Callable[[], str]
    named: Callable[[Envelope], Any]
    """The raw event name of an item; a client family may take it from elsewhere than `event`."""
    request_id: str = ""


def depth(raw: bytes) -> int:
    """How deep objects and lists are nested. Only counts brackets outside text."""
    level = deepest = 0
    for found in BRACKETS.finditer(raw):
        if found[1]:
            level += 1
            deepest = max(deepest, level)
        elif found[2]:
            level -= 1
    return deepest


def read_envelope(raw: bytes) -> Envelope:
    """The envelope of one item. Raises `BadField`."""
    if len(raw) > MAX_EVENT_BYTES:
        raise BadField("event_too_large", "", f"an event has at most {MAX_EVENT_BYTES} bytes")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and depth(raw) > MAX_DEPTH:
        raise BadField("too_deep", "", f"an event is nested at most {MAX_DEPTH} levels deep")
    try:
        return _envelope(raw)
    except UNREADABLE as error:
        where = _WHERE.search(str(error))
        if where:
            raise BadField("invalid_property", where[1], str(error)) from None
        raise BadField("invalid_event", "", f"no JSON object: {error}") from None


def message_id_of(envelope: Envelope) -> str:
    """The message id as sent, "" if there is none. Raises `BadField`."""
    return _id(envelope.message_id, envelope.message_id_, "messageId", LONGEST_MESSAGE_ID)


def take(raw: bytes, envelope: Envelope, message_id: str, arrival: Arrival) -> tuple[Record, list[str]]:
    """The record of one item, and codes of what the producer should know about it. Raises `BadField`."""
    warnings: list[str] = []
    raw_name = arrival.named(envelope)
    if not isinstance(raw_name, str) or not raw_name.strip():
        raise BadField("invalid_event", "event", "event must be a name")
    if len(raw_name) > LONGEST_NAME:
        raise BadField("invalid_event", "event", f"the name of an event has at most {LONGEST_NAME} characters")
    name = canonical(raw_name)
    context = _members(envelope.context, "context")
    properties = _members(envelope.properties, "properties")
    traits = _members(envelope.traits, "traits")

    time, original, sent_at = _times(envelope, arrival, warnings)
    if not message_id:
        if original is None:
            warnings.append("unidentified")
            message_id = arrival.random_id()
        else:
            message_id = uuid5_of_url(raw.decode(errors="replace"))

    lookup(name).validate(properties)
    user_id = _id(envelope.user_id, envelope.user_id_, "userId")
    anonymous_id = _id(envelope.anonymous_id, envelope.anonymous_id_, "anonymousId")
    previous_id = _id(envelope.previous_id, envelope.previous_id_, "previousId")
    if name in _IDENTITY:
        user_id = user_id or _checked_id(pick(properties, "user_id"), "properties.userId")
        anonymous_id = anonymous_id or _checked_id(pick(properties, "anonymous_id"), "properties.anonymousId")
        previous_id = previous_id or _checked_id(pick(properties, "previous_id"), "properties.previousId")
        _check_identity(name, user_id, anonymous_id, previous_id)
    sequence = _sequence(envelope)
    session_id = _id(envelope.session_id, envelope.session_id_, "sessionId")
    if not session_id and context:
        session_id = _checked_id(pick(context, "session_id"), "context.sessionId")
    device, agent = context.get("device"), pick(context, "user_agent")
    dimensions = (
        _country(context),
        text(properties, "channel") or text(context, "channel"),
        text(device, "type") if isinstance(device, dict) else "",
    )
    bot = context.get("bot") is True or (isinstance(agent, str) and is_crawler(agent))
    told = _traits(name, context, properties, traits)
    # No time goes in: copies of one event may carry different ones.
    content = (name, user_id, anonymous_id, previous_id, session_id, sequence, *dimensions, bot, told)
    record = Record(
        tenant=arrival.tenant,
        source=arrival.source,
        event_id=uuid5_of_url(f"sojourn:{arrival.tenant}/{arrival.source}/{message_id}"),
        message_id=message_id,
        name=name,
        raw_name=raw_name,
        time=time,
        received_at=arrival.received_at,
        hash=_eight_bytes((*content, properties or traits)),
        original_time=original,
        sent_at=sent_at,
        sequence=sequence,
        user_id=user_id,
        anonymous_id=anonymous_id,
        session_id=session_id,
        previous_id=previous_id,
        country=dimensions[0],
        channel=dimensions[1],
        device=dimensions[2],
        bot=bot,
        traits=told,
        properties=_kept(envelope, traits),
        context=envelope.context if context else _NO_OBJECT,
        request_id=arrival.request_id,
    )
    return record, warnings


def uuid5_of_url(name: str) -> str:
    """`str(uuid.uuid5(NAMESPACE_URL, name))`, without the objects that one makes on the way."""
    digits = hashlib.sha1(_URL + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"


def _members(raw: msgspec.Raw, field: str) -> dict[str, Any]:
    if raw is _NO_OBJECT:
        return {}
    try:
        value = _decode(raw)
    except (*UNREADABLE, ValueError) as error:
        code = "invalid_property" if "out of range" in str(error) else "invalid_event"
        raise BadField(code, field, f"{field} cannot be read: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadField("invalid_property", field, f"{field} must be an object")
    return value


def _either(camel: Any, snake: Any) -> Any:
    """The value in camelCase, else that in snake_case; None if both are absent or empty."""
    if camel is not None and camel != "":
        return camel
    return None if snake == "" else snake


def _id(camel: Any, snake: Any, name: str, longest: int = LONGEST_ID) -> str:
    value = _either(camel, snake)
    if value is None or (type(value) is str and len(value) <= longest):
        return value or ""
    return _checked_id(value, name, longest)


def _checked_id(value: Any, name: str, longest: int = LONGEST_ID) -> str:
    if value is None:
        return ""
    try:
        read = read_text(value)
    except Unreadable as error:
        raise BadField("invalid_property", name, str(error)) from None
    if isinstance(value, float):
        raise BadField("invalid_property", name, "expected text or a whole number")
    if len(read) > longest:
        raise BadField("id_too_long", name, f"{name} has at most {longest} characters")
    return read


def _times(envelope: Envelope, arrival: Arrival, warnings: list[str]) -> tuple[int, int | None, int | None]:
    """Event time, the time as sent, and when it was sent; the first one corrected if the sender's clock is wrong."""
    given, field = envelope.timestamp, "timestamp"
    if given is None or given == "":
        given, field = _either(envelope.original_timestamp, envelope.original_timestamp_), "originalTimestamp"
    own_sent_at = _either(envelope.sent_at, envelope.sent_at_)
    sent_at = _sent_at(arrival.sent_at if own_sent_at is None else own_sent_at, warnings)
    if given is None:
        return arrival.received_at, None, sent_at
    if not isinstance(given, str):
        raise BadField("invalid_timestamp", field, "expected an ISO 8601 time, such as 2026-11-18T09:58:00.000Z")
    try:
        original = milliseconds(given)
    except Unreadable as error:
        raise BadField("invalid_timestamp", field, str(error)) from None
    time = original
    if sent_at is not None and abs(arrival.received_at - sent_at) > SKEW_MS:
        time = arrival.received_at - (sent_at - original)
    if time not in TIME or original not in TIME:
        raise BadField("invalid_timestamp", field, f"a time lies in the years {YEARS}")
    if time > arrival.received_at + SKEW_MS:
        warnings.append("future")
    return time, original, sent_at


def _sent_at(value: Any, warnings: list[str]) -> int | None:
    if value is None or value == "":
        return None
    try:
        sent_at = milliseconds(value) if isinstance(value, str) else -1
    except Unreadable:
        sent_at = -1
    if sent_at in TIME:
        return sent_at
    warnings.append("sent_at_ignored")
    return None


def _sequence(envelope: Envelope) -> int:
    value = envelope.sequence
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value not in SEQUENCE:
        raise BadField("invalid_property", "sequence", f"sequence is a whole number from 0 to {SEQUENCE.high}")
    return value


def _check_identity(name: str, user_id: str, anonymous_id: str, previous_id: str) -> None:
    if name in ("alias", "unalias") and not user_id:
        raise BadField("missing_property", "userId", f"{name} needs userId")
    if (name == "alias" and not previous_id) or (name == "unalias" and not (previous_id or anonymous_id)):
        raise BadField("missing_property", "previousId", f"{name} needs previousId")


def _country(context: Mapping[str, Any]) -> str:
    location = context.get("location")
    told = text(context, "country") or (text(location, "country") if isinstance(location, dict) else "")
    return told.strip()


def _traits(
    name: str, context: Mapping[str, Any], properties: Mapping[str, Any], traits: Mapping[str, Any]
) -> dict[str, str]:
    """What is told about the person, as text: in the context, and by identify itself, which counts more."""
    told = context.get("traits")
    if name == "identify":
        sources = (told, properties.get("traits"), traits)
        told = {key: value for members in sources if isinstance(members, dict) for key, value in members.items()}
    if not isinstance(told, dict):
        return {}
    return {key: shown for key, value in told.items() if (shown := _shown(value))}


def _shown(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return read_text(value)
    except Unreadable:
        return ""


def _kept(envelope: Envelope, traits: Mapping[str, Any]) -> msgspec.Raw:
    """The producer's own bytes; traits of an item without properties are kept as its properties."""
    properties = envelope.properties
    if len(memoryview(properties)) > len(b"null"):
        return properties
    if traits and bytes(properties) in (b"{}", b"null"):
        return msgspec.Raw(b'{"traits":' + bytes(envelope.traits) + b"}")
    return _NO_OBJECT if bytes(properties) == b"null" else properties


def _eight_bytes(content: tuple[Any, ...]) -> int:
    """What tells two copies of one event apart; keys are sorted."""
    return int.from_bytes(hashlib.blake2b(_in_order(content), digest_size=8).digest(), "big")
