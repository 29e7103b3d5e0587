"""Keeps what was refused with its reason and its place, so that it can be read and sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from schemas.record import DeadLetter
from schemas.tables import DEAD_LETTERS

TABLE = DEAD_LETTERS


def fold(letter: DeadLetter) -> Iterator[tuple[Any, ...]]:
    """One row per refused item; the digest keeps two items of one place apart and the same one together."""
    digest = hashlib.blake2b(f"{letter.message_id}\0{letter.payload}".encode(), digest_size=8).digest()
    yield (
        letter.tenant,
        letter.received_at,
        letter.reason,
        letter.source,
        letter.field,
        letter.message,
        letter.message_id,
        letter.payload,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.index,
        int.from_bytes(digest, "big"),
        letter.request_id,
    )
