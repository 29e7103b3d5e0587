"""One accepted event as it travels from ingest to the processors, and the frame that carries many.

A frame is what one append to the log writes: NDJSON lines, each an encoded `Record`, so that hundreds of events cost
the log one record. Properties and context stay the producer's own bytes. On the wire the lines of the records come
first, then those of the dead letters; headers carry the format, both counts and the receipt time, so that an empty
frame is a frame too (ingest sends them to see whether the log takes any).

A newline is what parts the records, so none may stand in one: `encode` writes blanks for those that a producer's
indented JSON brings along, and a reader whose counts are off still keeps every record that it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from schemas.limits import MAX_EVENT_BYTES


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An accepted event. Absent text is "", times are UTC milliseconds; `hash` tells copies of one event apart.

    `request_id` says which request brought it: nothing is counted by it, so that it is no part of the hash.
    """

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
    request_id: str = ""

    @property
    def actor(self) -> str:
        """The raw actor: `u:` + user id, else `a:` + anonymous id, else "" (in no distinct count)."""
        if self.user_id:
            return "u:" + self.user_id
        return "a:" + self.anonymous_id if self.anonymous_id else ""


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What was refused, why, and where it stood; `payload` is the original as text, cut at `MAX_EVENT_BYTES`.

    `index` counts the lines of the frame at (topic, partition, offset); while the letter is not in a log yet, the items
    of the request.
    """

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
    request_id: str = ""


class UnreadableFrame(ValueError):
    """What stands in the log is no frame of a format that this version knows."""


class Frame(msgspec.Struct, frozen=True):
    """Encoded lines that are written to the log together; `received_at` is the oldest receipt among them, ms.

    A frame that was read from a log knows its place there.
    """

    received_at: int
    records: list[bytes] = []
    dead_letters: list[bytes] = []
    topic: str = ""
    partition: int = 0
    offset: int = 0

    @property
    def size(self) -> int:
        """Bytes held in memory until the log has taken the frame."""
        return sum(map(len, self.records)) + sum(map(len, self.dead_letters))


_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_dead_letter = msgspec.json.Decoder(DeadLetter).decode


def payload(original: bytes) -> str:
    """What a dead letter shows of the bytes that it is about."""
    return original[:MAX_EVENT_BYTES].decode(errors="replace")


def encode(item: Record | DeadLetter) -> bytes:
    """One line of a frame, without its newline. JSON has none inside text, so that a blank says the same."""
    line = _encode(item)
    return line.replace(b"\n", b" ") if b"\n" in line else line


def decode_records(lines: Iterable[bytes]) -> list[Record]:
    """The records of a frame. Raises `msgspec.DecodeError` on a line that is none."""
    return [_decode_record(line) for line in lines]


def decode_dead_letters(lines: Iterable[bytes]) -> list[DeadLetter]:
    """The dead letters of a frame. Raises `msgspec.DecodeError` on a line that is none."""
    return [_decode_dead_letter(line) for line in lines]


Headers = Sequence[tuple[str, bytes]]
_FORMAT = b"1"
_NEXT_LINE = re.compile(rb"\n(?=\{\"tenant\":)")
"""A newline before the first member of a record or dead letter: where lines part that hold newlines themselves."""


def pack(frame: Frame) -> tuple[bytes, Headers]:
    """Value and headers of the frame as one record of the log."""
    counts = (("n", len(frame.records)), ("d", len(frame.dead_letters)), ("t", frame.received_at))
    headers = [("v", _FORMAT), *((name, b"%d" % number) for name, number in counts)]
    return b"\n".join((*frame.records, *frame.dead_letters)), headers


def unpack(value: bytes, headers: Headers, topic: str, partition: int, offset: int) -> Frame:
    """The frame that stands at a place of the log. Raises `UnreadableFrame` if its headers are not a frame's.

    Lines that are more or fewer than the headers say cost only those that are broken: each stands in the frame as a
    record, for whoever decodes it to find out, unless it reads as a dead letter.
    """
    named = dict(headers)
    if named.get("v") != _FORMAT:
        raise UnreadableFrame(f"format {named.get('v', b'missing')[:20]!r} is not {_FORMAT!r}: of another version?")
    try:
        records, letters, received_at = (int(named[name]) for name in ("n", "d", "t"))
    except (KeyError, ValueError) as error:
        raise UnreadableFrame(f"its headers say too little: {error}") from None
    lines = value.split(b"\n") if value else []
    if records >= 0 <= letters and records + letters == len(lines):
        return Frame(received_at, lines[:records], lines[records:], topic, partition, offset)
    found: list[bytes] = []
    refused: list[bytes] = []
    for line in split_lines(value):
        (refused if _is_dead_letter(line) else found).append(line)
    return Frame(received_at, found, refused, topic, partition, offset)


def split_lines(value: bytes) -> list[bytes]:
    """The lines of a frame of which some may hold newlines themselves."""
    return _NEXT_LINE.split(value) if value else []


def _is_dead_letter(line: bytes) -> bool:
    try:
        _decode_dead_letter(line)
    except msgspec.MsgspecError:
        return False
    return True
