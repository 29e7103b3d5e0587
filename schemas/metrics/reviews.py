"""What people say in public: stars, which mean something else on each platform, so platforms are pooled by weights."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from schemas.facts import DELETED, VERIFIED, last_told, versions_until
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Score, Shape, Variant
from schemas.metrics.units import ENTITY_DIMENSIONS
from schemas.periods import DAY_MS
from schemas.tables import NO_NUMBER
from schemas.tenants import Tenant

MILLION = 1_000_000
LOWEST, HIGHEST, GOOD_FROM = 1, 5, 4
_LARGEST = 10**6 * MILLION
"""No scale reaches farther: four times as much still fits 64 bits."""


def _weights(text: str) -> dict[str, Fraction]:
    """`google:2,trustpilot:1`: what each platform weighs; those that weigh nothing are not named."""
    pairs = (part.rsplit(":", 1) for part in text.split(",") if part)
    told = {source.strip().lower(): Fraction(weight) for source, weight in pairs}
    return {source: weight for source, weight in told.items() if weight}


def _bound(_: Tenant, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    weights = _weights(parameters["weights"])
    return {
        "weights": weights,
        "weight_sources": list(weights),
        "is_weighted": int(bool(parameters["weights"])),
        "scale_low": LOWEST,
        "scale_high": HIGHEST,
    }


_SAID = f"x -> bitAnd(x.5, {DELETED}) = 0"
_SCALED = f"x -> x.8 != {NO_NUMBER} AND x.9 != {NO_NUMBER}"


def _units(parameters: Mapping[str, Any]) -> str:
    unverified = "NOT is_verified, 'unverified'," if parameters["verified"] == "only" else ""
    return f"""
    SELECT concat(survey, '/', id) AS id, actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device,
      survey AS source, survey AS stratum, event_ids, posted_at AS entered, {{within:Int64}} AS h,
      {versions_until("posted_at + {within:Int64}")} AS known, arrayFilter({_SAID}, known) AS said,
      {last_told(7, "said", str(NO_NUMBER))} AS rating, arrayLast({_SCALED}, said) AS scaled,
      arrayExists({_SCALED}, said) AS is_scaled, length(said) < length(known) AS is_deleted,
      arrayExists(x -> bitAnd(x.5, {VERIFIED}) != 0, said) AS is_verified,
      if(is_scaled, scaled.8, {LOWEST * MILLION}) AS low, if(is_scaled, scaled.9, {HIGHEST * MILLION}) AS high,
      multiIf(bot != '', 'bot', is_deleted, 'deleted',
        rating < low OR rating > high OR low >= high OR low < -{_LARGEST} OR high > {_LARGEST}, 'invalid_score',
        {unverified} {{is_weighted:UInt8}} AND NOT has({{weight_sources:Array(String)}}, survey), 'unweighted',
        '') AS reason,
      if(reason = '', high - low + {HIGHEST - LOWEST} * (rating - low), 0) AS score_sum,
      if(reason = '', high - low, 1) AS score_of, toUInt8(score_sum >= {GOOD_FROM} * score_of) AS good
    FROM reviews_at WHERE posted_at >= {{start:Int64}} AND posted_at < {{until:Int64}}"""


def _posted(message_id: str, source: str, rating: object, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": "Review Posted",
        "timestamp": "2026-11-18T09:00:00Z",
        "userId": "u-" + message_id,
        "properties": {"review_id": message_id, "source": source, "rating": rating, **properties},
    }


REVIEW_RATING = Metric(
    name="review_rating",
    title="Review rating",
    meaning="The mean stars (1 to 5) of the reviews posted in the window, as edited since: of each platform by itself, "
    "then of the platforms by their weights.",
    formula="weighted mean over platforms of (sum of stars / reviews)",
    unit="stars",
    direction="higher_is_better",
    shape=Shape.SCORE,
    attribution="completion",
    units=_units,
    score=Score("mean", by_stratum=True),
    longer={"ever": None, "year": 365 * DAY_MS},
    binds=_bound,
    segments=(*ENTITY_DIMENSIONS, "source"),
    horizon="within",
    parameters=(
        Parameter("verified", Kind.CHOICE, "any", "All reviews, or the verified ones only.", ("any", "only")),
        Parameter(
            "weights",
            Kind.TEXT,
            "",
            "What each platform weighs, such as google:2,trustpilot:1; unset, each the same.",
            pattern=r"[^:,]+:[0-9]{1,6}(\.[0-9]{1,6})?(,[^:,]+:[0-9]{1,6}(\.[0-9]{1,6})?)*",
        ),
        Parameter(
            "prior",
            Kind.TEXT,
            "20",
            "bayesian: as how many reviews the mean of the last twelve months counts.",
            pattern=r"[0-9]{1,6}(\.[0-9]{1,6})?",
        ),
        Parameter("within", Kind.DURATION, "P14D", "How long reviews may be edited or taken back.", least=1),
    ),
    excluded=("bot", "deleted", "invalid_score", "unverified", "unweighted"),
    details=("distribution", "sources", "cumulative"),
    clustered=True,
    options={"entity": "review"},
    edges=(
        "Scales are mapped linearly to 1 to 5; platforms are never pooled without weights.",
        "An edit supersedes from its time on, a deletion takes the review out.",
        "numerator and denominator are null where several platforms are pooled.",
        "Who writes a review chose to: the very pleased and the very angry are over-represented.",
    ),
    variants=(
        Variant(
            "share",
            "The share of reviews with 4 stars and more.",
            {
                "formula": "weighted mean over platforms of (reviews from 4 stars on / reviews)",
                "unit": "ratio",
                "score": Score("share", by_stratum=True),
            },
        ),
        Variant(
            "wilson_lower",
            "The lower limit of the share of reviews with 4 stars and more, of one platform: for ranking.",
            {
                "formula": "lower Wilson limit of (reviews from 4 stars on / reviews)",
                "unit": "ratio",
                "score": Score("wilson_lower", by_stratum=True),
            },
        ),
        Variant(
            "bayesian",
            "The mean drawn towards that of the last twelve months, so that few reviews do not decide: for ranking.",
            {
                "formula": "(prior x mean of twelve months + sum of stars) / (prior + reviews)",
                "score": Score("bayesian", by_stratum=True),
            },
        ),
    ),
    otherwise="Platforms print a mean over all time, weighted by age and trust in ways that they do not say, and "
    "averages over platforms weigh each the same; here it is what was posted in the window, edits and "
    "deletions taken in.",
    example=Example(
        events=(
            _posted("g1", "google", 5),
            _posted("g2", "google", "4"),
            _posted("t1", "trustpilot", 10, scale_min=1, scale_max=10),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-12-04T00:00:00Z"},
        expected={"value": 4.75, "numerator": None, "n": 3, "details": {"distribution": {"4": 1, "5": 2}}},
    ),
)
