"""Tickets: their transitions sorted and collapsed, and what each ticket metric reads from them.

Decided here: a ticket's present assignee is the agent_id of its latest event that has one; the resolver the author of
the last public agent reply, with an agent_id, sorted before the latest solve. `pending=exclude` shortens the clock of
what was solved; an open ticket's age is the whole of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tests.reference.copies import Copy, instant
from tests.reference.unit import first_of

CREATED, REOPENED, OTHER, SOLVED, CLOSED, REMOVED, RESTORED = range(7)
PENDING = frozenset(("pending", "hold", "on hold", "waiting", "snoozed"))
STATUSES = {
    **dict.fromkeys(PENDING, REOPENED), "open": REOPENED, "new": REOPENED, "in progress": REOPENED,
    "reopened": REOPENED, "solved": SOLVED, "resolved": SOLVED, "done": SOLVED, "completed": SOLVED, "fixed": SOLVED,
    "closed": CLOSED, "merged": REMOVED, "deleted": REMOVED, "spam": REMOVED, "undeleted": RESTORED,
}  # fmt: skip
NAMES = {
    "ticket_created": CREATED, "ticket_reopened": REOPENED, "ticket_solved": SOLVED, "ticket_closed": CLOSED,
    "ticket_merged": REMOVED, "ticket_deleted": REMOVED, "ticket_marked_as_spam": REMOVED, "ticket_undeleted": RESTORED,
}  # fmt: skip


def status(copy: Copy) -> str:
    return re.sub(r"[\s_-]+", " ", copy.text("to").lower())


def rank(copy: Copy) -> int:
    """What an event does to a ticket; an unknown status does nothing."""
    return STATUSES.get(status(copy), OTHER) if copy.name == "ticket_status_changed" else NAMES.get(copy.name, OTHER)


@dataclass
class Ticket:
    id: str
    copies: list[Copy]

    def until(self, instant: int) -> Ticket:
        """The ticket with only what had happened before an instant."""
        past = Ticket(self.id, self.copies)
        past.history = [copy for copy in self.history if copy.time < instant]
        return past

    @cached_property
    def history(self) -> list[Copy]:
        """Canonical copies in the order of transitions."""
        return sorted(
            (copy for copy in self.copies if copy.canonical),
            key=lambda copy: (copy.time, copy.sequence, rank(copy), copy.event_id),
        )

    @cached_property
    def created(self) -> int | None:
        told = [found for copy in self.history if (found := instant(copy.properties.get("created_at"))) is not None]
        made = [copy.time for copy in self.history if copy.name == "ticket_created"]
        return min(told) if told else min(made, default=None)

    @cached_property
    def first(self) -> int:
        return min(copy.time for copy in self.history)

    @property
    def entry(self) -> int:
        return self.first if self.created is None else self.created

    @cached_property
    def turns(self) -> list[tuple[bool, Copy]]:
        """(solved?, event) of each change of state; a transition into the present state is none."""
        found: list[tuple[bool, Copy]] = []
        for copy in self.history:
            kind = rank(copy)
            if kind in (SOLVED, CLOSED, REOPENED):
                solved = kind != REOPENED
                if solved != (found[-1][0] if found else False):
                    found.append((solved, copy))
        return found

    def solved(self, at: int | None = None) -> bool:
        before = [solved for solved, copy in self.turns if at is None or copy.time < at]
        return bool(before) and before[-1]

    @property
    def removed(self) -> bool:
        """Merged, deleted or spam, and not taken back nor opened again since."""
        last = [rank(copy) for copy in self.history if rank(copy) in (REOPENED, REMOVED, RESTORED)]
        return bool(last) and last[-1] == REMOVED

    def flows(self) -> list[tuple[bool, int]]:
        """(whether it is in the backlog from now on, time) of each change of that."""
        found, solved, removed = list[tuple[bool, int]](), False, False
        for copy in self.history:
            kind = rank(copy)
            solved = kind in (SOLVED, CLOSED) or (solved and kind != REOPENED)
            removed = kind == REMOVED or (removed and kind not in (REOPENED, RESTORED))
            inside = not solved and not removed
            if inside != (found[-1][0] if found else True):
                found.append((inside, copy.time))
        return found

    @property
    def solves(self) -> list[int]:
        return [copy.time for solved, copy in self.turns if solved]

    def pending(self, until: int) -> int:
        """How long between creation and `until` the ticket waited for the customer."""
        total, since = 0, None
        begin = self.entry
        for copy in self.history:
            if rank(copy) not in (SOLVED, CLOSED, REOPENED):
                continue
            if since is not None:
                total += max(0, min(copy.time, until) - max(since, begin))
            waits = copy.name == "ticket_status_changed" and status(copy) in PENDING
            since = copy.time if waits else None
        return total + (max(0, until - max(since, begin)) if since is not None else 0)

    def replies(self, bots: bool = False) -> list[Copy]:
        """Public replies by human agents, and by bots where they count."""
        authors = ("agent", "bot") if bots else ("agent",)
        return [
            copy
            for copy in self.history
            if copy.name == "ticket_replied"
            and copy.author in authors
            and copy.properties.get("public", True) not in (False, "false")
        ]

    def first_response(self, bots: bool) -> int | None:
        if self.created is None:
            return None
        made = [copy for copy in self.history if copy.name == "ticket_created"]
        skipped = 1 if any(copy.text("author_type").lower() == "agent" for copy in made) else 0
        after = [copy.time for copy in self.replies(bots) if copy.time >= self.created]
        return after[skipped] if len(after) > skipped else None

    def reopened_after_first_solve(self, thank_you: bool) -> int | None:
        """The first reopening that counts; unless `thank_you`, not one solved again without a human word between."""
        after = self.turns[1:]
        for (_, reopen), later in zip(after[::2], [*(copy for _, copy in after[1::2]), None], strict=False):
            ignored = later is not None and not any(reopen.time <= reply.time <= later.time for reply in self.replies())
            if thank_you or not ignored:
                return reopen.time
        return None

    def dimension(self, name: str) -> str:
        return self.agent if name == "agent" else first_of(self.copies, lambda copy: copy.dimension(name))

    @cached_property
    def agent(self) -> str:
        if self.solved():
            latest = self.history.index([copy for solved, copy in self.turns if solved][-1])
            spoke = [c for c in self.history[:latest] if c in self.replies() and c.text("agent_id")]
            if spoke:
                return spoke[-1].text("agent_id")
        named = [copy.text("agent_id") for copy in self.history if copy.text("agent_id")]
        return named[-1] if named else ""


def tickets_of(copies: Iterable[Copy]) -> list[Ticket]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.name.startswith("ticket_") and copy.text("ticket_id"):
            by_id[copy.text("ticket_id")].append(copy)
    return [Ticket(key, found) for key, found in by_id.items()]
