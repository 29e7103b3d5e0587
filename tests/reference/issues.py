"""First contact resolution: contacts gathered into issues, and whether the first one settled each.

`success` of a unit says that it is not settled so far, as an absence is counted; `died` is when that became certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.reference.asking import Asked
from tests.reference.care import unit_of
from tests.reference.contacts import Contact
from tests.reference.counting import Known
from tests.reference.tickets import Ticket
from tests.reference.unit import Unit

Body = dict[str, Any]


@dataclass
class Turn:
    """One contact on an issue: a call or chat, or a ticket as it was created."""

    start: int
    unit: Unit
    contact: Contact | None = None

    @property
    def solvable(self) -> bool:
        return self.contact is None or self.contact.solvable


@dataclass
class Issue:
    turns: list[Turn]
    ticket: Ticket | None = None
    linked: bool = True
    unit: Unit = field(init=False)

    def __post_init__(self) -> None:
        self.turns.sort(key=lambda turn: (turn.start, turn.unit.id))


def _turns(known: Known) -> tuple[list[Turn], dict[str, tuple[Ticket, Unit]]]:
    calls = [
        Turn(contact.start, unit_of(known, contact, contact.start), contact)
        for contact in known.contacts
        if contact.answered is not None
    ]
    tickets = {
        ticket.id: (
            ticket,
            Unit(
                ticket.id,
                ticket.entry,
                known.dimensions(ticket.copies, ticket.dimension),
                known.person(ticket.copies),
                "bot" if min(ticket.copies, key=lambda c: c.order).bot else "removed" if ticket.removed else "",
            ),
        )
        for ticket in known.tickets
    }
    return calls, tickets


def issues_of(known: Known, within: int, scope: str) -> list[Issue]:
    calls, tickets = _turns(known)
    named: dict[str, list[Turn]] = defaultdict(list)
    topics: dict[tuple[str, str, str], list[Turn]] = defaultdict(list)
    found = []
    for turn in calls:
        assert turn.contact is not None
        if turn.contact.ticket:
            named[turn.contact.ticket].append(turn)
        elif turn.unit.person:
            channel = turn.unit.dimensions("channel") if scope == "channel" else ""
            topics[turn.unit.person, turn.contact.topic, channel].append(turn)
        else:
            found.append(Issue([turn], linked=False))
    for turns in topics.values():
        begun: list[list[Turn]] = []
        for turn in sorted(turns, key=lambda turn: (turn.start, turn.unit.id)):
            if begun and turn.start - begun[-1][-1].start < within:
                begun[-1].append(turn)
            else:
                begun.append([turn])
        found += [Issue(chain) for chain in begun]
    for key in {*named, *tickets}:
        ticket, unit = tickets.get(key, (None, None))
        turns = list(named.get(key, []))
        if ticket is not None and unit is not None and _customers(ticket, turns):
            turns.append(Turn(ticket.created or 0, unit))
        if turns:
            found.append(Issue(turns, ticket))
    return found


def _customers(ticket: Ticket, turns: list[Turn]) -> bool:
    """Whether the ticket's creation is a contact: not an agent's, and not made while a contact about it went on."""
    if ticket.created is None:
        return False
    made = [copy for copy in ticket.history if copy.name == "ticket_created"]
    if any(copy.text("author_type").lower() == "agent" for copy in made):
        return False
    return not any(
        turn.contact is not None
        and turn.start <= ticket.created
        and (turn.contact.end is None or ticket.created <= turn.contact.end)
        for turn in turns
    )


def _settle(known: Known, asked: Asked, issue: Issue) -> None:
    """Judge the first contact of an issue."""
    within, (first, *later) = int(asked.parameters["within"]), issue.turns
    entry, age, unit = first.start, known.at - first.start, first.unit
    if asked.parameters["scope"] == "channel":
        channel = unit.dimensions("channel")
        later = [turn for turn in later if turn.unit.dimensions("channel") == channel]
    failed = [turn.start for turn in later]
    said, when = first.contact.declared() if first.contact else (None, 0)
    if said is False:
        failed.append(when)
    if issue.ticket is not None:
        reopened = issue.ticket.reopened_after_first_solve(False)
        failed += [] if reopened is None else [reopened]
        solved = issue.ticket.solves[0] if issue.ticket.solves else None
        agreed = True
    else:
        solved = first.contact.end if first.contact else None
        agreed = asked.parameters["declared"] == "silence" or said is True
    early = [time - entry for time in failed if time < entry + within]
    done = not early and agreed and solved is not None and solved < entry + within
    unit.died = min(early, default=None)
    if unit.died is None and not done and age >= within:
        # Known only then: nothing settled it in time.
        unit.died = within - 1
    unit.success = not done
    unit.survived = min(within, age) if unit.died is None else None
    unit.mature = unit.reached = age >= within
    transferred = first.contact is not None and any(kind != "ivr" for kind in first.contact.transfers)
    unit.details = {"transferred": int(done and transferred), "unlinked": int(not issue.linked)}
    issue.unit = unit


def first_contacts(known: Known, asked: Asked) -> Iterator[Unit]:
    definition = asked.definition
    if definition in TOUCHES:
        yield from _touched(known, asked, TOUCHES[definition])
        return
    for issue in issues_of(known, int(asked.parameters["within"]), str(asked.parameters["scope"])):
        _settle(known, asked, issue)
        turns = issue.turns if definition in ("gross", "net") else issue.turns[:1]
        for turn in turns:
            unit = turn.unit
            unit.entry = turn.start
            if not asked.start <= turn.start < asked.until:
                continue
            if turn is not issue.turns[0]:
                unit.success, unit.died, unit.survived = True, 0, None
                unit.mature = unit.reached = known.at - turn.start >= int(asked.parameters["within"])
            if definition == "net" and not turn.solvable:
                unit.reason = unit.reason or "not_solvable"
            yield unit


def _touched(known: Known, asked: Asked, once: Callable[[Ticket, list[Contact]], bool]) -> Iterator[Unit]:
    """Tickets created in the window and solved now, by what is written in them."""
    within = int(asked.parameters["within"])
    about: dict[str, list[Contact]] = defaultdict(list)
    for contact in known.contacts:
        about[contact.ticket].append(contact)
    for ticket, unit in _turns(known)[1].values():
        if ticket.created is None or not asked.start <= ticket.created < asked.until or not ticket.solved():
            continue
        age = known.at - ticket.created
        unit.success = not once(ticket, about.get(ticket.id, []))
        unit.died, unit.survived = (0, None) if unit.success else (None, min(within, age))
        unit.mature = unit.reached = age >= within
        yield unit


def _untouched(ticket: Ticket, contacts: list[Contact]) -> bool:
    # Who writes without saying who they are is the customer, as everywhere else.
    written = [copy for copy in ticket.history if copy.name == "ticket_replied" and copy.author in {"customer", ""}]
    created = ticket.created or 0
    return not written and not any(contact.start > created for contact in contacts if contact.answered is not None)


TOUCHES: dict[str, Callable[[Ticket, list[Contact]], bool]] = {
    "freshservice": _untouched,
    "zendesk": lambda ticket, _: len(ticket.replies()) == 1,
    "zendesk_older": lambda ticket, _: len(ticket.replies()) < 2,
}


def resolution_body(_known: Known, asked: Asked, units: list[Unit], _whole: list[Unit], body: Body) -> Body:
    counted = [unit for unit in units if not unit.reason]
    details = {key: sum(unit.details.get(key, 0) for unit in counted) for key in ("transferred", "unlinked")}
    if asked.definition != "articles":
        return {"details": details}
    k, n = body["numerator"], body["n"]
    value = n / k if k else None
    return {
        "value": value,
        "numerator": n,
        "denominator": k,
        "observed": {"numerator": n, "denominator": k, "value": value},
        "interval": None,
        "estimate": None,
        "basis": "mature" if body["maturity"] >= 1 else "observed",
        "details": details,
    }
