"""People who come back: by period, by cohort, and the triangle.

Whether a person was active in a period is a matter of any copy of an event, as for dau, so that a row's size is the
activity of its period; occurrences are different event ids. Weeks begin on Monday.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from tests.reference.asking import Asked, following, local_day, midnight, period_of
from tests.reference.copies import canonical_name, iso
from tests.reference.counting import Known, passes
from tests.reference.outcome import excluded
from tests.reference.unit import Unit


@dataclass(slots=True)
class Own:
    """What selected people did, or may have done: by person the sorted copies of start and of return events."""

    starts: dict[str, list[Unit]]
    returns: dict[str, list[Unit]]
    left_out: list[Unit]


def _own(known: Known, asked: Asked) -> Own:
    own = Own(defaultdict(list), defaultdict(list), [])
    begins, comes = (_names(asked.parameters[key]) for key in ("start_event", "return_event"))
    for copy in known.copies:
        start, back = (copy.persons if not named else copy.name in named for named in (begins, comes))
        if not start and not back:
            continue
        unit = known.single(copy, "bot" if copy.bot else "" if copy.actor else "no_actor")
        if not passes(unit, asked):
            continue
        if unit.reason:
            own.left_out.append(unit)
            continue
        if start:
            own.starts[unit.person].append(unit)
        if back:
            own.returns[unit.person].append(unit)
    return own


def _names(told: Any) -> set[str]:
    return {canonical_name(name) for name in str(told).split(",") if name}


def _occurred(units: list[Unit], start: int, end: int) -> int:
    return len({unit.id for unit in units if start <= unit.entry < end})


def by_period(known: Known, asked: Asked) -> tuple[list[Unit], dict[str, int]]:
    """Who was there in the preceding period, a success if there again; and how the window's people are made up."""
    own, least = _own(known, asked), int(asked.parameters["min_occurrences"])
    before, start = asked.preceding
    units = [unit for unit in own.left_out if before <= unit.entry < asked.until]
    details = dict.fromkeys(("active", "new", "retained", "resurrected", "lost"), 0)
    for person in {*own.starts, *own.returns}:
        earlier = [unit for unit in own.starts[person] if before <= unit.entry < start]
        there = _occurred(own.returns[person], asked.start, asked.until) >= least
        known_before = [unit for unit in own.starts[person] + own.returns[person] if unit.entry < asked.start]
        if there:
            details["active"] += 1
            details["retained" if earlier else "resurrected" if known_before else "new"] += 1
        if earlier:
            details["lost"] += not there
            unit = earlier[0]
            unit.success, unit.mature = there, known.at >= asked.end
            units.append(unit)
    return units, details


@dataclass(slots=True)
class Row:
    """A cohort: who entered it, by which event, and in which of its periods they were there."""

    start: date
    members: dict[str, Unit]
    there: list[set[str]]
    closed: list[bool]


def rows(known: Known, asked: Asked, grain: str, periods: int) -> tuple[list[Row], list[Unit]]:
    own, mode = _own(known, asked), asked.parameters["mode"]
    least = int(asked.parameters["min_occurrences"])
    day = period_of(local_day(asked.start, asked.tz), grain)
    found: list[Row] = []
    while (begin := midnight(day, asked.tz)) < asked.end:
        if begin >= asked.start:
            edges = [midnight(following(day, grain, n), asked.tz) for n in range(periods + 1)]
            members = dict(_members(own, edges[0], edges[1], mode))
            row = Row(day, members, [], [known.at >= end for end in edges[1:]])
            for since, end in pairwise(edges):
                until = known.at if mode == "unbounded" else end
                row.there.append({
                    person for person, unit in members.items()
                    if _occurred(own.returns[person], max(since, unit.entry), until) >= least
                })  # fmt: skip
            found.append(row)
        day = following(day, grain)
    return found, own.left_out


def _members(own: Own, since: int, end: int, mode: str) -> Iterator[tuple[str, Unit]]:
    """Each with its first start event of the period, which for a first-time cohort is its first of all."""
    for person, units in own.starts.items():
        within = [unit for unit in units if since <= unit.entry < end]
        if within and (mode == "recurring" or units[0] is within[0]):
            yield person, within[0]


def triangle(known: Known, asked: Asked) -> dict[str, Any]:
    periods = int(asked.parameters["periods"])
    found, left_out = rows(known, asked, str(asked.parameters["period"]), periods)
    return {
        "cohorts": [
            {
                "start": iso(midnight(row.start, asked.tz)).replace(".000Z", "Z"),
                "size": len(row.members),
                "retained": [
                    len(there) if closed else None for there, closed in zip(row.there, row.closed, strict=True)
                ],
            }
            for row in found
        ],
        "excluded": excluded([unit for unit in left_out if asked.start <= unit.entry < asked.until]),
    }


def by_cohort(known: Known, asked: Asked) -> list[Unit]:
    """Members of all cohorts of the window; those whose period has not closed count for maturity alone: n = 0."""
    nth, grain = int(asked.parameters["nth"]), str(asked.parameters["grain"])
    unbounded = asked.parameters["mode"] == "unbounded"
    found, left_out = rows(known, asked, grain, nth + 1)
    units = [unit for unit in left_out if asked.start <= unit.entry < asked.until]
    for row in found:
        settled = midnight(following(row.start, grain, 2 * nth + 1), asked.tz)
        for person, first in row.members.items():
            # The same event may let a person into one cohort only, but the unit is this cohort's.
            unit = Unit(f"{row.start} {person}", first.entry, first.dimensions, person)
            unit.n = int(row.closed[nth])
            unit.success = row.closed[nth] and person in row.there[nth]
            unit.mature = known.at >= settled if unbounded else row.closed[nth]
            units.append(unit)
    return units
