"""Marks the quarter-hours in which an actor did something, so that any zone's day can be cut exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.facts import QUARTER_MS
from schemas.periods import DAY_MS
from schemas.tables import ACTIVITY
from stream_processors.incoming import Incoming

TABLE = ACTIVITY
NAMES = None


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """One bit of the actor's day; nothing for bots, for what was done to a person, or without an actor."""
    record = event.record
    if event.person_class and event.actor and not record.bot:
        yield record.tenant, event.day, event.actor, 1 << (record.time % DAY_MS // QUARTER_MS)
