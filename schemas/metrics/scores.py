"""Scores: what people answer when asked. Which question is which, and on what scale, stands in the registry of
questions, else in the answer itself; unlike scales are never pooled, and an edited answer supersedes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from schemas.facts import INCOMPLETE, last_told, versions_until
from schemas.metrics.activity import AUDIENCE
from schemas.metrics.metric import Band, Example, Kind, Metric, Parameter, Score, Shape, Variant
from schemas.metrics.units import ENTITY_DIMENSIONS
from schemas.periods import DAY_MS
from schemas.tables import NO_NUMBER
from schemas.tenants import USUAL_SCALES, Tenant

MILLION = 1_000_000
LOOKBACK_MS = 31 * DAY_MS
"""How long before its invitation an answer is looked for, to be told as too early."""
_SEPARATOR = "\x1f"
_PARTS = (
    Parameter(
        "dedupe",
        Kind.CHOICE,
        "latest",
        "Of several answers of one person (or one about the same interaction): which counts.",
        ("latest", "first", "mean", "all"),
    ),
    Parameter(
        "attribution",
        Kind.CHOICE,
        "completion",
        "By the time of the answer, or of the invitation that it names.",
        ("completion", "cohort"),
    ),
    Parameter("within", Kind.DURATION, "P14D", "How long answers may come and be edited.", least=1),
)
_LEFT_OUT = ("bot", "incomplete", "invalid_score", "late", "repeated", "scale_mismatch", "uninvited")
_COVERAGE = ("respondents", "active", "coverage", "worst_case")
_EDGES = (
    "Answers to all surveys of the tenant that ask this question are one score; those on another scale are left out.",
    "One answer per person, or per person and interaction (related_id); an edited one supersedes.",
    "coverage is the share of the active people who are in the score.",
    "worst_case is where the score would lie if all the others had given the worst, or the best, answer.",
)


def _millionths(value: float) -> int:
    return int(Decimal(repr(value)) * MILLION)


def _registry(metric: str, tenant: Tenant, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tenant's questions as arrays, and the one scale that is pooled."""
    own = [question.scale for question in tenant.questions if question.metric == metric]
    low, high = next(iter(own), USUAL_SCALES[metric])
    if parameters.get("scale"):
        low, high = (int(end) for end in parameters["scale"].split("-"))
    every = tenant.questions
    return {
        "question_keys": [each.survey + _SEPARATOR + each.question for each in every],
        "question_metrics": [each.metric for each in every],
        "question_lows": [each.scale[0] * MILLION for each in every],
        "question_highs": [each.scale[1] * MILLION for each in every],
        "question_goods": [each.good or "" for each in every],
        "question_cuts": [
            NO_NUMBER if each.satisfied_from is None else _millionths(each.satisfied_from) for each in every
        ],
        "scale_low": low,
        "scale_high": high,
        "scale_shown": f"{low}-{high}",
        "cut": _millionths(float(parameters["threshold"])) if parameters.get("threshold") else NO_NUMBER,
    }


