"""Keeps what events say of their actor (plan, tier, …), so that a person's latest value before any instant is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.tables import TRAITS
from stream_processors.incoming import Incoming

TABLE = TRAITS
NAMES = None


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """One row per trait that an event with an actor gives, or takes away (an empty value)."""
    record = event.record
    if event.actor:
        for trait, value in record.traits.items():
            yield (
                record.tenant,
                trait,
                event.actor,
                record.time,
                record.sequence,
                event.event_id,
                record.hash,
                value,
            )
