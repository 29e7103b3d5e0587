"""The shape of the answers for OpenAPI: what a client may rely on. Answers are built in answer.py, not here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Number = float | None


class Window(BaseModel):
    start: str
    end: str
    tz: str


class Span(BaseModel):
    start: str
    end: str


class Interval(BaseModel):
    low: Number
    high: Number
    method: str
    confidence: float


class Observed(BaseModel):
    numerator: Number
    denominator: Number
    value: Number


class Estimate(BaseModel):
    method: str
    value: Number
    low: Number
    high: Number
    transform: str
    reached: bool | None


class Statistics(BaseModel):
    mean: Number
    median: Number
    p90: Number
    km_median: Number
    n: int
    open: int
    low: Number
    high: Number
    of: str
    sla_share: Number


class Segment(BaseModel):
    segment: dict[str, str | None]
    value: Number
    basis: str
    numerator: Number
    denominator: Number
    n: int | None
    interval: Interval | None
    maturity: Number
    warnings: list[str]


class Comparison(BaseModel):
    value: Number
    difference: Number
    low: Number
    high: Number
    method: str | None
    significant: bool | None
    window: Span


class CurrencyShare(BaseModel):
    currency: str
    value: float
    n: int


class Answer(BaseModel):
    """One number with everything that it must not travel without."""

    metric: str
    definition: str
    version: int
    title: str
    formula: str
    unit: str
    direction: str
    attribution: str
    window: Window
    at: str
    watermark: str
    parameters: dict[str, Any]
    value: Number
    basis: str
    numerator: Number
    denominator: Number
    n: int | None
    interval: Interval | None
    observed: Observed
    estimate: Estimate | None
    statistics: Statistics | None
    status: str
    maturity: Number
    final_at: str | None
    error_bound: float
    excluded: dict[str, int]
    warnings: list[str]
    segments: list[Segment]
    segments_left_out: int
    comparison: Comparison | None
    details: dict[str, Any]
    currency: str | None = None
    by_currency: list[CurrencyShare] | None = None


class Point(BaseModel):
    """The number over [start, end); all null where it has not begun. `partial`: the step is cut short, or not over."""

    start: str
    end: str
    value: Number
    numerator: Number
    denominator: Number
    n: int | None
    low: Number
    high: Number
    status: str
    maturity: Number
    partial: bool


class SegmentSeries(Segment):
    points: list[Point]


class SeriesAnswer(Answer):
    """The number over the whole window, and over each step of it."""

    segments: list[SegmentSeries]  # type: ignore[assignment]  # each segment with points of its own
    step: str
    points: list[Point]


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    field: str | None


class Values(BaseModel):
    values: list[Answer | Problem]


class Chapter(BaseModel):
    """Something that happened to an entity: one of its events, with the request that brought it, or what follows from
    them (`event_id` null).
    """

    at: str
    what: str
    event_id: str | None
    request_id: str | None


class Row(BaseModel):
    """A unit; with `id=` also its story, in order, and in a sentence why it counts as it does."""

    entity: str
    id: str
    person: str | None
    entered: str
    outcome: str | None
    outcome_id: str | None
    outcome_at: str | None
    seconds: Number
    counted: str
    reason: str | None
    event_ids: list[str]
    message_ids: list[str]
    story: list[Chapter] | None = None
    why: str | None = None


class Explanation(BaseModel):
    metric: str
    at: str
    total: int
    next_cursor: str | None
    rows: list[Row]


class CatalogueParameter(BaseModel):
    name: str
    type: str
    default: str | None
    values: list[str]
    meaning: str


class CatalogueEntry(BaseModel):
    name: str
    group: str
    title: str
    meaning: str
    formula: str
    unit: str
    direction: str
    attribution: str
    version: int
    parameters: list[CatalogueParameter]
    definitions: dict[str, str]
    segments: list[str]
    statistics: list[str]
    excluded: list[str]
    details: list[str]
    edges: list[str]
    sources: list[str]


class Catalogue(BaseModel):
    """What there is; what the codes of `warnings` and the keys of `excluded` in a body mean."""

    metrics: list[CatalogueEntry]
    warnings: dict[str, str]
    excluded: dict[str, str]


class Status(BaseModel):
    watermark: str
    events_stored: int
    dead_letters: int
    lag_records: int | None
    oldest_unprocessed_seconds: Number