def _units(metric: str, parameters: Mapping[str, Any]) -> str:
    """The answers to questions of a metric, those on the pooled scale with their score read as high is good."""
    low, high = USUAL_SCALES[metric]
    by_cohort = parameters["attribution"] == "cohort"
    kind = f"(about != '') != {parameters['kind'] == 'transactional':d}, 'other_kind'," if metric == "nps" else ""
    is_low_good = "told_good = 'low'"
    if metric == "ces":
        is_low_good = "if(told_good = '', {direction:String} = 'effort_high', told_good = 'low')"
    agent = (
        "if(own_agent = '', arrayLast(x -> x.1 < answered_at, held).2, own_agent)" if metric == "csat" else "own_agent"
    )
    usual_cut = {
        "csat": "{scale_low:Int64} + intDiv(3 * ({scale_high:Int64} - {scale_low:Int64}) + 3, 4)",
        "ces": "{scale_low:Int64} + intDiv(2 * ({scale_high:Int64} - {scale_low:Int64}) + 2, 3)",
        "nps": "9",
    }[metric]
    return f"""
    SELECT concat(survey, '/', question, '/', id) AS id, actor_ AS actor, country_ AS country, channel_ AS channel,
      device_ AS device, survey, {agent} AS agent, event_ids, entered, {{within:Int64}} AS h,
      multiIf(bot != '', 'bot', is_incomplete, 'incomplete',
        is_contradicted OR (low, high) != ({{scale_low:Int64}} * {MILLION}, {{scale_high:Int64}} * {MILLION}),
        'scale_mismatch', score = {NO_NUMBER} OR score < low OR score > high OR score % {MILLION} != 0, 'invalid_score',
        {kind} {_INVITED if by_cohort else ""} '') AS reason,
      answered_at, UUIDToNum(opening.3) AS tie, about,
      intDiv(if({is_low_good}, low + high - score, score), {MILLION}) AS points,
      multiIf({{cut:Int64}} != {NO_NUMBER}, {{cut:Int64}}, own_cut != {NO_NUMBER}, own_cut,
              toInt64({usual_cut}) * {MILLION}) AS good_from
    FROM (
      SELECT *, opening.1 AS answered_at, {_WHAT_IS_SAID},
        if(is_rating, 0, indexOf({{question_keys:Array(String)}}, concat(survey, char(31), question))) AS place,
        if(place > 0, {{question_metrics:Array(String)}}[place], told_metric) AS asked,
        told_low != {NO_NUMBER} AS is_told,
        multiIf(place > 0, {{question_lows:Array(Int64)}}[place], is_told, told_low, {low * MILLION}) AS low,
        multiIf(place > 0, {{question_highs:Array(Int64)}}[place], is_told, told_high, {high * MILLION}) AS high,
        place > 0 AND is_told AND (told_low, told_high) != (low, high) AS is_contradicted,
        if(place > 0, {{question_goods:Array(String)}}[place], told_polarity) AS told_good,
        if(place > 0, {{question_cuts:Array(Int64)}}[place], {NO_NUMBER}) AS own_cut,
        {"if(invited_at > 0, invited_at, opening.1)" if by_cohort else "opening.1"} AS entered
      FROM answers_at AS a {_WITH_INVITATION if by_cohort else ""} {_WITH_TICKET if metric == "csat" else ""}
      WHERE asked = '{metric}' AND entered >= {{start:Int64}} AND entered < {{until:Int64}})"""


_IN_TIME = "greatest(entered + {within:Int64}, opening.1 + 1)"
_WHAT_IS_SAID = f"""{versions_until(_IN_TIME)} AS said,
        {last_told(7, "said", str(NO_NUMBER))} AS score, {last_told(8, "said", str(NO_NUMBER))} AS told_low,
        {last_told(9, "said", str(NO_NUMBER))} AS told_high, {last_told(10, "said", "''")} AS told_metric,
        {last_told(11, "said", "''")} AS told_polarity, arrayFilter(x -> x.1 < {_IN_TIME}, completions) AS finished,
        if(empty(finished), bitAnd(said[-1].5, {INCOMPLETE}) != 0, finished[-1].6 = 'no') AS is_incomplete"""
"""Of an answer: each field as told last while it could still be edited. Before a version could say that it is completed
(rows of old), one that did not say that it is not was."""
_INVITED = """invited_at = 0, 'uninvited',
        answered_at < invited_at OR answered_at >= invited_at + {within:Int64}, 'late',"""
_WITH_INVITATION = (
    "LEFT JOIN (SELECT id AS invite_id, sent_at AS invited_at FROM invitations_at) AS i ON i.invite_id = a.invite"
)
_WITH_TICKET = "LEFT JOIN held_at AS t ON t.ticket = a.about"


def _one_each(parameters: Mapping[str, Any]) -> str:
    """Of the answers of one person (about one interaction) the one that counts; those of nobody count each."""
    chosen = {"first": "place = 1", "all": "1"}.get(parameters["dedupe"], "place = places")
    mean = parameters["dedupe"] == "mean"
    return f"""
    SELECT * EXCEPT (counts, place, places, total), if(counts AND NOT ({chosen}), 'repeated', was) AS reason,
      {"total" if mean else "points"} AS score_sum, toInt64({"places" if mean else "1"}) AS score_of,
      toUInt8(score_sum * {MILLION} >= good_from * score_of) AS good, '' AS stratum
    FROM (
      SELECT * EXCEPT (reason), reason AS was, reason = '' AS counts,
        if(person = '', ('', id), (person, about)) AS whose,
        row_number() OVER (PARTITION BY counts, whose ORDER BY answered_at, tie) AS place,
        count() OVER (PARTITION BY counts, whose) AS places, sum(points) OVER (PARTITION BY counts, whose) AS total
      FROM filtered)"""


