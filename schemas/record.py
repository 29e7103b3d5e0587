"""One accepted event as it travels from ingest to the processors, and the frame that carries many.

A frame is what one append to the log writes: NDJSON lines, each an encoded `Record`, so that hundreds of events cost
the log one record. Properties and context stay the producer's own bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

EARLIEST_MS = 0
"""First acceptable event time (1970-01-01), ms since the epoch."""
LATEST_MS = 7_258_118_400_000
"""First event time that is refused (2200-01-01): the tables use it for "never"."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An accepted event. Absent text is "", times are UTC milliseconds; `hash` tells copies of one event apart."""

    tenant: str
    source: str
    event_id: str
    message_id: str
    name: str
    raw_name: str
    time: int
    received_at: int
    hash: int
    original_time: int | None = None
    sent_at: int | None = None
    sequence: int = 0
    user_id: str = ""
    anonymous_id: str = ""
    session_id: str = ""
    previous_id: str = ""
    country: str = ""
    channel: str = ""
    device: str = ""
    bot: bool = False
    traits: dict[str, str] = {}
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    context: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def actor(self) -> str:
        """The raw actor: `u:` + user id, else `a:` + anonymous id, else "" (in no distinct count)."""
        if self.user_id:
            return "u:" + self.user_id
        return "a:" + self.anonymous_id if self.anonymous_id else ""


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What was refused, why, and where it stood; `payload` is the original item, cut at 64 KiB."""

    tenant: str
    source: str
    received_at: int
    reason: str
    message: str
    field: str = ""
    message_id: str = ""
    payload: str = ""
    topic: str = ""
    partition: int = 0
    offset: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """Encoded lines that are written to the log together; `received_at` is the oldest receipt among them, ms."""

    received_at: int
    records: list[bytes] = field(default_factory=list)
    dead_letters: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes held in memory until the log has taken the frame."""
        return sum(map(len, self.records)) + sum(map(len, self.dead_letters))


_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_dead_letter = msgspec.json.Decoder(DeadLetter).decode


def encode(item: Record | DeadLetter) -> bytes:
    """One line of a frame, without its newline."""
    return _encode(item)


def decode_records(lines: Iterable[bytes]) -> list[Record]:
    """The records of a frame. Raises `msgspec.DecodeError` on a line that is none."""
    return [_decode_record(line) for line in lines]


def decode_dead_letters(lines: Iterable[bytes]) -> list[DeadLetter]:
    """The dead letters of a frame. Raises `msgspec.DecodeError` on a line that is none."""
    return [_decode_dead_letter(line) for line in lines]
