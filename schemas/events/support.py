"""Events of asking for help: all that happens to a ticket, and what a help desk says that we have no name for."""

from __future__ import annotations

from schemas.events.declared import Declared
from schemas.events.types import (
    Author,
    Flag,
    Id,
    Instant,
    Name,
    Number,
    Polarity,
    RequiredId,
    Score,
    Text,
    TicketStatus,
)


class OfTicket:
    """What any event of a ticket may tell of it."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    priority: Name


class TicketCreated(OfTicket, Declared, family="ticket", entities=("ticket",)):
    """A customer asked for help (or an agent opened the ticket: author_type agent)."""

    author_type: Author
    category: Name


class TicketReplied(OfTicket, Declared, family="ticket", entities=("ticket",)):
    """Somebody wrote; whether a person, an agent or a bot did is in author_type."""

    author_type: Author
    public: Flag


class TicketAssigned(OfTicket, Declared, family="ticket", actor="agent", entities=("ticket",)):
    """An agent or a group got the ticket."""

    group_id: Id


class TicketTransferred(OfTicket, Declared, family="ticket", actor="agent", entities=("ticket",)):
    """The ticket went from one agent or group to another."""

    group_id: Id


class TicketStatusChanged(OfTicket, Declared, family="ticket", actor="agent", entities=("ticket",)):
    """The status went `from` one `to` another: open, pending, solved, closed, merged, deleted, spam, undeleted."""

    to: TicketStatus


class TicketSolved(
    OfTicket, Declared, family="ticket", actor="agent", entities=("ticket",), aliases=("ticket_resolved",)
):
    """The ticket was solved."""


class TicketReopened(OfTicket, Declared, family="ticket", actor="system", entities=("ticket",)):
    """The ticket is open again."""

    reason: Name


class TicketClosed(OfTicket, Declared, family="ticket", actor="system", entities=("ticket",)):
    """The ticket was closed."""


class TicketMerged(
    OfTicket,
    Declared,
    family="ticket",
    actor="agent",
    entities=("ticket",),
    aliases=("ticket_merge", "tickets_merged"),
):
    """The ticket went into another one: it is out of the backlog and of every denominator."""

    merged_into: Id


class TicketDeleted(
    OfTicket,
    Declared,
    family="ticket",
    actor="agent",
    entities=("ticket",),
    aliases=("ticket_soft_deleted", "ticket_permanently_deleted", "ticket_trashed", "ticket_removed"),
):
    """The ticket was deleted: it is out of the backlog and of every denominator."""


class TicketMarkedAsSpam(
    OfTicket,
    Declared,
    family="ticket",
    actor="agent",
    entities=("ticket",),
    aliases=("ticket_spam", "ticket_marked_spam", "ticket_spammed", "ticket_suspended"),
):
    """The ticket was nobody's question: it is out of the backlog and of every denominator."""


class TicketUndeleted(
    OfTicket,
    Declared,
    family="ticket",
    actor="agent",
    entities=("ticket",),
    aliases=("ticket_restored", "ticket_recovered", "ticket_untrashed", "ticket_unmarked_as_spam"),
):
    """The ticket was taken back from the deleted ones, as it was before."""


class TicketRated(OfTicket, Declared, family="ticket", entities=("ticket",)):
    """The customer judged how they were helped; with a `score` it is an answer to a CSAT question."""

    score: Score
    scale_min: Number
    scale_max: Number
    polarity: Polarity
    version: Number
    completed: Flag
    survey_id: Id
    invite_id: Id


class WebhookOther(Declared, family="other", actor="system"):
    """What a webhook said that has no name here; kept raw."""

    type: Text
