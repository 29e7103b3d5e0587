"""From the bytes of a request to single items: inflate, find out how the items were written, part them.

Content types and content encodings of real clients are wrong too often to be believed, so the bytes decide. Items are
parted without reading what is in them: one broken item must not take its neighbours along.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from ingest import bare_words
from schemas.errors import Problem

MAX_WIRE_BYTES = 1_000_000
MAX_INFLATED_BYTES = 8_000_000
MAX_ITEMS = 5_000

_GZIP = b"\x1f\x8b"
_AUTO_GZIP = zlib.MAX_WBITS | 16
_PIECE = 64 << 10
_MOST_MEMBERS = 1_000
"""Writers that pack in blocks begin a member every 64 kB, those that append to a file one for each batch."""
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_NO_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")
_HALF = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|[c-fC-F][0-9a-fA-F]{2}(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
"""Begins with what is searched for in C, and needs no call for what it finds."""
_NO_TEXT = b"\xff\xfe"
"""Bytes that no text in UTF-8 has, as many as an escaped backslash."""
BRACKETS = re.compile(rb'"(?:[^"\\]+|\\.)*"?|([{\[])|([}\]])', re.DOTALL)
"""Finds brackets outside text. Unfinished text is one match to the end, so that no byte is looked at twice."""
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")
_FIRST_LINES = 100
_SHORT = 100_000
"""Bytes of a list that may hold too many items and is still read quickly."""
_DEEPEST_READ = 64
"""Far below what the JSON reader can follow, and more than any item may have."""
_LONGEST_REPAIR = 1_000_000
"""Bytes of a body that is gone through sign by sign, because one item of it makes it unreadable."""
KEY_NAMES = ("writeKey", "write_key", "api_key")
"""Where the key of a whole body may stand in it."""
_ABSENT = msgspec.Raw()
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises when it is none (or is nested thousands of levels deep)."""


class Items(msgspec.Struct, frozen=True):
    """The items of a body in their order, each its producer's bytes, and what the body says for all of them."""

    items: list[bytes]
    sent_at: Any = None
    write_key: str = ""


def check_size(size: int) -> None:
    """Raise `Problem` as soon as it is known that a body is too large: the rest of it is not read."""
    if size > MAX_WIRE_BYTES:
        raise Problem("body_too_large", f"A body has at most {MAX_WIRE_BYTES} bytes on the wire.")


def is_packed(body: bytes) -> bool:
    """Whether this is gzip, by its first bytes."""
    return body.startswith(_GZIP)


def inflate(body: bytes, limit: int = MAX_INFLATED_BYTES) -> bytes:
    """Unpack gzip, known by its first bytes; never more than `limit`. Raises `Problem`."""
    check_size(len(body))
    if not is_packed(body):
        return body
    parts: list[bytes] = []
    left, at = limit, 0
    for _ in range(_MOST_MEMBERS):
        unpacker = zlib.decompressobj(_AUTO_GZIP)
        while not unpacker.eof:  # in pieces: what comes after a member is copied with its end
            piece = body[at : at + _PIECE]
            if not piece:
                raise Problem("malformed_body", "The gzip body ends too early.")
            try:
                part = unpacker.decompress(piece, left + 1)
            except zlib.error:
                raise Problem("malformed_body", "The body looks like gzip and cannot be unpacked.") from None
            left -= len(part)
            if left < 0:
                raise Problem("body_too_large", f"A body has at most {limit} bytes when it is unpacked.")
            parts.append(part)
            at += len(piece) - len(unpacker.unused_data)
        if not body.startswith(_GZIP, at):
            return b"".join(parts)
    raise Problem("malformed_body", f"A gzip body has at most {_MOST_MEMBERS} members.")


def unwrap(body: bytes) -> bytes:
    """Take JSON out of a form field `data=` and out of base64, as beacons of some SDKs send it."""
    body = body.removeprefix(_BOM).strip(_BLANK)
    if body.startswith(b"data="):
        body = _unquoted(body[5:].split(b"&", 1)[0].replace(b"+", b" ")).strip(_BLANK)
    if body[:1] not in (b"{", b"["):
        try:
            decoded = base64.b64decode(body, validate=True)
        except binascii.Error:
            return body
        return decoded.strip(_BLANK) if decoded[:1] in (b"{", b"[") else body
    return body


def _unquoted(text: bytes) -> bytes:
    """Percent-decoding as quoted-printable, which is read in C; to split at each sign takes a hundred times as long."""
    return binascii.a2b_qp(_NO_ESCAPE.sub(b"%25", text).replace(b"=", b"=3D").replace(b"%", b"="))


def repaired(body: bytes) -> bytes:
    r"""Half surrogate pairs (`\ud800` alone), which JSON allows and text does not, become U+FFFD."""
    if b"\\" not in body:
        return body
    if rb"\\" not in body:
        return _HALF.sub(rb"\\ufffd", body)
    if _NO_TEXT in body:
        return body  # no text either: what is not repaired is refused
    return _HALF.sub(rb"\\ufffd", body.replace(rb"\\", _NO_TEXT)).replace(_NO_TEXT, rb"\\")


