"""NPS, CSAT and CES: the answers that count, and the score with its limits, histogram and worst case."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.reference import numbers
from tests.reference.asking import Asked
from tests.reference.counting import Known, activity, passes
from tests.reference.surveys import Answer, Question, last_told, question_of, scale_of, score_of, told_completed
from tests.reference.tickets import Ticket
from tests.reference.unit import Unit

Body = dict[str, Any]


@dataclass(slots=True)
class Score(Unit):
    """An answer; `score` is read with high as good, `cut` what satisfies."""

    score: Fraction = Fraction(0)
    cut: Fraction = Fraction(0)


def scores(known: Known, asked: Asked) -> Iterator[Score]:
    """Every answer to a question of the metric in the window, filtered, then one a person or interaction."""
    kept: dict[str, list[tuple[Answer, Score]]] = defaultdict(list)
    wanted = scale_of(asked.metric, str(asked.parameters.get("scale", "")), known.questions)
    tickets = {ticket.id: ticket for ticket in known.tickets}
    for answer in known.answers:
        sent = _sent(known, answer) if asked.parameters["attribution"] == "cohort" else None
        entry = answer.first.time if sent is None else sent
        said = answer.said(entry + int(asked.parameters["within"]))
        question = question_of(said, known.questions)
        if question is None or question.metric != asked.metric:
            continue
        unit = _score(known, asked, answer, tickets)
        unit.entry = entry
        if not asked.start <= unit.entry < asked.until or not passes(unit, asked):
            continue
        unit.mature = known.at - unit.entry >= int(asked.parameters["within"])
        value = score_of(said, question)
        unit.reason = (
            "bot" if answer.first.bot
            else "incomplete" if last_told(said, told_completed) is False
            else "scale_mismatch" if question.contradicted or question.scale != wanted
            else "invalid_score" if value is None
            else "other_kind" if bool(answer.about) != (asked.parameters.get("kind") == "transactional")
            and asked.metric == "nps"
            else _uninvited(asked, answer, sent)
        )  # fmt: skip
        if unit.reason or value is None:
            yield unit
            continue
        low, high = (int(limit) for limit in question.scale)
        unit.score = Fraction(low + high - value if _low_is_good(question, asked) else value)
        unit.cut = _cut(question, asked, low, high)
        kept[f"{unit.person}/{answer.about}" if unit.person else f"/{answer.id}"].append((answer, unit))
    for found in kept.values():
        yield from _one(asked, sorted(found, key=lambda pair: pair[0].first.order))


def _score(known: Known, asked: Asked, answer: Answer, tickets: dict[str, Ticket]) -> Score:
    first = answer.first

    def plain(name: str) -> str:
        if name != "agent":
            return known.dimensions(answer.copies)(name)
        own = answer.named("agent_id")
        ticket = tickets.get(answer.about)
        if own or asked.metric != "csat" or ticket is None:
            return own
        held = [copy.text("agent_id") for copy in ticket.history if copy.time < first.time and copy.text("agent_id")]
        return held[-1] if held else ""

    return Score(answer.id, first.time, known.dimensions(answer.copies, plain), known.people.person(first.actor))


def _sent(known: Known, answer: Answer) -> int | None:
    invitation = known.invitations.get(answer.named("invite_id"))
    return None if invitation is None else invitation.sent


def _uninvited(asked: Asked, answer: Answer, sent: int | None) -> str:
    if asked.parameters["attribution"] != "cohort":
        return ""
    if sent is None:
        return "uninvited"
    return "" if sent <= answer.first.time < sent + int(asked.parameters["within"]) else "late"


def _low_is_good(question: Question, asked: Asked) -> bool:
    if question.good or asked.metric != "ces":
        return question.good == "low"
    return bool(asked.parameters["direction"] == "effort_high")


def _cut(question: Question, asked: Asked, low: int, high: int) -> Fraction:
    """Satisfied from here on: as asked, as registered, else three quarters (CSAT) or two thirds up the scale."""
    if threshold := asked.parameters.get("threshold"):
        return Fraction(str(threshold))
    if question.cut is not None:
        return Fraction(question.cut)
    share = Fraction(2, 3) if asked.metric == "ces" else Fraction(3, 4)
    return Fraction(math.ceil(low + share * (high - low)))


def _one(asked: Asked, found: list[tuple[Answer, Score]]) -> Iterator[Score]:
    units = [unit for _, unit in found]
    dedupe = asked.parameters["dedupe"]
    if dedupe == "all":
        yield from units
        return
    chosen = units[0] if dedupe == "first" else units[-1]
    if dedupe == "mean":
        chosen.score = sum((unit.score for unit in units), Fraction(0)) / len(units)
    for unit in units:
        if unit is not chosen:
            unit.reason = "repeated"
        yield unit


def rocks(up: int, middle: int, down: int) -> numbers.Limits:
    """Adjusted Wald of 100·(up − down)/n: three quarters, three halves and three quarters of an answer more."""
    if not up + middle + down:
        return None, None
    n = up + middle + down + 3
    p, d = (up + 0.75) / n, (down + 0.75) / n
    centre, half = 100 * (p - d), 100 * numbers.Z * math.sqrt((p + d - (p - d) ** 2) / n)
    return max(-100.0, centre - half), min(100.0, centre + half)


def mean_limits(values: list[Fraction], low: int, high: int) -> numbers.Limits:
    """Student's t, cut to the scale."""
    n = len(values)
    if n < 2:
        return None, None
    mean = sum(values, Fraction(0)) / n
    spread = float(sum(((value - mean) ** 2 for value in values), Fraction(0)) / (n - 1) / n)
    half = numbers.student(n - 1) * math.sqrt(spread)
    return max(float(low), float(mean) - half), min(float(high), float(mean) + half)


