"""Stores a batch whatever is in it: what the store refuses, or no fold can read, becomes a dead letter of its own.

The batch is halved until what is refused stands alone, so that it takes no neighbour with it. Half of such an event may
be stored already; storing it again, once the cause is mended (`sojourn dead-letters replay`), changes nothing of that.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from schemas.ports import StoreRejected
from schemas.record import DeadLetter, Frame, Record, encode, payload
from stream_processors.processor import Processor, Refused, decode

logger = logging.getLogger(__name__)

Put = Callable[[Sequence[Record], Sequence[DeadLetter]], Awaitable[None]]
"""Stores both or raises what the store raises."""


class LetterRefused(Exception):
    """The store takes not even dead letters: it is the store, or this version, that is wrong and not a row."""


async def put_or_refuse(put: Put, records: Sequence[Record], letters: Sequence[DeadLetter] = ()) -> list[Refused]:
    """Store, and answer the records that can never be. Raises `StoreUnavailable`, `LetterRefused`."""
    try:
        await put(records, letters)
    except StoreRejected as error:
        if len(records) + len(letters) <= 1:
            if not records:
                raise LetterRefused(f"the store refuses a dead letter: {error}") from error
            logger.warning("event %s can never be stored: %s", records[0].event_id, error)
            return [_unstorable(records[0], error)]
        if letters and records:
            return [*await put_or_refuse(put, [], letters), *await put_or_refuse(put, records)]
        half = max(len(records), len(letters)) // 2
        first = await put_or_refuse(put, records[:half], letters[:half])
        return [*first, *await put_or_refuse(put, records[half:], letters[half:])]
    return []


def _unstorable(record: Record, error: StoreRejected) -> Refused:
    line = encode(record)
    letter = DeadLetter(
        tenant=record.tenant,
        source=record.source,
        received_at=record.received_at,
        reason="unstorable_record",
        request_id=record.request_id,
        message=str(error),
        message_id=record.message_id,
        payload=payload(line),
    )
    return Refused(letter, line)


async def write(processor: Processor, frames: Sequence[Frame]) -> list[Refused]:
    """Frames into the store, whatever is in them; answers the records that can never be: they are dead letters now.

    Raises `StoreUnavailable`, `LetterRefused`.
    """
    decoded = decode(frames)
    refused = await put_or_refuse(processor.store, decoded.records, [each.letter for each in decoded.refused])
    if refused:
        await put_or_refuse(processor.store, [], [each.letter for each in refused])
    return refused
