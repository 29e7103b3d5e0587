"""Folds the end of the archive again, after a death between the two inserts. For facts anew: rebuild.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from schemas.ports import Store
from schemas.record import Record
from schemas.tables import EVENTS
from stream_processors.processor import Processor
from stream_processors.refusing import put_or_refuse

_BATCH = 20_000
FIELDS = tuple(column.name for column in EVENTS.columns if column.name not in ("actor", "person_class"))
"""What of the archive a record is made of."""


def _ms(value: datetime) -> int:
    return round(value.timestamp() * 1000)


def archived(row: tuple[Any, ...]) -> Record:
    """The record that a row of the archive (its `FIELDS`) was made of."""
    fields = dict(zip(FIELDS, row, strict=True))
    for name in ("time", "received_at"):
        fields[name] = _ms(fields[name])
    for name in ("properties", "context"):
        fields[name] = msgspec.Raw(fields[name].encode())
    fields["event_id"] = str(fields["event_id"])
    fields["bot"] = bool(fields["bot"])
    return Record(**fields)


async def refold(store: Store, since_ms: int) -> int:
    """Fold what the archive received since `since_ms`; returns how many copies of events that were.

    A row whose facts cannot be stored is logged and left out: the event stays in the archive, and nothing waits for it.
    """
    processor = Processor(store)
    done, after = 0, (since_ms, 0)
    while True:
        rows = await store.query(
            f"SELECT {', '.join(FIELDS)}, cityHash64(event_id, hash) AS place FROM events "
            "WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') "
            "AND (toUnixTimestamp64Milli(received_at), place) > ({since:Int64}, {place:UInt64}) "
            f"ORDER BY received_at, place LIMIT {_BATCH}",
            {"since": after[0], "place": after[1]},
        )
        records = [archived(row[:-1]) for row in rows]
        if records:
            await put_or_refuse(lambda records, _: processor.refold(records), records)
            done += len(records)
            after = (records[-1].received_at, rows[-1][-1])
        if len(rows) < _BATCH:
            return done