def _answered(message_id: str, time: str, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": "Survey Question Answered",
        "timestamp": f"2026-11-18T{time}Z",
        "userId": user,
        "properties": {"survey_id": "s1", "survey_question_id": "q1", "response_id": message_id, **properties},
    }


_QUERY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-12-04T00:00:00Z"}

NPS = Metric(
    name="nps",
    title="Net promoter score",
    meaning="Of the answers on 0 to 10 to the question whether one would recommend us, the share of 9 and 10 minus the "
    "share of 0 to 6, times 100.",
    formula="100 x (promoters - detractors) / answers",
    unit="score",
    direction="higher_is_better",
    shape=Shape.SCORE,
    attribution="completion",
    units=lambda parameters: _units("nps", parameters),
    narrowed=_one_each,
    beside={"active": AUDIENCE},
    score=Score("net"),
    variants=(
        Variant(
            "articles",
            "What some articles print: the number of promoters minus that of detractors, which grows with the sample.",
            {
                "formula": "promoters - detractors",
                "unit": "answers",
                "score": Score("count"),
                "beside": {},
                "details": ("promoters", "passives", "detractors", "distribution"),
            },
        ),
    ),
    binds=lambda tenant, parameters: _registry("nps", tenant, parameters),
    segments=(*ENTITY_DIMENSIONS, "survey", "agent"),
    horizon="within",
    parameters=(
        Parameter(
            "kind",
            Kind.CHOICE,
            "relational",
            "Answers about the relation, or about one interaction (related_id): never mixed.",
            ("relational", "transactional"),
        ),
        *_PARTS,
    ),
    excluded=(*_LEFT_OUT, "other_kind"),
    details=("promoters", "passives", "detractors", "distribution", *_COVERAGE),
    clustered=True,
    options={"entity": "answer", "lookback": LOOKBACK_MS},
    bands=(
        Band("good", 0, "Common reading of the score (above 0); one's own industry comes first", inclusive=False),
        Band(
            "excellent", 50, "Common reading of the score (above 50); one's own industry comes first", inclusive=False
        ),
    ),
    sources=("Reichheld 2003", "Rocks 2016: the interval"),
    edges=(
        *_EDGES,
        "Shares, not counts: an article may subtract numbers of people: definition=articles.",
    ),
    otherwise="An article may ask on 1–10 and still call 0–6 detractors, or subtract numbers of people rather than "
    "shares (definition=articles). Pooling relational and transactional answers, or all answers of a person, gives yet "
    "others.",
    example=Example(
        events=(
            _answered("a1", "09:00:00", "u1", score=10, survey_type="NPS"),
            _answered("a2", "09:10:00", "u2", score=9, survey_type="NPS"),
            _answered("a3", "09:20:00", "u3", score=7, survey_type="NPS"),
            _answered("a4", "09:30:00", "u4", score=3, survey_type="NPS"),
        ),
        query=_QUERY,
        expected={"value": 25.0, "numerator": 1, "denominator": 4, "n": 4},
    ),
)

_SCALE = Parameter(
    "scale",
    Kind.TEXT,
    "",
    "The scale that is pooled, such as 1-10; unset, that of the first such question in the registry, or the usual.",
    pattern="[0-9]{1,4}-[0-9]{1,4}",
)

