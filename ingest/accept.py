"""Accepting events: from the bytes of one request to the lines of a frame. Pure; the heart of ingest.

What cannot be counted is refused item by item, with a code of `schemas.errors.REJECTIONS`, and kept as a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest.body import Items, inflate, part
from ingest.envelope import Envelope, read_envelope, strict
from ingest.item import Arrival, message_id_of, take
from schemas.errors import DEAD_LETTER_REASONS, INGEST_WARNINGS
from schemas.events import BadField, Doubt
from schemas.record import DeadLetter, Frame, decode_records, encode, payload


def named_by_event(envelope: Envelope) -> Any:
    """The native rule: an item's name is its `event`."""
    return envelope.event


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of clients writes events: the name of its list, and where an item's name stands."""

    source: str
    list_key: str = "events"
    named: Callable[[Envelope], Any] = named_by_event
    unread: tuple[str, ...] = ()
    """Fields of an item that the family's clients send for others: nothing is lost if nobody reads them."""


NATIVE = Dialect("native")


class Accepted(msgspec.Struct):
    """What became of the items of one request. `accepted` counts good ones, whether or not they are duplicates."""

    frame: Frame
    accepted: int = 0
    rejected: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []


def accept(
    body: bytes,
    *,
    tenant: str,
    received_at: int,
    random_id: Callable[[], str],
    source: str = "",
    dialect: Dialect = NATIVE,
    sent_at: Any = None,
    zone: str = "UTC",
) -> Accepted:
    """All items of a request body. Raises `Problem` if it cannot be unpacked or parted, or is too large."""
    items = part(inflate(body), dialect.list_key)
    return accept_items(
        items,
        tenant=tenant,
        source=source or dialect.source,
        received_at=received_at,
        random_id=random_id,
        dialect=dialect,
        sent_at=sent_at,
        zone=zone,
    )


def accept_items(
    items: Items,
    *,
    tenant: str,
    source: str,
    received_at: int,
    random_id: Callable[[], str],
    dialect: Dialect = NATIVE,
    sent_at: Any = None,
    request_id: str = "",
    zone: str = "UTC",
) -> Accepted:
    """Items that are parted already. Raises nothing."""
    arrival = Arrival(
        tenant=tenant,
        source=source,
        received_at=received_at,
        sent_at=sent_at if items.sent_at is None else items.sent_at,
        random_id=random_id,
        zone=zone,
        named=dialect.named,
        request_id=request_id,
    )
    outcome = Accepted(Frame(received_at))
    read = strict(dialect.unread)
    doubts: list[Doubt] = []
    for index, raw in enumerate(items.items):
        message_id = ""
        try:
            envelope = read_envelope(raw, read, dialect.unread, doubts)
            message_id = message_id_of(envelope)
            record = take(raw, envelope, message_id, arrival, doubts)
        except BadField as bad:
            _refuse(outcome, arrival, raw, index=index, message_id=message_id, bad=bad)
        else:
            outcome.frame.records.append(encode(record))
            outcome.accepted += 1
            if doubts:
                outcome.warnings += [_warning(index, doubt) for doubt in doubts]
        if doubts:
            doubts.clear()
    return outcome


def refuse_stored(outcome: Accepted, refused: Mapping[int, str]) -> None:
    """Move records that the log found to be uncountable from the accepted to the rejected: by place in the frame."""
    before = {each["index"] for each in outcome.rejected}
    taken = [index for index in range(outcome.accepted + len(before)) if index not in before]
    for place in refused:
        (record,) = decode_records([outcome.frame.records[place]])
        outcome.rejected.append(
            {
                "index": taken[place],
                "messageId": record.message_id,
                "code": "unstorable_record",
                "field": None,
                "message": DEAD_LETTER_REASONS["unstorable_record"],
            }
        )
    outcome.rejected.sort(key=lambda each: int(each["index"]))
    outcome.accepted -= len(refused)


def _warning(index: int, doubt: Doubt) -> dict[str, Any]:
    message = INGEST_WARNINGS[doubt.code]
    if doubt.message:
        message = f"{message} ({doubt.message})"
    return {"index": index, "code": doubt.code, "field": doubt.field or None, "message": message}


def _refuse(outcome: Accepted, arrival: Arrival, raw: bytes, *, index: int, message_id: str, bad: BadField) -> None:
    outcome.rejected.append(
        {
            "index": index,
            "messageId": message_id or None,
            "code": bad.code,
            "field": bad.field or None,
            "message": bad.message,
        }
    )
    letter = DeadLetter(
        tenant=arrival.tenant,
        source=arrival.source,
        received_at=arrival.received_at,
        reason=bad.code,
        field=bad.field,
        message=bad.message,
        message_id=message_id,
        payload=payload(raw),
        index=index,
        request_id=arrival.request_id,
    )
    outcome.frame.dead_letters.append(encode(letter))