def score_body(known: Known, asked: Asked, units: list[Unit], whole: list[Unit], _body: Body) -> Body:
    found = [unit for unit in units if isinstance(unit, Score) and not unit.reason]
    wanted = scale_of(asked.metric, str(asked.parameters.get("scale", "")), known.questions)
    low, high = int(wanted[0]), int(wanted[1])
    values, n = [unit.score for unit in found], len(found)
    satisfied = sum(unit.score >= unit.cut for unit in found)
    definition = asked.definition
    details: Body = {"distribution": None}
    if asked.parameters["dedupe"] != "mean":
        histogram = Counter(int(value) for value in values)
        details["distribution"] = {str(score): histogram[score] for score in sorted(histogram)}
    top, bottom = (9, 7) if asked.metric == "nps" else (6, 4)
    up, down = sum(value >= top for value in values), sum(value < bottom for value in values)
    index = {"numerator": up - down, "value": 100 * (up - down) / n if n else None}
    total = sum(values, Fraction(0))
    mean = {"numerator": float(total), "value": float(total / n) if n else None}
    if definition == "articles":
        details |= {"promoters": up, "passives": n - up - down, "detractors": down}
        counts = {"value": up - down, "numerator": up - down, "denominator": None, "interval": None}
        return {**counts, **maturity(asked, units), "details": details}
    if asked.metric == "nps":
        details |= {"promoters": up, "passives": n - up - down, "detractors": down}
    else:
        details |= {"scale": f"{low}-{high}", "mean": mean["value"], "share": satisfied / n if n else None}
    if asked.metric == "ces":
        details["index"] = index["value"] if (low, high) == (1, 7) else None
    if asked.metric == "nps" or definition == "index":
        body, limits, ends = index, rocks(up, n - up - down, down), (-100, 100)
        if definition == "index" and (low, high) != (1, 7):
            body, limits = {"numerator": None, "value": None}, (None, None)
    elif definition == "mean" or (asked.metric == "ces" and definition == "default"):
        body, limits, ends = mean, mean_limits(values, low, high), (low, high)
    else:
        body = {"numerator": satisfied, "value": satisfied / n if n else None}
        limits, ends = numbers.wilson(satisfied, n), (0, 1)
    if units is whole:
        details |= _coverage(known, asked, found, body["value"], ends)
    return {
        **body,
        "denominator": n,
        "interval": None if limits[0] is None else {"low": limits[0], "high": limits[1]},
        **maturity(asked, units),
        "details": details,
    }


def maturity(asked: Asked, units: list[Unit]) -> Body:
    """Observed until every unit is mature: what may still be edited has no curve."""
    counted = [unit for unit in units if not unit.reason]
    share = sum(unit.mature for unit in counted) / len(counted) if counted else None
    if share is None:
        share = float(asked.at >= asked.end + int(asked.parameters["within"]))
    return {"maturity": share, "basis": "mature" if share == 1 else "observed"}


def came(known: Known, asked: Asked) -> set[str]:
    """Who was active in the window, by events that pass the filters."""
    return {unit.person for unit in activity(known, asked, asked.start, asked.until) if not unit.reason}


def _coverage(known: Known, asked: Asked, found: list[Score], value: Any, ends: tuple[int, int]) -> Body:
    people = {unit.person for unit in found} - {""}
    active = came(known, asked)
    r = len(people) / len(active) if active and asked.parameters["attribution"] != "cohort" else None
    worst = None
    if r is not None and value is not None:
        worst = {"low": r * value + (1 - r) * ends[0], "high": r * value + (1 - r) * ends[1]}
    return {"respondents": len(people), "active": len(active), "coverage": r, "worst_case": worst}
