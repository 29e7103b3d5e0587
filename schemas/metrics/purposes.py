"""Why people come: the mix of what they answer to one question a visit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events.in_sql import declared, told, told_true
from schemas.metrics.events import SESSION_GAP_MS
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS
from schemas.periods import DAY_MS
from schemas.tenants import Tenant

LONGEST_VISIT_MS = DAY_MS
"""How long after the window an answer in a visit from within it is looked for."""
_PLACE = "PARTITION BY bot, person ORDER BY entered, UUIDToNum(event_id)"
_ANSWERED = "visit_purpose_answered"
declared("purposes", _ANSWERED)
_WORD = r"trim(BOTH ' \t\r\n' FROM lowerUTF8(w))"
_SAID = f"""arraySort(arrayDistinct(arrayFilter(w -> w != '', arrayMap(w -> {_WORD},
        if(JSONType(properties, 'purposes') = 'Array', JSONExtract(properties, 'purposes', 'Array(String)'),
           [{told("purpose", _ANSWERED)}])))))"""
_IS_INFERRED = told_true("inferred", _ANSWERED)


def _units(parameters: Mapping[str, Any]) -> str:
    """Visits with the purposes last said in them; answers that are left out stand beside, one by one."""
    left_out = f"if({_IS_INFERRED}, 'inferred', 'declared')"
    left_out = f"if({left_out} = '{parameters['labels']}', '', {left_out})"
    if parameters["taxonomy"]:
        other = f"{told('taxonomy', _ANSWERED)} != {{taxonomy:String}}"
        left_out = f"if({left_out} = '' AND {other}, 'other_taxonomy', {left_out})"
    return f"""
    SELECT toString(part.2) AS id, begun AS entered, opening.2 AS actor, part.1 AS reason, part.3 AS classes,
      arrayDistinct([opening.1, part.2, if(reason = '' AND notEmpty(counting), counting[-1].4, part.2)]) AS event_ids,
      opening.3 AS country, opening.4 AS channel, opening.5 AS device, person, reason = '' AS visits,
      reason = '' AND length(classes) > 1 AS multiple $traits
    FROM (
      SELECT *, arraySort(x -> (x.1, x.2, x.3), arrayFilter(x -> x.6 = '', answers)) AS counting,
        arrayJoin(arrayConcat(
          [('', opening.1, if(empty(counting), [], counting[-1].5))],
          arrayMap(x -> (x.6, x.4, []), arrayFilter(x -> x.6 != '', answers)))) AS part
      FROM (
        SELECT person, visit $traits, min(entered) AS begun,
          argMin((event_id, actor, toString(country), toString(channel), toString(device)),
                 (entered, UUIDToNum(event_id))) AS opening,
          groupArrayIf((entered, sequence, UUIDToNum(event_id), event_id, said, left_out), notEmpty(said)) AS answers
        FROM (
          SELECT *, sum(begins) OVER ({_PLACE} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit,
            if(event = '{_ANSWERED}', {_SAID}, []) AS said, {left_out} AS left_out
          FROM (
            SELECT *, row_number() OVER ({_PLACE}) = 1 OR entered - lagInFrame(entered) OVER (
              {_PLACE} ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) >= {SESSION_GAP_MS} AS begins
            FROM selected_events WHERE NOT bot AND actor != ''))
        GROUP BY person, visit $traits
        HAVING begun >= {{start:Int64}} AND begun < {{until:Int64}}))
    UNION ALL
    SELECT toString(event_id) AS id, entered, actor, if(bot, 'bot', 'no_actor') AS reason, [] AS classes,
      [event_id] AS event_ids, toString(country) AS country, toString(channel) AS channel, toString(device) AS device,
      person, 0 AS visits, 0 AS multiple $traits
    FROM selected_events
    WHERE (bot OR actor = '') AND event = '{_ANSWERED}' AND notEmpty({_SAID})
      AND entered >= {{start:Int64}} AND entered < {{until:Int64}}"""


def _wanted(_: Tenant, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"wanted": parameters["purpose"].strip().lower()}


def _answered(message_id: str, time: str, user: str, purpose: str) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": "Visit Purpose Answered",
        "timestamp": f"2026-11-18T{time}Z",
        "userId": user,
        "properties": {"purpose": purpose},
    }


VISIT_PURPOSE = Metric(
    name="visit_purpose",
    title="Visit purpose",
    meaning="Of the visits in which somebody said why they came, the share with one purpose: the one asked for, else "
    "the most frequent. All of them stand under details.",
    formula="visits with the purpose / visits that answered",
    unit="ratio",
    direction="neutral",
    shape=Shape.MIX,
    attribution="cohort",
    by_entry=True,
    units=_units,
    binds=_wanted,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        Parameter("purpose", Kind.TEXT, "", "Which purpose; unset, the most frequent one (ties by name)."),
        Parameter(
            "labels",
            Kind.CHOICE,
            "declared",
            "What visitors said, or what was inferred of them: never together.",
            ("declared", "inferred"),
        ),
        Parameter("taxonomy", Kind.TEXT, "", "Only answers by this version of the list of purposes; unset, all."),
    ),
    excluded=("bot", "declared", "inferred", "no_actor", "other_taxonomy"),
    details=("purpose", "visits", "answered", "multiple", "shares", "drift"),
    clustered=True,
    options={
        "source": "events",
        "entity": "visit",
        "family": "visit",
        "lookback": SESSION_GAP_MS,
        "lookahead": LONGEST_VISIT_MS,
        "columns": ("properties", "sequence"),
        "people": True,
    },
    sources=("Goodman 1965: the intervals",),
    edges=(
        "A visit is what `visits` counts; its last answer counts, also one that comes up to a day after the window.",
        "A visit without an answer is in neither side: silence is not browsing.",
        "Where several may be named, the shares exceed 1 together (warning multi_select).",
        "With compare=previous, drift says how far the two mixes are apart.",
    ),
    otherwise="Reports add what was inferred from clicks to what people said, or count silence as browsing: the "
    "shares of the few who answered are then mixed with guesses. Where several answers are allowed, "
    "shares exceed 1 together.",
    example=Example(
        events=(
            _answered("a1", "09:00:00", "u1", "Just browsing"),
            _answered("a2", "09:10:00", "u2", "buy"),
            _answered("a3", "09:20:00", "u3", " Buy "),
            _answered("a4", "09:30:00", "u4", "get help"),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 0.5, "numerator": 2, "denominator": 4, "n": 4, "details": {"purpose": "buy", "visits": 4}},
    ),
)