CSAT = Metric(
    name="csat",
    title="Customer satisfaction",
    meaning="Of the answers to questions of satisfaction, ratings of tickets among them, the share that is satisfied: "
    "4 and 5 of 5, 8 to 10 of 10, yes or good. The neutral ones stay in the denominator.",
    formula="satisfied answers / answers",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.SCORE,
    attribution="completion",
    units=lambda parameters: _units("csat", parameters),
    narrowed=_one_each,
    beside={"active": AUDIENCE},
    score=Score("share"),
    binds=lambda tenant, parameters: _registry("csat", tenant, parameters),
    segments=(*ENTITY_DIMENSIONS, "survey", "agent"),
    horizon="within",
    parameters=(_SCALE, *_PARTS),
    excluded=_LEFT_OUT,
    details=("scale", "mean", "share", "distribution", *_COVERAGE),
    clustered=True,
    options={"entity": "answer", "lookback": LOOKBACK_MS},
    bands=(Band("good", 0.8, "80 %, 8 of 10, is often called good"),),
    edges=(
        *_EDGES,
        "Belongs to the agent who had the ticket when it was rated, not to its last one.",
        "Satisfied is from three quarters of the scale on, unless the registry says from where (satisfied_from).",
    ),
    variants=(
        Variant(
            "mean",
            "The mean of the scores, in their own scale.",
            {"formula": "sum of scores / answers", "unit": "score", "score": Score("mean")},
        ),
    ),
    otherwise="An article may print the mean of the scores (definition=mean) or the share of 8–10 on ten points; "
    "leaving out the neutral answers makes it higher. Scales are never pooled here.",
    example=Example(
        events=(
            _answered("a1", "09:00:00", "u1", score=5, survey_type="CSAT"),
            _answered("a2", "09:10:00", "u2", score=3, survey_type="CSAT"),
            _answered("a3", "09:20:00", "u3", score=4, survey_type="CSAT"),
            _answered("a4", "09:30:00", "u4", score=9, survey_type="CSAT", scale_min=1, scale_max=10),
        ),
        query=_QUERY,
        expected={"value": 2 / 3, "numerator": 2, "denominator": 3, "excluded": {"scale_mismatch": 1}},
    ),
)

CES = Metric(
    name="ces",
    title="Customer effort score",
    meaning="The mean of the answers to questions of effort, read so that a high score is an easy one, whatever the "
    "question calls high.",
    formula="sum of ease / answers",
    unit="score",
    direction="higher_is_better",
    shape=Shape.SCORE,
    attribution="completion",
    units=lambda parameters: _units("ces", parameters),
    narrowed=_one_each,
    beside={"active": AUDIENCE},
    score=Score("mean", promotes_from=6, detracts_below=4, net_scale=USUAL_SCALES["ces"]),
    binds=lambda tenant, parameters: _registry("ces", tenant, parameters),
    segments=(*ENTITY_DIMENSIONS, "survey", "agent"),
    horizon="within",
    parameters=(
        _SCALE,
        Parameter(
            "direction",
            Kind.CHOICE,
            "easy_high",
            "What a high score means where neither the registry nor the answer says.",
            ("easy_high", "effort_high"),
        ),
        Parameter(
            "threshold",
            Kind.TEXT,
            "",
            "From which ease on it was easy; unset, that of the registry, else two thirds of the scale (5 of 7).",
            pattern=r"[0-9]{1,4}(\.[0-9]{1,6})?",
        ),
        *_PARTS,
    ),
    excluded=_LEFT_OUT,
    details=("scale", "mean", "share", "index", "distribution", *_COVERAGE),
    clustered=True,
    options={"entity": "answer", "lookback": LOOKBACK_MS},
    bands=(Band("good", 5, "5 of 7 and more is often called good", scale="1-7"),),
    edges=(
        *_EDGES,
        "Where a high score means much effort, it is turned round (min + max - score) before anything is pooled.",
    ),
    variants=(
        Variant(
            "share",
            "The share that found it easy (5 to 7 of 7).",
            {
                "formula": "easy answers / answers",
                "unit": "ratio",
                "score": Score("share", promotes_from=6, detracts_below=4, net_scale=USUAL_SCALES["ces"]),
            },
        ),
        Variant(
            "index",
            "The share of 6 and 7 minus the share of 1 to 3, times 100; on 1 to 7 only.",
            {
                "formula": "100 x (answers of 6 and 7 - answers of 1 to 3) / answers",
                "score": Score("net", promotes_from=6, detracts_below=4, net_scale=USUAL_SCALES["ces"]),
            },
        ),
    ),
    otherwise="An article that says lower is better, of a scale on which easy is high, has the direction wrong: "
    "here ease is high and effort is turned round. Others print the share of good answers or an index: "
    "definition=share, definition=index.",
    example=Example(
        events=(
            _answered("a1", "09:00:00", "u1", score=7, survey_type="CES"),
            _answered("a2", "09:10:00", "u2", score=2, survey_type="CES", polarity="low"),
            _answered("a3", "09:20:00", "u3", score=4, survey_type="CES"),
        ),
        query=_QUERY,
        expected={"value": 17 / 3, "numerator": 17, "denominator": 3, "details": {"share": 2 / 3}},
    ),
)
