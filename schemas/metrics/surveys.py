"""How many of those who were asked answer: of the invitations that were sent, and of the surveys that were shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from schemas.facts import BOUNCED, DISMISSED, GIVEN, INCOMPLETE, SENT
from schemas.metrics.activity import AUDIENCE
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import ENTITY_DIMENSIONS

_SEGMENTS = (*ENTITY_DIMENSIONS, "survey")
_ENTITY = "actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, survey_ AS survey, event_ids"
_IN_WINDOW = "sent_at >= {start:Int64} AND sent_at < {until:Int64}"
_GIVEN = f"x -> x.1 >= sent_at AND bitAnd(x.5, {GIVEN}) != 0"

_NOT_OPEN = """arrayLast(c -> (c.1, c.2, UUIDToNum(c.3)) <= (x.1, x.2, UUIDToNum(x.3)),
          arraySort(c -> (c.1, c.2, UUIDToNum(c.3)), completions)).6 != 'no'"""
"""Not told to be in part, by the last word on it: what says nothing of that leaves it."""


def _invitations(is_complete: bool) -> str:
    """Invitations with their first answer; those that are complete only, if that is asked."""
    given = _GIVEN + (f" AND bitAnd(x.5, {INCOMPLETE}) = 0 AND {_NOT_OPEN}" if is_complete else "")
    return f"""
    SELECT id, {_ENTITY}, sent_at AS entered, {{within:Int64}} AS h,
      arrayFirst({given}, versions).1 AS outcome_at, '' AS outcome_id,
      if(arrayExists(x -> bitAnd(x.5, {BOUNCED}) != 0, versions), 'bounced', '') AS reason,
      reason = '' AND arrayExists(x -> bitAnd(x.5, {SENT | BOUNCED}) = 0, versions) AS arrived
    FROM invitations_at WHERE {_IN_WINDOW}"""


_SHOWINGS = f"""
    SELECT concat(survey, '/', question, '/', id) AS id, {_ENTITY}, sent_at AS entered, {{within:Int64}} AS h,
      arrayFirst({_GIVEN}, versions).1 AS outcome_at, '' AS outcome_id, if(bot != '', 'bot', '') AS reason,
      reason = '' AS shown,
      shown AND arrayExists(x -> x.1 >= sent_at AND bitAnd(x.5, {DISMISSED}) != 0, versions) AS dismissed
    FROM showings_at WHERE {_IN_WINDOW}"""

_ANSWERS = """
    SELECT id, actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, survey, event_ids,
      opening.1 AS entered, if(bot != '', 'bot', '') AS reason, invite
    FROM answers_at WHERE NOT is_rating AND entered >= {start:Int64} AND entered < {until:Int64}"""


def _of_answers(name: str, title: str, narrowed: str) -> Metric:
    """What is told of answers beside the rate, whoever was asked."""
    return Metric(
        name=name,
        title=title,
        meaning=title,
        formula=title,
        unit="people",
        direction="higher_is_better",
        shape=Shape.COUNT,
        attribution="completion",
        units=_ANSWERS,
        narrowed=lambda _: narrowed,
        segments=_SEGMENTS,
        clustered=True,
        options={"entity": "answer"},
    )


_RESPONDENTS = _of_answers(
    "respondents",
    "People who answered anything.",
    "SELECT person AS id, '' AS reason FROM filtered AS f WHERE f.reason = '' AND person != '' GROUP BY person",
)
_UNSOLICITED = _of_answers(
    "unsolicited",
    "Responses that no known invitation asked for.",
    """SELECT concat(survey, '/', f.id) AS id, '' AS reason FROM filtered AS f
    LEFT JOIN (SELECT id AS invited, sent_at FROM invitations_at WHERE sent_at > 0) AS i ON i.invited = f.invite
    WHERE f.reason = '' AND i.sent_at = 0 GROUP BY id""",
)


def _coverage(details: Mapping[str, Any]) -> float | None:
    return details["respondents"] / details["active"] if details["active"] else None


def _width(details: Mapping[str, Any]) -> float | None:
    share = _coverage(details)
    return None if share is None else 200 * (1 - share)


def _eligible(
    n: int, details: Mapping[str, Any], excluded: Mapping[str, int], parameters: Mapping[str, Any]
) -> Fraction:
    """Those that arrived, and the share e of those of which nobody knows it."""
    arrived, bounced = int(details.get("arrived", 0)), excluded.get("bounced", 0)
    share = Fraction(arrived, arrived + bounced) if arrived + bounced else Fraction(1)
    return arrived + (Fraction(parameters["eligible"]) if parameters["eligible"] else share) * (n - arrived)


_UNITS: Callable[[Mapping[str, Any]], str] = lambda _: _invitations(is_complete=False)  # noqa: E731 -- beside the others
_COMPLETE = {"units": lambda _: _invitations(is_complete=True), "formula": "complete answers within / invitations"}
_DETAILS = ("respondents", "active", "coverage", "unsolicited", "worst_case_width")


def _survey_event(message_id: str, name: str, day: int, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-{day}T09:00:00Z",
        "userId": user,
        "properties": {"survey_id": "s1", **properties},
    }


SURVEY_RESPONSE_RATE = Metric(
    name="survey_response_rate",
    title="Survey response rate",
    meaning="Of the invitations sent in the window that did not bounce, the share that was answered, in part or "
    "wholly, within the time that they had (AAPOR's RR2). While some are younger, the Kaplan–Meier estimate of it.",
    formula="invitations answered within / invitations sent and not bounced",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    units=_UNITS,
    beside={"active": AUDIENCE, "respondents": _RESPONDENTS, "unsolicited": _UNSOLICITED},
    derived={"coverage": _coverage, "worst_case_width": _width},
    segments=_SEGMENTS,
    horizon="within",
    parameters=(
        Parameter("within", Kind.DURATION, "P14D", "How long an answer may take to count.", least=1),
        Parameter(
            "eligible",
            Kind.TEXT,
            "",
            "rr3: the share of those of unknown fate that arrived; unset, that of those whose fate is known.",
            pattern=r"0(\.[0-9]{1,6})?|1(\.0{1,6})?",
        ),
    ),
    excluded=("bot", "bounced"),
    details=_DETAILS,
    clustered=True,
    options={"entity": "invitation", "outcome": "presence", "outcome_label": "answered"},
    sources=("AAPOR Standard Definitions: RR1, RR2, RR3",),
    edges=(
        "A reminder (the same invite_id) is the same invitation; several answers to it count once.",
        "An answer belongs to the invitation that its invite_id names; the others are unsolicited.",
        "coverage is the share of the active people who answered anything in the window.",
        "worst_case_width is how far apart two NPS could lie that differ only in what the silent think.",
    ),
    variants=(
        Variant("rr1", "Complete answers only.", _COMPLETE),
        Variant(
            "rr3",
            "Complete answers, of the invitations that arrived and the share e of those of unknown fate.",
            {
                **_COMPLETE,
                "formula": "complete answers within / (arrived + e x unknown)",
                "denominator": _eligible,
                "details": (*_DETAILS, "arrived"),
            },
        ),
        Variant(
            "intercept",
            "Of the surveys that were shown, the share that was answered.",
            {
                "units": _SHOWINGS,
                "formula": "showings answered within / showings",
                "beside": {},
                "derived": {},
                "details": ("shown", "dismissed"),
                "options": {"entity": "showing", "outcome": "presence", "outcome_label": "answered"},
            },
        ),
    ),
    otherwise="Some divide answers by all that was sent, bounced ones too, by those who opened the survey, or count "
    "only complete answers (definition=rr1): RR2 of AAPOR, partial answers in, bounced out, is the "
    "default. Recent invitations have had no time to be answered.",
    example=Example(
        events=(
            _survey_event("i1", "Survey Invited", 18, "u1", invite_id="i1"),
            _survey_event("i2", "Survey Invited", 18, "u2", invite_id="i2"),
            _survey_event("i2r", "Survey Invited", 20, "u2", invite_id="i2"),
            _survey_event("i3", "Survey Invited", 18, "u3", invite_id="i3"),
            _survey_event("b3", "Survey Bounced", 18, "u3", invite_id="i3"),
            _survey_event("a2", "Survey Question Answered", 21, "u2", invite_id="i2", score=9),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-12-04T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "excluded": {"bounced": 1}},
    ),
)
