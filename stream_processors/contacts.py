"""Follows contacts (calls, chats): the set of the steps of each, sorted when read. A call-back that names the first
call is a leg of it. Whatever names the caller tells whose the contact is: the switchboard's events too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.events import words
from schemas.events.fields import flag, number, text, word
from schemas.facts import (
    AGENT_HAS,
    BLIND,
    BROKEN,
    CONFERENCE,
    CONSULT,
    ENDS,
    FLOWED,
    OUT_OF_HOURS,
    PASSED_ON,
    RESOLVED,
    SELF_SERVICE,
    STARTS,
    STEPS,
    UNRESOLVED,
    UNSOLVABLE,
    WARM,
)
from schemas.tables import CONTACTS, NO_NUMBER
from stream_processors.incoming import Incoming

TABLE = CONTACTS
MILLION = 1_000_000
_RANKS = {name: rank for rank, name in enumerate(STEPS)}
NAMES = frozenset(_RANKS)
_MARKS = {
    "call_started": STARTS,
    "live_chat_conversation_started": STARTS,
    "ivr_menu_entered": SELF_SERVICE,
    "ivr_option_selected": SELF_SERVICE,
    "call_queued": PASSED_ON,
    "call_transferred": PASSED_ON,
    "call_answered": AGENT_HAS,
    "call_ended": ENDS,
    "live_chat_conversation_ended": ENDS,
}
_WRITERS = {"": AGENT_HAS, "agent": AGENT_HAS, "bot": SELF_SERVICE}
_TRANSFERS = {"": BLIND, "blind": BLIND, "warm": WARM, "consult": CONSULT, "conference": CONFERENCE}


def _marks(name: str, properties: Mapping[str, Any]) -> int:
    marks = _MARKS.get(name, 0)
    if name == "live_chat_message_received":
        marks |= _WRITERS.get(word(properties, "author_type", words.AUTHORS), 0)
    elif name == "call_transferred":
        marks |= _TRANSFERS.get(word(properties, "transfer_type", words.TRANSFER_TYPES), 0)
    elif marks & ENDS:
        by = word(properties, "disconnect_by", words.DISCONNECTORS)
        in_menu = name == "call_ended" and word(properties, "ended_in", words.ENDS_IN) == "ivr"
        marks |= (FLOWED if in_menu and by == "flow" else 0) | (BROKEN if by == "fault" else 0)
    resolved = flag(properties, "resolved")
    if resolved is not None:
        marks |= RESOLVED if resolved else UNRESOLVED
    return (
        marks
        | (OUT_OF_HOURS if flag(properties, "out_of_hours") else 0)
        | (UNSOLVABLE if flag(properties, "solvable") is False else 0)
    )


def _millionths(properties: Mapping[str, Any], field: str) -> int:
    value = number(properties, field)
    return NO_NUMBER if value is None else int(value * MILLION)


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """A row for the contact that the event names."""
    record, properties = event.record, event.properties
    keys = ("initial_call_id", "call_id", "conversation_id")
    contact = next((named for key in keys if (named := text(properties, key))), "")
    if not contact:
        return
    depth = number(properties, "depth")
    yield (
        record.tenant,
        event.day,
        contact,
        *event.first_and_dimensions(),
        event.earliest(word(properties, "direction", words.DIRECTIONS)),
        event.earliest(word(properties, "topic", words.NAMES)),
        event.earliest(text(properties, "ticket_id")),
        [
            (
                record.time,
                record.sequence,
                event.event_id,
                record.hash,
                _RANKS[record.name],
                _marks(record.name, properties),
                text(properties, "agent_id"),
                word(properties, "intent", words.NAMES),
                NO_NUMBER if depth is None else int(depth),
                *(_millionths(properties, field) for field in ("talk_s", "hold_s", "acw_s")),
            )
        ],
    )
