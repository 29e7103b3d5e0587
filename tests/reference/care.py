"""The metrics of contacts: how many, how long, how often passed on, and what self-service keeps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.reference import numbers
from tests.reference.asking import Asked
from tests.reference.contacts import Contact
from tests.reference.copies import canonical_name
from tests.reference.counting import Known
from tests.reference.unit import Unit

Body = dict[str, Any]
OUTCOMES = ("completed", "abandoned", "transferred", "technical")


def unit_of(known: Known, contact: Contact, entry: int) -> Unit:
    person = known.people.person(contact.actor)

    def dimension(name: str) -> str:
        if name.startswith("trait."):
            return known.people.trait(person, name.removeprefix("trait."))
        return contact.dimension(name)

    return Unit(contact.id, entry, dimension, person, "bot" if contact.bot else "")


def volume(known: Known, asked: Asked) -> Iterator[Unit]:
    wanted = asked.parameters["direction"]
    for contact in known.contacts:
        if asked.start <= contact.start < asked.until:
            unit = unit_of(known, contact, contact.start)
            direction = "outbound" if contact.outbound else "inbound"
            unit.reason = unit.reason or ("" if wanted in ("all", direction) else direction)
            unit.details = {"handled": int(contact.answered is not None)}
            yield unit


def volume_body(_known: Known, asked: Asked, units: list[Unit], _whole: list[Unit], _body: Body) -> Body:
    counted = [unit for unit in units if not unit.reason]
    hours = (asked.until - asked.start) / 3_600_000
    early = not counted and asked.at < asked.end
    return {
        "basis": "observed" if early else "mature",
        "maturity": 0.0 if early else 1.0,
        "details": {
            "handled": sum(unit.details["handled"] for unit in counted),
            "per_hour": len(counted) / hours if hours else None,
        },
    }


def handling(known: Known, asked: Asked) -> Iterator[Unit]:
    """Of those first answered in the window for the curve, of those that ended in it for all else."""
    parts = [part for part in str(asked.parameters["parts"]).split(",") if part]
    for contact in known.contacts:
        if contact.answered is None:
            continue
        entered = asked.start <= contact.answered < asked.until
        ended = contact.end is not None and asked.start <= contact.end < asked.until
        unit = unit_of(known, contact, contact.answered)
        took = None if contact.end is None else contact.handling(parts)
        if entered:
            unit.died, unit.survived = took, known.at - contact.answered if took is None else None
        if ended:
            unit.value = took
        else:
            unit.n = 0
        if entered or ended:
            yield unit


@dataclass(slots=True)
class Passed(Unit):
    transfers: int = 0


def transfers(known: Known, asked: Asked) -> Iterator[Passed]:
    for contact in known.contacts:
        entry = contact.answered if contact.end is None else contact.end
        if contact.answered is None or entry is None or not asked.start <= entry < asked.until:
            continue
        plain = unit_of(known, contact, entry)
        unit = Passed(plain.id, plain.entry, plain.dimensions, plain.person, plain.reason)
        unit.reason = unit.reason or ("unfinished" if contact.end is None else "")
        kinds = contact.transfers
        unit.details = {kind: kinds[kind] for kind in ("blind", "warm", "consult", "conference")}
        passed = sum(k for kind, k in kinds.items() if kind not in {"ivr", "consult", "conference"})
        for kind in ("ivr", "consult"):
            passed += kinds[kind] if asked.parameters[kind] == "count" else 0
        unit.transfers = passed
        yield unit


def transfer_body(_known: Known, asked: Asked, units: list[Unit], _whole: list[Unit], _body: Body) -> Body:
    counted = [unit for unit in units if isinstance(unit, Passed) and not unit.reason]
    counts = [unit.transfers for unit in counted]
    n, k = len(counts), sum(count > 0 for count in counts)
    numerator, limits = sum(counts), numbers.mean_limits(counts)
    if limits[0] is not None:
        limits = max(0.0, limits[0]), limits[1]
    if asked.definition == "share":
        numerator, limits = k, numbers.wilson(k, n)
    early = not n and asked.at < asked.end
    return {
        "value": numerator / n if n else None,
        "numerator": numerator,
        "denominator": n,
        "interval": None if limits[0] is None else {"low": limits[0], "high": limits[1]},
        "basis": "observed" if early else "mature",
        "maturity": 0.0 if early else 1.0,
        "details": {
            **{key: sum(unit.details[key] for unit in counted) for key in ("blind", "warm", "consult", "conference")},
            "transferred": k,
            "share": k / n if n else None,
        },
    }


@dataclass(slots=True)
class Entered(Unit):
    chosen: frozenset[tuple[int, str]] = frozenset()


def containment(known: Known, asked: Asked) -> Iterator[Entered]:
    """`success` is a failure to contain: what the curve counts as having died."""
    goals = frozenset(canonical_name(name) for name in str(asked.parameters["goals"]).split(",") if name)
    within, engagement = int(asked.parameters["within"]), int(asked.parameters["engagement"])
    had: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for contact in known.contacts:
        person = known.people.person(contact.actor)
        if person and contact.answered is not None:
            had[person].append((contact.start, contact.id, contact.intent))
    for contact in known.contacts:
        if contact.entered is None or not asked.start <= contact.entered < asked.until:
            continue
        plain, entry, age = unit_of(known, contact, contact.entered), contact.entered, known.at - contact.entered
        unit = Entered(plain.id, entry, plain.dimensions, plain.person, plain.reason)
        outcome = contact.outcome(goals)
        short = contact.end is not None and contact.end - entry < engagement
        if any(copy.properties.get("out_of_hours") in (True, "true") for copy in contact.history):
            unit.reason = unit.reason or "out_of_hours"
        if short and outcome in {"abandoned", "technical"}:
            unit.reason = unit.reason or "too_short"
        back = [
            start - entry
            for start, other, intent in had.get(unit.person, [])
            if other != contact.id
            and entry <= start < entry + within
            and (not intent or not contact.intent or intent == contact.intent)
        ]
        unit.died = 0 if outcome != "completed" else min(back, default=None)
        unit.success = unit.died is not None
        unit.survived = None if unit.success else min(within, age)
        unit.mature = unit.reached = age >= within
        unit.chosen = frozenset(contact.chosen())
        unit.details = {
            **{kind: int(kind == outcome) for kind in OUTCOMES},
            "repeated": int(outcome == "completed" and unit.success),
            "unknown_caller": int(not unit.person),
        }
        yield unit


def containment_body(_known: Known, asked: Asked, units: list[Unit], _whole: list[Unit], _body: Body) -> Body:
    counted = [unit for unit in units if isinstance(unit, Entered) and not unit.reason]
    sums = {key: sum(unit.details[key] for unit in counted) for key in (*OUTCOMES, "repeated", "unknown_caller")}
    options = Counter(option for unit in counted for option in unit.chosen)
    ordered = sorted(options.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0][1]))
    listed: list[Body] = []
    for (depth, intent), k in ordered:
        if sum(row["depth"] == depth for row in listed) < 10:
            listed.append({"depth": depth, "intent": intent, "n": k})
    changed: Body = {"details": {**sums, "top_intents": listed}}
    definition, n = asked.definition, len(counted)
    if definition != "default":
        handed, given_up = sums["transferred"], sums["abandoned"]
        counts = {"naive": n - handed, "abandonment": given_up, "handoff": handed}
        part = counts[definition]
        low, high = numbers.wilson(part, n)
        value = part / n if n else None
        early = not n and asked.at < asked.end
        changed |= {
            "value": value,
            "numerator": part,
            "observed": {"numerator": part, "denominator": n, "value": value},
            "interval": {"low": low, "high": high} if n else None,
            "estimate": None,
            "basis": "observed" if early else "mature",
            "maturity": 0.0 if early else 1.0,
        }
    return changed
