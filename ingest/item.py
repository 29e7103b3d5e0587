"""One item becomes one record: its times set right, its ids and properties checked. Pure.

Time, randomness and the clock are arguments. Whatever makes an item unusable raises `BadField`, which says where; what
is only odd becomes a `Doubt`, of which the producer is warned.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Callable, Mapping
from typing import Any
from uuid import NAMESPACE_URL

import msgspec

from ingest import bare_words
from ingest.body import UNREADABLE
from ingest.envelope import NO_OBJECT, Envelope
from schemas.events import BadField, Doubt, canonical, lookup, similar
from schemas.events.bots import is_crawler
from schemas.events.fields import pick, read_flag, read_text, text
from schemas.events.ids import NOBODY, OPENING, is_placeholder
from schemas.events.times import milliseconds
from schemas.events.unreadable import Unreadable
from schemas.events.words import CHANNELS, COUNTRIES, DEVICES
from schemas.limits import LONGEST_ID, LONGEST_MESSAGE_ID, LONGEST_NAME, SEQUENCE, TIME, YEARS
from schemas.record import Record

SKEW_MS = 300_000
"""A sender's clock is corrected only if it is further off than this."""

_FIRST, _LAST = TIME.low, TIME.high
_IDENTITY = frozenset({"identify", "alias", "unalias"})
_URL = NAMESPACE_URL.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in string.hexdigits}
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_in_order = msgspec.json.Encoder(order="deterministic").encode


class Arrival(msgspec.Struct, frozen=True):
    """What is the same for all items of a request."""

    tenant: str
    source: str
    received_at: int
    sent_at: Any
    random_id: Callable[[], str]
    zone: str
    """In which a date begins at midnight."""
    named: Callable[[Envelope], Any]
    """The raw event name of an item; a client family may take it from elsewhere than `event`."""
    request_id: str = ""


def message_id_of(envelope: Envelope) -> str:
    """The message id as sent, "" if there is none. Raises `BadField`."""
    return _id(envelope.message_id, envelope.message_id_, "messageId", LONGEST_MESSAGE_ID)


def take(raw: bytes, envelope: Envelope, message_id: str, arrival: Arrival, doubts: list[Doubt]) -> Record:
    """The record of one item; what the producer should know about it goes into `doubts`. Raises `BadField`."""
    raw_name, name = _named(arrival.named(envelope))
    context = _members(envelope.context, "context")
    properties = _members(envelope.properties, "properties")
    traits = _members(envelope.traits, "traits")

    time, original, sent_at = _times(envelope, arrival, doubts)
    if message_id and is_placeholder(message_id):
        doubts.append(Doubt("placeholder_id", "messageId"))
        message_id = ""
    if not message_id:
        if original is None:
            doubts.append(Doubt("unidentified", "messageId"))
            message_id = arrival.random_id()
        else:
            message_id = uuid5_of_url(raw.decode(errors="replace"))

    event = lookup(name)
    if event.family == "custom" and (meant := similar(name)):
        doubts.append(Doubt("similar_name", "event", f"{raw_name} is not known: is {meant} meant?"))
    kept = None
    checked = event.validate(properties, arrival.zone)
    if checked:
        doubts += checked.doubts
        if checked.settled:
            properties, kept = checked.settled, msgspec.Raw(_encode(checked.settled))
    people = _people(envelope, name, properties, doubts)
    user_id, anonymous_id, previous_id = people
    sequence = _sequence(envelope)
    session_id = _id(envelope.session_id, envelope.session_id_, "sessionId")
    if not session_id and context:
        session_id = _checked_id(pick(context, "session_id"), "context.sessionId")
    if session_id and is_placeholder(session_id):
        doubts.append(Doubt("placeholder_id", "sessionId"))
        session_id = ""
    dimensions = _dimensions(context, properties, doubts)
    bot = bool(context) and _is_bot(context, doubts)
    told = _traits(name, context, properties, traits)
    # No time goes in: copies of one event may carry different ones.
    content = (name, *people, session_id, sequence, *dimensions, bot, told, properties or traits)
    return Record(
        tenant=arrival.tenant,
        source=arrival.source,
        event_id=uuid5_of_url(f"sojourn:{arrival.tenant}/{arrival.source}/{message_id}"),
        message_id=message_id,
        name=name,
        raw_name=raw_name,
        time=time,
        received_at=arrival.received_at,
        hash=_eight_bytes(content),
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
        properties=kept or _kept(envelope, properties, traits),
        context=envelope.context if context else NO_OBJECT,
        request_id=arrival.request_id,
    )


