"""Calls and chats put together from their events: who had them, for how long, where they went.

Decided here where the specification is silent: tests/logs/README.md, under contacts. The person is that of the
earliest event with an id, whoever did it: the caller is named by what the switchboard says as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from tests.reference.copies import Copy
from tests.reference.surveys import number
from tests.reference.unit import first_of

# In the order in which they follow each other, should they bear one time.
KINDS = (
    "call_started", "live_chat_conversation_started", "live_chat_message_sent", "ivr_menu_entered",
    "ivr_option_selected", "ivr_goal_reached", "call_queued", "call_answered", "live_chat_message_received",
    "call_transferred", "call_ended", "live_chat_conversation_ended", "call_wrap_up_ended",
)  # fmt: skip
RANK = {name: rank for rank, name in enumerate(KINDS)}
STARTS = ("call_started", "live_chat_conversation_started")
ENDS = ("call_ended", "live_chat_conversation_ended")
AWAY = ("call_queued", "call_transferred")
FLOW = frozenset(("system", "ivr", "flow"))
BROKEN = frozenset(("error", "technical", "network", "timeout"))


def by_agent(copy: Copy) -> bool:
    """Whether an agent has the contact from this event on."""
    if copy.name == "live_chat_message_received":
        return copy.text("author_type").lower() in {"agent", ""}
    return copy.name == "call_answered"


def in_self_service(copy: Copy) -> bool:
    if copy.name == "live_chat_message_received":
        return copy.text("author_type").lower() == "bot"
    return copy.name in ("ivr_menu_entered", "ivr_option_selected")


@dataclass
class Contact:
    id: str
    copies: list[Copy]

    @cached_property
    def history(self) -> list[Copy]:
        return sorted(
            (copy for copy in self.copies if copy.canonical),
            key=lambda copy: (copy.time, copy.sequence, RANK[copy.name], copy.event_id),
        )

    @property
    def start(self) -> int:
        return min(copy.time for copy in self.copies)

    @property
    def bot(self) -> bool:
        return min(self.copies, key=lambda copy: copy.order).bot

    @property
    def actor(self) -> str:
        return first_of(self.copies, lambda copy: copy.actor)

    @cached_property
    def answered(self) -> int | None:
        """When an agent first had it."""
        return min((copy.time for copy in self.history if by_agent(copy)), default=None)

    @cached_property
    def end(self) -> int | None:
        """None where it goes on, or goes on again."""
        end = None
        for copy in self.history:
            if copy.name in ENDS:
                end = copy.time
            elif copy.name in STARTS or by_agent(copy):
                end = None
        return end

    @property
    def outbound(self) -> bool:
        return first_of(self.copies, lambda copy: copy.text("direction")).lower() == "outbound"

    @property
    def topic(self) -> str:
        return first_of(self.copies, lambda copy: copy.text("topic")).lower() or self.intent

    @property
    def intent(self) -> str:
        """The last one named."""
        return next((found.lower() for copy in reversed(self.history) if (found := copy.text("intent"))), "")

    @property
    def ticket(self) -> str:
        return first_of(self.copies, lambda copy: copy.text("ticket_id"))

    def dimension(self, name: str) -> str:
        if name == "agent":
            return next((found for copy in reversed(self.history) if (found := copy.text("agent_id"))), "")
        return first_of(self.copies, lambda copy: copy.dimension(name))

    def declared(self) -> tuple[bool | None, int]:
        """Whether the latest word of an agent says that it is resolved, and when that was."""
        for copy in reversed(self.history):
            if (said := copy.properties.get("resolved")) is not None:
                return said in (True, "true"), copy.time
        return None, 0

    @property
    def solvable(self) -> bool:
        return not any(copy.properties.get("solvable") in (False, "false") for copy in self.history)

    def told(self, key: str) -> int | None:
        """The sum in ms of what the events tell in seconds."""
        found = [value for copy in self.history if (value := number(copy.properties.get(key))) is not None]
        return int((sum(found, Decimal(0)) * 1000).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if found else None

    def handling(self, parts: Iterable[str]) -> int:
        """Talk, hold and wrap-up in ms, by the clock where nobody tells."""
        talk, wrap = self.told("talk_s"), self.told("acw_s")
        whole = {
            "talk": self._clocked() if talk is None else talk,
            "hold": self.told("hold_s") or 0,
            "wrap": self._wrapped() if wrap is None else wrap,
        }
        return sum(whole[part] for part in set(parts))

    def _clocked(self) -> int:
        total, since = 0, None
        for copy in self.history:
            if by_agent(copy):
                since = copy.time if since is None else since
            elif since is not None and (copy.name in ENDS or copy.name == "call_transferred"):
                total, since = total + copy.time - since, None
        return total

    def _wrapped(self) -> int:
        total, since = 0, None
        for copy in self.history:
            if copy.name in ENDS:
                since = copy.time
            elif copy.name == "call_wrap_up_ended" and since is not None:
                total, since = total + copy.time - since, None
        return total

    @cached_property
    def transfers(self) -> Counter[str]:
        """By type; those before the first agent as `ivr`."""
        found: Counter[str] = Counter()
        had = False
        for copy in self.history:
            had |= by_agent(copy)
            if copy.name == "call_transferred":
                found[copy.text("transfer_type").lower() or "blind" if had else "ivr"] += 1
        return found

    @cached_property
    def entered(self) -> int | None:
        """When self-service began."""
        return min((copy.time for copy in self.history if in_self_service(copy)), default=None)

    def outcome(self, goals: frozenset[str]) -> str:
        """completed, abandoned, transferred or technical."""
        if any(copy.name in AWAY or by_agent(copy) for copy in self.history):
            return "transferred"
        ends = [
            copy.text("disconnect_by").lower()
            for copy in self.history
            if copy.name == "call_ended" and copy.text("ended_in").lower() == "ivr"
        ]
        if any(copy.name in (goals or {"ivr_goal_reached"}) for copy in self.history):
            return "completed"
        if not goals and FLOW.intersection(ends):
            return "completed"
        broken = any(copy.text("disconnect_by").lower() in BROKEN for copy in self.history if copy.name in ENDS)
        return "technical" if broken else "abandoned"

    def chosen(self) -> set[tuple[int, str]]:
        """(depth, intent) of the options chosen."""
        found, menu = set(), 1
        for copy in self.history:
            depth = number(copy.properties.get("depth"))
            if copy.name == "ivr_menu_entered":
                menu = 1 if depth is None else int(depth)
            elif copy.name == "ivr_option_selected" and copy.text("intent"):
                found.add((menu if depth is None else int(depth), copy.text("intent").lower()))
        return found


def contact_id(copy: Copy) -> str:
    if copy.name not in RANK:
        return ""
    return copy.text("initial_call_id") or copy.text("call_id") or copy.text("conversation_id")


def contacts_of(copies: Iterable[Copy]) -> list[Contact]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if named := contact_id(copy):
            by_id[named].append(copy)
    return [Contact(key, found) for key, found in by_id.items()]
