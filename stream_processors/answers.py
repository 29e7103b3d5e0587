"""Follows answers: what was said (answers, ratings of tickets, reviews), and what became of asking (invitations,
showings). Each is the set of its versions, sorted when read, so that an edit supersedes whenever it arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.events.fields import flag, number, text, word
from schemas.events.words import NAMES as PLATFORMS
from schemas.events.words import POLARITIES, SCORES, SURVEY_TYPES
from schemas.facts import BOUNCED, DELETED, DISMISSED, EDITED, GIVEN, INCOMPLETE, SENT, VERIFIED
from schemas.tables import ANSWERS, NO_NUMBER
from stream_processors.incoming import NONE_YET, Incoming

TABLE = ANSWERS
MILLION = 1_000_000
_WORDS = {"yes": 1, "no": 0}
_ANSWERS = {"survey_question_answered": 0, "survey_answer_edited": EDITED}
_REVIEWS = {"review_posted": 0, "product_reviewed": 0, "review_edited": EDITED, "review_deleted": DELETED}
_ASKED = {"survey_invited": SENT, "survey_bounced": BOUNCED, "survey_delivered": 0}
_SHOWN = {"survey_shown": SENT, "survey_dismissed": DISMISSED}

NAMES = frozenset({"ticket_rated", *_ANSWERS, *_REVIEWS, *_ASKED, *_SHOWN})

Row = tuple[Any, ...]


def _millionths(event: Incoming, field: str, absent: int = NO_NUMBER) -> int:
    """A number in millionths; one that has none is made odd, so that it is never taken for a whole number."""
    value = number(event.properties, field)
    if value is None:
        return absent
    cut = int(value * MILLION)
    return cut if cut == value * MILLION else cut | 1


def _score(event: Incoming) -> tuple[int, int, int]:
    """Score and ends of its scale, if the event tells them; `yes`, `good`, `no`, `bad` are told on 0–1."""
    low, high = (_millionths(event, field) for field in ("scale_min", "scale_max"))
    scored = _WORDS.get(word(event.properties, "score", SCORES))
    if NO_NUMBER in (low, high):
        low, high = (NO_NUMBER, NO_NUMBER) if scored is None else (0, MILLION)
    return _millionths(event, "score") if scored is None else scored * MILLION, low, high


def _row(event: Incoming, key: tuple[str, str, str, str], marks: int, said: Row = (), *, dimensions: bool) -> Row:
    """The event as a version of the thing that `key` (kind, survey, question, id) names; what asks names a survey."""
    record = event.record
    first, actor, *others = event.first_and_dimensions()
    if key[0] not in ("invitation", "showing"):  # the earliest version tells whose it is, even if it is nobody's
        actor = (record.time, event.event_id.int, event.actor)
    if key[0] == "review" and marks & (EDITED | DELETED):  # which of a review is the one that was posted
        first, actor = NONE_YET, NONE_YET
    version = said or (0, NO_NUMBER, NO_NUMBER, NO_NUMBER, "", "", text(event.properties, "survey_id"), "", "")
    stamp = (record.time, record.sequence, event.event_id, record.hash)
    completed = None if key[0] == "review" else flag(event.properties, "completed")
    return (
        record.tenant,
        *key,
        event.day,
        *((first, actor, *others) if dimensions else (NONE_YET,) * 5),
        [(*stamp, marks, *version)],
        [] if completed is None else [(*stamp, version[0], "yes" if completed else "no")],
    )


def _answer(event: Incoming, kind: str, about: str) -> Row:
    """Version, score, scale, and what the answer says of itself."""
    properties = event.properties
    return (
        _millionths(event, "version", 0),
        *_score(event),
        "csat" if kind == "rating" else word(properties, "survey_type", SURVEY_TYPES),
        word(properties, "polarity", POLARITIES),
        about,
        text(properties, "agent_id"),
        text(properties, "invite_id"),
    )


def fold(event: Incoming) -> Iterator[Row]:
    """A row for the answer or review, and one for each invitation or showing that it is an answer to."""
    record, properties, name = event.record, event.properties, event.record.name
    survey, invite = text(properties, "survey_id"), text(properties, "invite_id")
    incomplete = INCOMPLETE if flag(properties, "completed") is False else 0
    if name in _ANSWERS:
        question, response = text(properties, "survey_question_id"), text(properties, "response_id")
        key = ("answer", survey, question, response or record.event_id)
        said = _answer(event, "answer", text(properties, "related_id"))
        yield _row(event, key, _ANSWERS[name] | incomplete, said, dimensions=True)
    elif name == "ticket_rated" and text(properties, "score"):
        ticket = text(properties, "ticket_id")
        yield _row(event, ("rating", "", "", ticket), incomplete, _answer(event, "rating", ticket), dimensions=True)
    elif name in _REVIEWS:
        key = ("review", word(properties, "source", PLATFORMS), "", text(properties, "review_id") or record.event_id)
        marks = _REVIEWS[name] | (VERIFIED if flag(properties, "verified") else 0)
        scale = (_millionths(event, field) for field in ("rating", "scale_min", "scale_max"))
        said = (_millionths(event, "version", 0), *scale, "", "", "", "", "")
        yield _row(event, key, marks, said, dimensions=True)
    given = GIVEN | incomplete
    if name == "survey_invited" or (invite and (name in _ASKED or name in _ANSWERS)):
        key = ("invitation", "", "", invite or record.event_id)
        yield _row(event, key, _ASKED.get(name, given), dimensions=name == "survey_invited")
    if name == "survey_shown" or ((invite or record.session_id) and (name in _SHOWN or name in _ANSWERS)):
        where = (survey, "session", record.session_id) if record.session_id else ("", "", record.event_id)
        key = ("showing", *(("", "invite", invite) if invite else where))
        yield _row(event, key, _SHOWN.get(name, given), dimensions=name == "survey_shown")
