"""Events of asking for help: all that happens to a ticket, and what a help desk says that we have no name for."""

from __future__ import annotations

from schemas.events.declared import Author, Declared, Flag, Id, Instant, Number, RequiredId, Text


class TicketCreated(Declared, family="ticket", entities=("ticket",)):
    """A customer asked for help (or an agent opened the ticket: author_type agent)."""

    ticket_id: RequiredId
    created_at: Instant
    author_type: Author
    channel: Text
    category: Text
    priority: Text
    agent_id: Id


class TicketReplied(Declared, family="ticket", entities=("ticket",)):
    """Somebody wrote; whether a person, an agent or a bot did is in author_type."""

    ticket_id: RequiredId
    created_at: Instant
    author_type: Author
    public: Flag
    channel: Text
    priority: Text
    agent_id: Id


class TicketAssigned(Declared, family="ticket", actor="agent", entities=("ticket",)):
    """An agent or a group got the ticket."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    group_id: Id
    priority: Text


class TicketTransferred(Declared, family="ticket", actor="agent", entities=("ticket",)):
    """The ticket went from one agent or group to another."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    group_id: Id
    priority: Text


class TicketStatusChanged(Declared, family="ticket", actor="agent", entities=("ticket",)):
    """The status went `from` one `to` another; solved and closed solve the ticket, any other opens it."""

    ticket_id: RequiredId
    created_at: Instant
    to: Text
    agent_id: Id
    priority: Text


class TicketSolved(Declared, family="ticket", actor="agent", entities=("ticket",), aliases=("ticket_resolved",)):
    """The ticket was solved."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    priority: Text


class TicketReopened(Declared, family="ticket", actor="system", entities=("ticket",)):
    """The ticket is open again."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    priority: Text
    reason: Text


class TicketClosed(Declared, family="ticket", actor="system", entities=("ticket",)):
    """The ticket was closed."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    priority: Text


class TicketRated(Declared, family="ticket", entities=("ticket",)):
    """The customer judged how they were helped; with a `score` it is an answer to a CSAT question."""

    ticket_id: RequiredId
    created_at: Instant
    agent_id: Id
    priority: Text
    score: Text
    scale_min: Number
    scale_max: Number
    polarity: Text
    version: Number
    completed: Flag


class WebhookOther(Declared, family="other", actor="system"):
    """What a webhook said that has no name here; kept raw."""

    type: Text