def cut_deep(text: bytes) -> bytes:
    """Put null for whatever is nested hopelessly deep, so that the item that holds it can be refused on its own."""
    kept: list[bytes] = []
    level = start = 0
    for found in BRACKETS.finditer(text):
        if found[1]:
            level += 1
            if level == _DEEPEST_READ + 1:
                kept += (text[start : found.start()], b"null")
        elif found[2]:
            if level == _DEEPEST_READ + 1:
                start = found.end()
            level -= 1
    return b"".join(kept) + text[start:] if level <= _DEEPEST_READ else text


def part(body: bytes, list_key: str) -> Items:
    """The items of an unpacked body: one object, an object with a list under `list_key`, an array, or NDJSON.

    Raises `Problem` if the body cannot be parted or holds too many items.
    """
    text = repaired(unwrap(body))
    try:
        return _part(text, list_key)
    except Problem as problem:
        may_have = problem.code == "malformed_body" and len(text) <= _LONGEST_REPAIR
        hidden = bare_words.hide(text) if may_have else None
        if hidden is None:
            raise
        whole = _part(hidden, list_key)
        return msgspec.structs.replace(whole, items=[bare_words.show(item) for item in whole.items])
    except RecursionError:
        if len(text) > _LONGEST_REPAIR:
            raise Problem("malformed_body", "The body is nested too deep to be read.") from None
    try:
        return _part(cut_deep(text), list_key)
    except RecursionError:
        raise Problem("malformed_body", "The body is nested too deep to be read.") from None


def _part(text: bytes, list_key: str) -> Items:
    if text[:1] == b"[":
        return Items(_bounded(_parts_of_array(text)))
    if text[:1] != b"{":
        raise Problem("malformed_body", "Expected a JSON object, a JSON array, or one JSON object a line.")
    try:
        if not text.isascii():
            _object(text)  # the form below skips names that it does not look for, also if they are no UTF-8
        whole = _form(list_key)(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Items(_bounded(_lines(text, error)))
    if whole.list is _ABSENT:
        return Items([text], write_key=_write_key(whole))
    if bytes(whole.list) == b"null":
        raise Problem("malformed_body", f"{list_key} must be a list.", field=list_key)
    items = _bounded(_parts_of_array(bytes(whole.list), list_key))
    return Items(items, _scalar(whole.sent_at if whole.sent_at_ is _ABSENT else whole.sent_at_), _write_key(whole))


@lru_cache
def _form(list_key: str) -> Callable[[bytes], Any]:
    """Reads the few members of a body that say something for all items; the others are skipped, not built."""
    names = {"list": list_key, "sent_at_": "sentAt", **dict(zip(KEY_NAMES, KEY_NAMES, strict=True))}
    fields = [(name, msgspec.Raw, _ABSENT) for name in (*names, "sent_at")]
    return msgspec.json.Decoder(msgspec.defstruct("Form", fields, rename=names)).decode


def _parts_of_array(text: bytes, field: str | None = None) -> list[bytes]:
    try:
        if len(text) < _SHORT:
            return [bytes(item) for item in _list(text)]
        return [bytes(item) for item in msgspec.structs.astuple(_first()(text)) if item is not _ABSENT]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Problem("malformed_body", f"The list cannot be read: {error}", field=field) from None


@lru_cache
def _first() -> Callable[[bytes], Any]:
    """Reads an array up to one item more than there may be; the others are looked over, not built."""
    fields = [(f"item{number}", msgspec.Raw, _ABSENT) for number in range(MAX_ITEMS + 1)]
    return msgspec.json.Decoder(msgspec.defstruct("First", fields, array_like=True)).decode


def _lines(text: bytes, error: Exception) -> list[bytes]:
    """NDJSON, where a broken line is a broken item; unless none of the first lines is an object, then the body is
    broken.
    """
    found = (match[0].rstrip(_BLANK) for match in _LINE.finditer(text))
    lines = list(islice(found, _FIRST_LINES))
    if len(lines) < 2 or not any(_is_object(line) for line in lines):
        raise Problem("malformed_body", f"The body cannot be read: {error}") from None
    return [*lines, *islice(found, MAX_ITEMS + 1 - len(lines))]


def _is_object(line: bytes) -> bool:
    try:
        _object(line)
    except UNREADABLE:
        return False
    return True


def _bounded(items: list[bytes]) -> list[bytes]:
    if len(items) > MAX_ITEMS:
        raise Problem("body_too_large", f"A body has at most {MAX_ITEMS} items.")
    return items


def _scalar(raw: msgspec.Raw) -> Any:
    try:
        return None if raw is _ABSENT else _any(raw)
    except UNREADABLE:
        return False


def _write_key(whole: Any) -> str:
    for raw in (whole.writeKey, whole.write_key, whole.api_key):
        if raw is not _ABSENT and isinstance(key := _scalar(raw), str) and key:
            return key
    return ""
