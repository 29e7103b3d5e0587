"""The response rate of invitations and of intercepts, with who answered at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.reference import numbers
from tests.reference.asking import Asked
from tests.reference.copies import Copy
from tests.reference.counting import Known, passes
from tests.reference.scores import came
from tests.reference.surveys import ANSWERS, showings_of
from tests.reference.unit import Unit, first_of

Body = dict[str, Any]


@dataclass(slots=True)
class Sent(Unit):
    arrived: bool = False


def _of(known: Known, key: str, copies: list[Copy], entry: int) -> Sent:
    """Whom it was sent to is whom it names, whoever did it."""
    person = known.people.person(first_of(copies, lambda copy: copy.actor))
    return Sent(key, entry, known.dimensions(copies), person)


def responses(known: Known, asked: Asked) -> Iterator[Sent]:
    if asked.definition == "intercept":
        for showing in showings_of(known.copies):
            unit = _of(known, showing.id, showing.copies, showing.shown)
            unit.reason = "bot" if min(showing.copies, key=lambda copy: copy.order).bot else ""
            unit.details = {"shown": 1, "dismissed": int(showing.first("survey_dismissed") is not None)}
            yield from _settled(known, asked, unit, showing.first(*ANSWERS))
        return
    complete = asked.definition in ("rr1", "rr3")
    for invitation in known.invitations.values():
        unit = _of(known, invitation.id, invitation.copies, invitation.sent)
        unit.reason = "bounced" if invitation.bounced else ""
        unit.arrived = invitation.arrived
        yield from _settled(known, asked, unit, invitation.answered(complete))


def _settled(known: Known, asked: Asked, unit: Sent, outcome: int | None) -> Iterator[Sent]:
    within, age = int(asked.parameters["within"]), known.at - unit.entry
    if asked.start <= unit.entry < asked.until:
        unit.success = outcome is not None and outcome < unit.entry + within
        unit.mature = unit.reached = age >= within
        unit.died = outcome - unit.entry if outcome is not None and unit.success else None
        unit.survived = None if unit.success else min(within, age)
        yield unit


def response_body(known: Known, asked: Asked, units: list[Unit], whole: list[Unit], body: Body) -> Body:
    found = [unit for unit in units if isinstance(unit, Sent)]
    counted = [unit for unit in found if not unit.reason]
    if asked.definition == "intercept":
        return {"details": {key: sum(unit.details[key] for unit in counted) for key in ("shown", "dismissed")}}
    changed: Body = {"details": _coverage(known, asked) if units is whole else {}}
    if asked.definition == "rr3":
        arrived, bounced = sum(unit.arrived for unit in counted), len(found) - len(counted)
        told = asked.parameters["eligible"]
        share = float(told) if told else arrived / (arrived + bounced) if arrived + bounced else 1.0
        denominator = arrived + share * (len(counted) - arrived)
        value = body["numerator"] / denominator if denominator else None
        low, high = numbers.wilson(body["numerator"], denominator) if denominator else (None, None)
        changed |= {
            "value": value,
            "denominator": denominator,
            "observed": {"numerator": body["numerator"], "denominator": denominator, "value": value},
            "basis": "mature" if body["maturity"] >= 1 else "observed",
            "estimate": None,
            "interval": {"low": low, "high": high} if denominator else None,
        }
    return changed


def _coverage(known: Known, asked: Asked) -> Body:
    people, unsolicited = set(), set()
    for answer in known.answers:
        first = answer.first
        if first.name not in ANSWERS or first.bot or not asked.start <= first.time < asked.until:
            continue
        unit = Unit(answer.id, first.time, known.dimensions(answer.copies), known.people.person(first.actor))
        if passes(unit, asked):
            people.add(unit.person)
            if first.text("invite_id") not in known.invitations:
                unsolicited.add((first.text("survey_id"), first.text("response_id") or first.event_id))
    people.discard("")
    active = len(came(known, asked))
    r = len(people) / active if active else None
    return {
        "respondents": len(people),
        "active": active,
        "coverage": r,
        "unsolicited": len(unsolicited),
        "worst_case_width": None if r is None else 200 * (1 - r),
    }
