"""Events of calls and chats: the steps of a contact from its start through menus, queues and agents to its end.

Every event may name the contact's person, tell when an agent says that it is `resolved`, or that the first level could
not solve it (`solvable`). A call-back names the call that it belongs to in `initial_call_id`.
"""

from __future__ import annotations

from schemas.events.declared import Declared
from schemas.events.types import (
    Author,
    Direction,
    Disconnector,
    EndsIn,
    Flag,
    Id,
    Name,
    NotNegative,
    TransferType,
)


class OfContact:
    """What any step of a contact may tell of it."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    ticket_id: Id
    agent_id: Id
    direction: Direction
    topic: Name
    intent: Name
    depth: NotNegative
    talk_s: NotNegative
    hold_s: NotNegative
    acw_s: NotNegative
    out_of_hours: Flag
    resolved: Flag
    solvable: Flag


class CallStarted(OfContact, Declared, family="contact"):
    """Somebody calls, or is called (direction outbound)."""


class IvrMenuEntered(OfContact, Declared, family="contact", actor="system"):
    """A menu was read out (or shown) to the caller."""

    menu_id: Id


class IvrOptionSelected(OfContact, Declared, family="contact"):
    """The caller chose something in a menu."""


class IvrGoalReached(OfContact, Declared, family="contact", actor="system"):
    """Self-service gave the customer what they came for."""


class CallQueued(OfContact, Declared, family="contact", actor="system"):
    """The contact waits for an agent."""

    queue: Name


class CallAnswered(OfContact, Declared, family="contact", actor="agent"):
    """An agent has the contact."""


class CallTransferred(OfContact, Declared, family="contact", actor="agent"):
    """The contact was passed on; `transfer_type` is blind (if unset), warm, consult or conference."""

    transfer_type: TransferType


class CallEnded(OfContact, Declared, family="contact", actor="system"):
    """The contact is over: `ended_in` ivr, queue or agent, `disconnect_by` whom or what."""

    ended_in: EndsIn
    disconnect_by: Disconnector


class CallWrapUpEnded(OfContact, Declared, family="contact", actor="agent"):
    """The agent has finished the work after the contact."""


class LiveChatConversationStarted(OfContact, Declared, family="contact"):
    """Somebody begins to chat."""


class LiveChatMessageSent(OfContact, Declared, family="contact"):
    """The customer wrote."""


class LiveChatMessageReceived(OfContact, Declared, family="contact", actor="agent"):
    """An agent wrote, or a bot (author_type bot)."""

    author_type: Author


class LiveChatConversationEnded(OfContact, Declared, family="contact", actor="system"):
    """The chat is over."""

    conversation_duration: NotNegative
    disconnect_by: Disconnector
