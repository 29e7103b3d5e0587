"""Follows tickets: the set of everything that happened to one, sorted when read (docs/definitions.md#tickets)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.events.fields import flag, instant, text, word
from schemas.events.words import NAMES as PRIORITIES
from schemas.events.words import TICKET_STATUSES
from schemas.facts import (
    AGENT_REPLY,
    BOT_REPLY,
    BY_BOT,
    CREATED_BY_AGENT,
    CUSTOMER_REPLY,
    IS_CREATED,
    PENDING,
    READ_AGAIN,
)
from schemas.limits import NEVER_MS
from schemas.tables import TICKETS
from stream_processors.incoming import NONE_YET, Incoming

TABLE = TICKETS
CREATED, REOPENED, OTHER, SOLVED, CLOSED, REMOVED, RESTORED = range(7)
_RANKS = {
    "ticket_created": CREATED,
    "ticket_reopened": REOPENED,
    "ticket_replied": OTHER,
    "ticket_assigned": OTHER,
    "ticket_transferred": OTHER,
    "ticket_rated": OTHER,
    "ticket_status_changed": OTHER,
    "ticket_solved": SOLVED,
    "ticket_closed": CLOSED,
    "ticket_merged": REMOVED,
    "ticket_deleted": REMOVED,
    "ticket_marked_as_spam": REMOVED,
    "ticket_undeleted": RESTORED,
}
NAMES = frozenset(_RANKS)
_STATUSES = {
    "open": (REOPENED, 0),
    "pending": (REOPENED, PENDING),
    "solved": (SOLVED, 0),
    "closed": (CLOSED, 0),
    "merged": (REMOVED, 0),
    "deleted": (REMOVED, 0),
    "spam": (REMOVED, 0),
    "undeleted": (RESTORED, 0),
}
"""What a status does; one that is not listed does nothing."""


def _rank_and_marks(event: Incoming) -> tuple[int, int]:
    name = event.record.name
    rank = _RANKS[name]
    if name == "ticket_status_changed":
        return _STATUSES.get(word(event.properties, "to", TICKET_STATUSES), (rank, 0))
    if name == "ticket_created":
        return rank, IS_CREATED | (CREATED_BY_AGENT if event.author == "agent" else 0)
    if name == "ticket_replied" and event.author == "customer":
        return rank, CUSTOMER_REPLY
    if name == "ticket_replied" and flag(event.properties, "public") is not False:
        return rank, {"agent": AGENT_REPLY, "bot": BOT_REPLY}.get(event.author, 0)
    return rank, 0


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for the ticket that the event names. Only what a person did tells who the ticket's person is."""
    record = event.record
    ticket_id = text(event.properties, "ticket_id")
    if not ticket_id:
        return
    rank, marks = _rank_and_marks(event)
    told = instant(event.properties, "created_at")
    _, actor, country, channel, device = event.first_and_dimensions()
    yield (
        record.tenant,
        ticket_id,
        actor if event.person_class else NONE_YET,
        country,
        channel,
        device,
        event.earliest(word(event.properties, "priority", PRIORITIES)),
        [
            (
                record.time,
                record.sequence,
                event.event_id,
                record.hash,
                rank,
                marks | READ_AGAIN | (BY_BOT if record.bot else 0),
                text(event.properties, "agent_id"),
                NEVER_MS if told is None else told,
            )
        ],
    )