def _named(raw_name: Any) -> tuple[str, str]:
    """The name as written, and the one that is stored."""
    if not isinstance(raw_name, str) or not raw_name.strip():
        raise BadField("invalid_event", "event", "event must be a name")
    if len(raw_name) > LONGEST_NAME:
        raise BadField("invalid_event", "event", f"the name of an event has at most {LONGEST_NAME} characters")
    return raw_name, canonical(raw_name)


def uuid5_of_url(name: str) -> str:
    """`str(uuid.uuid5(NAMESPACE_URL, name))`, without the objects that one makes on the way."""
    digits = hashlib.sha1(_URL + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"


def _members(raw: msgspec.Raw, field: str) -> dict[str, Any]:
    if raw is NO_OBJECT:
        return {}
    try:
        value = _decode(raw)
    except (*UNREADABLE, ValueError) as error:
        found = bare_words.find(bytes(raw))
        if found:
            message = f"{found[1][:40]} is a number out of range"
            raise BadField("invalid_property", f"{field}.{found[0]}", message) from None
        raise BadField("invalid_event", field, f"{field} cannot be read: {error}") from None
    if type(value) is dict:
        return value
    if value is None or value == []:  # the latter is how PHP writes an object without members
        return {}
    raise BadField("invalid_property", field, f"{field} must be an object")


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
    if isinstance(value, float) and not value.is_integer():
        raise BadField("invalid_property", name, "expected text or a whole number")
    if len(read) > longest:
        raise BadField("id_too_long", name, f"{name} has at most {longest} characters")
    return read


def _people(envelope: Envelope, name: str, properties: Mapping[str, Any], doubts: list[Doubt]) -> tuple[str, str, str]:
    """User id, anonymous id and previous id; a placeholder is nobody's, and nothing that people are joined by."""
    user_id = _id(envelope.user_id, envelope.user_id_, "userId")
    anonymous_id = _id(envelope.anonymous_id, envelope.anonymous_id_, "anonymousId")
    previous_id = _id(envelope.previous_id, envelope.previous_id_, "previousId")
    if name in _IDENTITY:
        user_id = user_id or _checked_id(pick(properties, "user_id"), "properties.userId")
        anonymous_id = anonymous_id or _checked_id(pick(properties, "anonymous_id"), "properties.anonymousId")
        previous_id = previous_id or _checked_id(pick(properties, "previous_id"), "properties.previousId")
        _check_identity(name, user_id, anonymous_id, previous_id)
    people = (user_id, anonymous_id, previous_id)
    if (
        NOBODY.isdisjoint(people)
        and OPENING.isdisjoint((user_id[:1], anonymous_id[:1], previous_id[:1]))
        and "{" not in user_id + anonymous_id + previous_id
    ):
        return people
    known = []
    for field, value in zip(("userId", "anonymousId", "previousId"), people, strict=True):
        is_nobody = bool(value) and is_placeholder(value, NOBODY)
        if is_nobody and name in ("alias", "unalias"):
            raise BadField("invalid_property", field, f"{value[:40]} is nobody's id")
        if is_nobody:
            doubts.append(Doubt("placeholder_id", field))
        known.append("" if is_nobody else value)
    return known[0], known[1], known[2]


def _times(envelope: Envelope, arrival: Arrival, doubts: list[Doubt]) -> tuple[int, int | None, int | None]:
    """Event time, the time as sent, and when it was sent; the first one corrected if the sender's clock is wrong.

    An item that says when it was received has been corrected by whoever received it.
    """
    given, field = envelope.timestamp, "timestamp"
    if given is None or given == "":
        given, field = _either(envelope.original_timestamp, envelope.original_timestamp_), "originalTimestamp"
    own_sent_at = _either(envelope.sent_at, envelope.sent_at_)
    sent_at = _sent_at(arrival.sent_at if own_sent_at is None else own_sent_at, doubts)
    if given is None:
        return arrival.received_at, None, sent_at
    if not isinstance(given, str):
        raise BadField("invalid_timestamp", field, "expected an ISO 8601 time, such as 2026-11-18T09:58:00.000Z")
    try:
        original = milliseconds(given)
    except Unreadable as error:
        raise BadField("invalid_timestamp", field, str(error)) from None
    time = original
    if (
        sent_at is not None
        and abs(arrival.received_at - sent_at) > SKEW_MS
        and not _is_time(_either(envelope.received_at, envelope.received_at_))
    ):
        time = arrival.received_at - (sent_at - original)
    if not _FIRST <= time <= _LAST or not _FIRST <= original <= _LAST:
        raise BadField("invalid_timestamp", field, f"a time lies in the years {YEARS}")
    if time > arrival.received_at + SKEW_MS:
        doubts.append(Doubt("future", field))
    return time, original, sent_at


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and milliseconds(value) > 0
    except Unreadable:
        return False


def _sent_at(value: Any, doubts: list[Doubt]) -> int | None:
    if value is None or value == "":
        return None
    try:
        sent_at = milliseconds(value) if isinstance(value, str) else -1
    except Unreadable:
        sent_at = -1
    if _FIRST <= sent_at <= _LAST:
        return sent_at
    doubts.append(Doubt("sent_at_ignored", "sentAt"))
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


def _dimensions(context: Mapping[str, Any], properties: Mapping[str, Any], doubts: list[Doubt]) -> tuple[str, str, str]:
    """Country, channel and device, each in one spelling."""
    country, device = context.get("country"), context.get("device")
    if not country and isinstance(location := context.get("location"), dict):
        country = location.get("country")
    if isinstance(device, dict):
        device = device.get("type")
    channel = text(properties, "channel") or _stated(context.get("channel"), "context.channel", doubts)
    country, device = _stated(country, "context.country", doubts), _stated(device, "context.device", doubts)
    return (
        COUNTRIES.read(country) if country else "",
        CHANNELS.read(channel) if channel else "",
        DEVICES.read(device) if device else "",
    )


def _is_bot(context: Mapping[str, Any], doubts: list[Doubt]) -> bool:
    """Whether the context says so, or the published list knows the user agent."""
    said = context.get("bot")
    try:
        if said is not None and said != "" and read_flag(said):
            return True
    except Unreadable as error:
        doubts.append(Doubt("unreadable_property", "context.bot", str(error)))
    agent = pick(context, "user_agent")
    return isinstance(agent, str) and is_crawler(agent)


def _stated(value: Any, field: str, doubts: list[Doubt]) -> str:
    """A text that is no reason to refuse an event if it is none."""
    if value is None or type(value) is str:
        return value or ""
    try:
        return read_text(value)
    except Unreadable as error:
        doubts.append(Doubt("unreadable_property", field, str(error)))
        return ""


def _traits(
    name: str, context: Mapping[str, Any], properties: Mapping[str, Any], traits: Mapping[str, Any]
) -> dict[str, str]:
    """What is told about the person, as text: in the context, and by identify itself, which counts more.

    Null takes a trait away, and is kept as "".
    """
    told = context.get("traits")
    if name == "identify":
        sources = (told, properties.get("traits"), traits)
        told = {key: value for members in sources if isinstance(members, dict) for key, value in members.items()}
    if not isinstance(told, dict):
        return {}
    return {key: shown for key, value in told.items() if (shown := _shown(value)) or value is None}


def _shown(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return read_text(value)
    except Unreadable:
        return ""


def _kept(envelope: Envelope, properties: Mapping[str, Any], traits: Mapping[str, Any]) -> msgspec.Raw:
    """The producer's own bytes; traits of an item without properties are kept as its properties."""
    if properties:
        return envelope.properties
    return msgspec.Raw(b'{"traits":' + bytes(envelope.traits) + b"}") if traits else NO_OBJECT


def _eight_bytes(content: tuple[Any, ...]) -> int:
    """What tells two copies of one event apart; keys are sorted."""
    return int.from_bytes(hashlib.blake2b(_in_order(content), digest_size=8).digest(), "big")
