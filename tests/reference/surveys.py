"""Answers, invitations and showings of surveys put together from their events, and what a question is about.

Decided here where the specification is silent: tests/logs/README.md, under scores and `survey_response_rate`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, TypeVar

from tests.reference.copies import Copy, text
from tests.reference.unit import first_of

Registry = Mapping[tuple[str, str], Mapping[str, Any]]
Scale = tuple[Decimal, Decimal]
T = TypeVar("T")
SCALES: Mapping[str, Scale] = {
    "nps": (Decimal(0), Decimal(10)),
    "csat": (Decimal(1), Decimal(5)),
    "ces": (Decimal(1), Decimal(7)),
}
WORDS = {"yes": Decimal(1), "good": Decimal(1), "no": Decimal(0), "bad": Decimal(0)}
ANSWERS = ("survey_question_answered", "survey_answer_edited")


def number(value: Any) -> Decimal | None:
    """What is written as a number, as it is or as text."""
    try:
        found = Decimal(text(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def by_version(copies: Iterable[Copy]) -> list[Copy]:
    """By number of the version first: one that comes late supersedes nothing."""
    return sorted(
        copies,
        key=lambda copy: (number(copy.properties.get("version")) or 0, copy.time, copy.sequence, copy.event_id),
    )


def last_told(copies: Iterable[Copy], told: Callable[[Copy], T | None]) -> T | None:
    """What the last of them says that says it."""
    found = [value for copy in copies if (value := told(copy)) is not None]
    return found[-1] if found else None


def told_scale(copy: Copy) -> Scale | None:
    low, high = number(copy.properties.get("scale_min")), number(copy.properties.get("scale_max"))
    if low is not None and high is not None:
        return low, high
    return (Decimal(0), Decimal(1)) if copy.text("score").lower() in WORDS else None


def told_completed(copy: Copy) -> bool | None:
    return {"true": True, "false": False}.get(copy.text("completed").lower())


def registry(questions: Iterable[Mapping[str, Any]]) -> Registry:
    return {(text(entry["survey"]), text(entry["question"])): entry for entry in questions}


def scale_of(metric: str, wanted: str, questions: Registry) -> Scale:
    """The one scale that an answer pools: as asked, else that of the first question of the metric, else the usual."""
    if metric == "nps":
        return SCALES["nps"]
    if wanted:
        low, high = wanted.rsplit("-", 1)
        return Decimal(low), Decimal(high)
    for entry in questions.values():
        if entry["metric"] == metric:
            return Decimal(entry["min"]), Decimal(entry["max"])
    return SCALES[metric]


@dataclass(frozen=True, slots=True)
class Question:
    """`good` is "" where nobody tells; `contradicted` where the answer names another scale than the registry."""

    metric: str
    scale: Scale
    good: str
    cut: int | None
    contradicted: bool


def question_of(said: Sequence[Copy], questions: Registry) -> Question | None:
    """By the registry, else by what the versions of an answer tell of themselves."""
    own, copy = last_told(said, told_scale), said[0]
    entry = questions.get((copy.text("survey_id"), copy.text("survey_question_id"))) if copy.name in ANSWERS else None
    if entry is not None:
        scale = Decimal(entry["min"]), Decimal(entry["max"])
        cut = entry.get("satisfied_from")
        return Question(str(entry["metric"]), scale, text(entry.get("good")), cut, own not in (None, scale))
    kind = last_told(said, lambda copy: copy.text("survey_type").lower() or None)
    metric = "csat" if copy.name == "ticket_rated" else kind or ""
    if metric not in SCALES:
        return None
    polarity = last_told(said, lambda copy: copy.text("polarity").lower() or None)
    return Question(metric, own or SCALES[metric], polarity or "", None, False)


@dataclass
class Answer:
    """All versions of one answer."""

    id: str
    copies: list[Copy]

    @cached_property
    def first(self) -> Copy:
        return min(self.copies, key=lambda copy: copy.order)

    def said(self, until: int) -> list[Copy]:
        """The versions that count: those dated before an instant, the first one whatever it says."""
        until = max(until, self.first.time + 1)
        return by_version(copy for copy in self.copies if copy.canonical and copy.time < until)

    def named(self, key: str) -> str:
        """The first id that a version tells."""
        return first_of([copy for copy in self.copies if copy.canonical], lambda copy: copy.text(key))

    @property
    def about(self) -> str:
        return self.named("ticket_id" if self.first.name == "ticket_rated" else "related_id")


def score_of(said: Iterable[Copy], question: Question) -> int | None:
    """A whole number on its scale, or none."""
    given = last_told(said, lambda copy: WORDS.get(copy.text("score").lower(), number(copy.properties.get("score"))))
    low, high = question.scale
    return int(given) if given is not None and low <= given <= high and given == int(given) else None


def answers_of(copies: Iterable[Copy]) -> list[Answer]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.name in ANSWERS:
            own = copy.text("response_id") or copy.event_id
            by_id[f"{copy.text('survey_id')}/{copy.text('survey_question_id')}/{own}"].append(copy)
        elif copy.name == "ticket_rated" and copy.text("score"):
            by_id[f"ticket/{copy.text('ticket_id')}"].append(copy)
    return [Answer(key, found) for key, found in by_id.items()]


@dataclass
class Invitation:
    """One invitation with its reminders and with what became of it."""

    id: str
    copies: list[Copy]
    fate: list[Copy]

    @property
    def sent(self) -> int:
        return min(copy.time for copy in self.copies)

    @property
    def bounced(self) -> bool:
        return any(copy.name == "survey_bounced" for copy in self.fate)

    @property
    def arrived(self) -> bool:
        return any(copy.name != "survey_bounced" for copy in self.fate)

    def answered(self, complete: bool) -> int | None:
        """The first answer since it was sent; a complete one is told to be no part, by the last word on that."""
        told: bool | None = None
        for copy in sorted(self.fate, key=lambda copy: (copy.time, copy.sequence, copy.event_id)):
            if copy.name in ANSWERS:
                own = told_completed(copy)
                told = told if own is None else own
                if copy.time >= self.sent and not (complete and told is False):
                    return copy.time
        return None


def invitations_of(copies: Iterable[Copy]) -> dict[str, Invitation]:
    sent: dict[str, list[Copy]] = defaultdict(list)
    fates: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        named = copy.text("invite_id")
        if copy.name == "survey_invited":
            sent[named or copy.event_id].append(copy)
        elif copy.name in (*ANSWERS, "survey_bounced", "survey_delivered") and named and copy.canonical:
            fates[named].append(copy)
    return {key: Invitation(key, found, fates.get(key, [])) for key, found in sent.items()}


@dataclass
class Showing:
    """A survey as it was shown to somebody."""

    id: str
    copies: list[Copy]
    fate: list[Copy]

    @property
    def shown(self) -> int:
        return min(copy.time for copy in self.copies)

    def first(self, *names: str) -> int | None:
        return min((copy.time for copy in self.fate if copy.name in names and copy.time >= self.shown), default=None)


def _showing_key(copy: Copy) -> str:
    if named := copy.text("invite_id"):
        return f"invite/{named}"
    return f"{copy.text('survey_id')}/{copy.session}" if copy.session else copy.event_id


def showings_of(copies: Iterable[Copy]) -> list[Showing]:
    shown: dict[str, list[Copy]] = defaultdict(list)
    fates: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.name == "survey_shown":
            shown[_showing_key(copy)].append(copy)
        elif copy.name in (*ANSWERS, "survey_dismissed") and copy.canonical:
            fates[_showing_key(copy)].append(copy)
    return [Showing(key, found, fates.get(key, [])) for key, found in shown.items()]
