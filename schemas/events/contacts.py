"""Events of calls and chats: the steps of a contact from its start through menus, queues and agents to its end.

Every event may name the contact's person, tell when an agent says that it is `resolved`, or that the first level could
not solve it (`solvable`). A call-back names the call that it belongs to in `initial_call_id`.
"""

from __future__ import annotations

from schemas.events.declared import Author, Declared, Flag, Id, Number, Text


class CallStarted(Declared, family="contact"):
    """Somebody calls, or is called (direction outbound)."""

    call_id: Id
    initial_call_id: Id
    ticket_id: Id
    direction: Text
    channel: Text
    topic: Text
    intent: Text
    out_of_hours: Flag


class IvrMenuEntered(Declared, family="contact", actor="system"):
    """A menu was read out (or shown) to the caller."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    menu_id: Id
    depth: Number
    channel: Text
    out_of_hours: Flag


class IvrOptionSelected(Declared, family="contact"):
    """The caller chose something in a menu."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    intent: Text
    depth: Number
    channel: Text
    out_of_hours: Flag


class IvrGoalReached(Declared, family="contact", actor="system"):
    """Self-service gave the customer what they came for."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    intent: Text
    channel: Text


class CallQueued(Declared, family="contact", actor="system"):
    """The contact waits for an agent."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    ticket_id: Id
    queue: Text
    channel: Text
    topic: Text
    intent: Text
    out_of_hours: Flag


class CallAnswered(Declared, family="contact", actor="agent"):
    """An agent has the contact."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    ticket_id: Id
    agent_id: Id
    channel: Text
    topic: Text
    intent: Text


class CallTransferred(Declared, family="contact", actor="agent"):
    """The contact was passed on; `transfer_type` is blind (if unset), warm, consult or conference."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    transfer_type: Text
    agent_id: Id
    talk_s: Number
    hold_s: Number


class CallEnded(Declared, family="contact", actor="system"):
    """The contact is over: `ended_in` ivr, queue or agent, `disconnect_by` whom or what."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    ticket_id: Id
    ended_in: Text
    disconnect_by: Text
    agent_id: Id
    talk_s: Number
    hold_s: Number
    acw_s: Number
    topic: Text
    intent: Text
    resolved: Flag
    solvable: Flag


class CallWrapUpEnded(Declared, family="contact", actor="agent"):
    """The agent has finished the work after the contact."""

    call_id: Id
    initial_call_id: Id
    conversation_id: Id
    ticket_id: Id
    agent_id: Id
    acw_s: Number
    topic: Text
    resolved: Flag
    solvable: Flag


class LiveChatConversationStarted(Declared, family="contact"):
    """Somebody begins to chat."""

    conversation_id: Id
    ticket_id: Id
    channel: Text
    topic: Text
    intent: Text
    out_of_hours: Flag


class LiveChatMessageSent(Declared, family="contact"):
    """The customer wrote."""

    conversation_id: Id
    channel: Text
    intent: Text


class LiveChatMessageReceived(Declared, family="contact", actor="agent"):
    """An agent wrote, or a bot (author_type bot)."""

    conversation_id: Id
    author_type: Author
    agent_id: Id
    channel: Text
    intent: Text
    out_of_hours: Flag


class LiveChatConversationEnded(Declared, family="contact", actor="system"):
    """The chat is over."""

    conversation_id: Id
    ticket_id: Id
    conversation_duration: Number
    disconnect_by: Text
    topic: Text
    intent: Text
    resolved: Flag
    solvable: Flag
