"""Funnels: the deepest chain of steps of each person, session or attempt, found by trying all of them.

For each first step the events that can be the second, the third, … are sets; of the chains that reach the deepest set
the one with the earliest events, from the first step on, gives times and dimensions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.reference import numbers
from tests.reference.asking import Asked, duration
from tests.reference.chain import Chain
from tests.reference.copies import Copy, canonical_name
from tests.reference.counting import Known, passes
from tests.reference.journey import JOURNEY, journey
from tests.reference.outcome import FOREVER, excluded
from tests.reference.unit import Unit

Body = dict[str, Any]
WITHIN = "P14D"


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def takes(self, copy: Copy) -> bool:
        return copy.name == self.name and all(
            (_told(copy, key) in (values or ("",))) == (operator in ("eq", "in"))
            for key, operator, values in self.conditions
        )


def _instant(copy: Copy) -> tuple[int, int]:
    return copy.time, copy.sequence


def _told(copy: Copy, key: str) -> str:
    """A property as text, a truth value as JSON writes it."""
    value = copy.properties.get(key)
    return str(value).lower() if isinstance(value, bool) else copy.text(key)


class Rules:
    def __init__(self, asked: Asked) -> None:
        told = asked.parameters
        filters = told["step_filter"]
        conditions: dict[int, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
        for text in [filters] if isinstance(filters, str) else filters:
            number, key, operator, values = str(text).split(":", 3)
            conditions[int(number)].append((key, operator, tuple(part for part in values.split(",") if part)))
        names = [canonical_name(name) for name in str(told["steps"]).split(",") if name]
        self.steps = [Step(name, tuple(conditions[number])) for number, name in enumerate(names, 1)]
        self.within = int(told["within"] or duration(WITHIN))
        self.step_within = int(told["step_within"] or FOREVER)
        self.order, self.hold = str(told["order"]), str(told["hold"])
        self.exclude = {canonical_name(name) for name in str(told["exclude"]).split(",") if name}
        self.increase = str(told["strict_increase"]).lower() == "true"

    def sees(self, copy: Copy) -> bool:
        return copy.persons or copy.name in self.exclude or any(copy.name == step.name for step in self.steps)

    def in_order(self, own: Sequence[Copy]) -> list[Copy]:
        """By time and sequence; of one instant as the steps stand, what is no step after them. The second event that
        could be the same steps (and holds the same) as one before it is the second of these.
        """
        seen: Counter[tuple[Any, ...]] = Counter()
        keyed = []
        for copy in sorted(own, key=lambda copy: (copy.time, copy.sequence, copy.event_id)):
            held = _told(copy, self.hold) if self.hold else ""
            takes = tuple(
                k for k, step in enumerate(self.steps) if step.takes(copy) and (held or not self.hold or k == 0)
            )
            place = seen[*_instant(copy), takes, held]
            seen[*_instant(copy), takes, held] += 1
            step = takes[min(place, len(takes) - 1)] if takes else len(self.steps)
            keyed.append(((*_instant(copy), step, copy.event_id), copy))
        return [copy for _, copy in sorted(keyed, key=lambda pair: pair[0])]

    def follows(self, events: Sequence[Copy], before: int, after: int, first: Copy) -> bool:
        earlier, later = events[before], events[after]
        return (
            before < after
            and later.time - first.time <= self.within
            and later.time - earlier.time <= self.step_within
            and not (self.increase and later.time == earlier.time)
            and not (self.order == "strict" and after != before + 1)
            and not any(
                copy.name in self.exclude and _instant(earlier) < _instant(copy) < _instant(later)
                for copy in events[before + 1 : after]
            )
            and not (self.hold and _told(later, self.hold) != _told(first, self.hold))
            and not (self.hold and not _told(first, self.hold))
        )

    def chain(self, events: Sequence[Copy], begin: int, end: int) -> Chain:
        """The deepest from one first step, among the events before place `end`."""
        first = events[begin]
        reach, pairs = [{begin}], list[dict[int, set[int]]]()
        for step in self.steps[1:]:
            found: dict[int, set[int]] = defaultdict(set)
            for after in range(begin + 1, end):
                if step.takes(events[after]):
                    for before in reach[-1]:
                        if self.follows(events, before, after, first):
                            found[before].add(after)
            if not found:
                break
            pairs.append(found)
            reach.append({after for afters in found.values() for after in afters})
        for depth in range(len(pairs) - 1, 0, -1):
            # Only what leads on to the deepest step.
            alive = set(pairs[depth])
            pairs[depth - 1] = {before: kept for before, afters in pairs[depth - 1].items() if (kept := afters & alive)}
        places = [begin]
        for pair in pairs:
            places.append(min(pair[places[-1]]))
        return Chain([events[place] for place in places], first.time)

    def unordered(self, events: Sequence[Copy], begin: int) -> Chain:
        """As many steps as can be given different events within the window that this one begins; an event reaches the
        next level if with it one step more can be given one than with those before it.
        """
        first, kept = events[begin], list[Copy]()
        for copy in events[begin:]:
            if copy.time - first.time <= self.within and self._given([*kept, copy]) > len(kept):
                kept.append(copy)
        return Chain(kept, first.time)

    def _given(self, events: Sequence[Copy]) -> int:
        """How many steps can be given different ones of these."""
        given: dict[int, int] = {}

        def give(step: int, tried: set[int]) -> bool:
            for place, copy in enumerate(events):
                if place not in tried and self.steps[step].takes(copy):
                    tried.add(place)
                    if place not in given or give(given[place], tried):
                        given[place] = step
                        return True
            return False

        return sum(give(step, set()) for step in range(len(self.steps)))


def funnel(known: Known, asked: Asked) -> Body:
    left_out: list[Unit] = []
    if asked.parameters["steps"]:
        chains, left_out = _chains(known, asked, Rules(asked))
        within, names = int(asked.parameters["within"] or duration(WITHIN)), Rules(asked).steps
        labels, limits = [step.name for step in names], [within] * len(names)
    else:
        chains, limits = journey(known, asked)
        labels = list(JOURNEY)
    groups: dict[tuple[str | None, ...], list[Chain]] = defaultdict(list)
    last = asked.parameters["breakdown"] == "last"
    for chain in chains if asked.segments else []:
        unit = known.single(chain.events[-1 if last else 0])
        groups[tuple(unit.dimensions(name) or None for name in asked.segments)].append(chain)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), [part or "" for part in group[0]]))
    return {
        **_body(known, asked, chains, labels, limits),
        "excluded": excluded(left_out),
        "segments": [
            {
                "segment": dict(zip(asked.segments, key, strict=True)),
                "n": len(found),
                "steps": _body(known, asked, found, labels, limits)["steps"],
            }
            for key, found in ordered
        ],
    }


def _chains(known: Known, asked: Asked, rules: Rules) -> tuple[list[Chain], list[Unit]]:
    """The deepest chain of each unit that began in the window, and the first steps that belong to none."""
    counting, unordered = asked.parameters["counting"], rules.order == "unordered"

    def begins(copy: Copy) -> bool:
        return any(step.takes(copy) for step in (rules.steps if unordered else rules.steps[:1]))

    def anchors(copy: Copy) -> bool:
        return asked.start <= copy.time < asked.until and begins(copy) and passes(known.single(copy), asked)

    left_out: list[Unit] = []
    events: dict[str, list[Copy]] = defaultdict(list)
    for copy in known.canonical:
        whose = copy.session if counting == "session" else known.people.person(copy.actor)
        reason = "bot" if copy.bot else "" if whose else "no_session" if counting == "session" else "no_actor"
        if reason and anchors(copy):
            left_out.append(known.single(copy, reason))
        elif not reason and rules.sees(copy):
            events[whose].append(copy)
    found: list[Chain] = []
    for unsorted in events.values():
        own = rules.in_order(unsorted)
        places = [place for place, copy in enumerate(own) if anchors(copy)]
        ends = {place: len(own) for place in places}
        if counting == "attempts":
            starts = [place for place, copy in enumerate(own) if begins(copy)]
            ends = dict(pairwise([*starts, len(own)]))
        tried = [rules.unordered(own, place) if unordered else rules.chain(own, place, ends[place]) for place in places]
        if counting == "attempts":
            found += tried
        elif tried:
            found.append(max(tried, key=lambda chain: chain.level))
    return found, left_out


def _body(known: Known, asked: Asked, chains: list[Chain], labels: list[str], limits: list[int]) -> Body:
    n, longest = len(chains), max(limits)
    mature = sum(known.at >= chain.entry + longest for chain in chains)
    maturity = mature / n if n else float(known.at >= asked.end + longest)
    basis = "mature" if maturity >= 1 else "estimate" if n else "observed"
    steps = [_row(known.at, chains, number, limits[number]) for number in range(len(labels))]
    for label, row in zip(labels, steps, strict=True):
        row |= {"event": label, "estimate": row["estimate"] if basis == "estimate" else None}
    return {"n": n, "maturity": maturity, "basis": basis, "steps": steps}


def _row(at: int, chains: list[Chain], number: int, limit: int) -> Body:
    people = sum(chain.level > number for chain in chains)
    before = [chain for chain in chains if chain.level >= number]
    row: Body = {
        "people": people,
        "rate": people / len(chains) if chains else None,
        "step_rate": people / len(before) if before else None,
        "low": None,
        "high": None,
        "drop_off": 1 - people / len(before) if before else None,
        "median_seconds": None,
        "converted_median_seconds": None,
        "estimate": None,
    }
    if number == 0 or not before:
        return row
    row["low"], row["high"] = numbers.wilson(people, len(before))

    def since(chain: Chain) -> int:
        return chain.events[number - 1].time

    died = [chain.events[number].time - since(chain) for chain in before if chain.level > number]
    waiting = [
        FOREVER if at >= chain.entry + limit else at - since(chain)
        for chain in before if chain.level == number
    ]  # fmt: skip
    curve = numbers.kaplan_meier(died, waiting)
    row["median_seconds"] = _seconds(numbers.km_quantile(curve, 0.5)[0])
    row["converted_median_seconds"] = _seconds(numbers.quantile(died, 0.5))
    last = numbers.survival_before(curve, FOREVER)
    low, high = (None if edge is None else 1 - edge for edge in (last.high, last.low))
    row["estimate"] = {"value": 1 - last.survival, "low": low, "high": high}
    return row


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000
