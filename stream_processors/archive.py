"""Keeps every event as it came: the source of replays, explanations and whatever facts cannot answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.tables import EVENTS
from stream_processors.incoming import Incoming

TABLE = EVENTS
NAMES = None


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """One row per copy of an event."""
    record = event.record
    yield (
        record.tenant,
        record.name,
        record.time,
        event.event_id,
        record.hash,
        record.source,
        record.message_id,
        record.raw_name,
        record.original_time,
        record.sent_at,
        record.received_at,
        record.sequence,
        event.actor,
        int(event.person_class),
        record.user_id,
        record.anonymous_id,
        record.previous_id,
        record.session_id,
        record.country,
        record.channel,
        record.device,
        int(record.bot),
        record.traits,
        str(record.properties, "utf-8"),
        str(record.context, "utf-8"),
        record.request_id,
    )
