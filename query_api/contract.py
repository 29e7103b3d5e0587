"""The shape of the answers for OpenAPI: what a client may rely on. Answers are built in answer.py, not here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Number = float | None


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True)  # no answer is checked; only who reads the document needs the schemas


class Window(_Part):
    start: str
    end: str
    tz: str


class Span(_Part):
    start: str
    end: str


class Interval(_Part):
    low: Number
    high: Number
    method: str
    confidence: float


class Observed(_Part):
    numerator: Number
    denominator: Number
    value: Number


class Estimate(_Part):
    method: str
    value: Number
    low: Number
    high: Number
    transform: str
    reached: bool | None


class Statistics(_Part):
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


class Target(_Part):
    """What the tenant aims at here. `distance` is positive where the value is better than the target; `met` says that
    it is as good at least (null: the metric has no better); `interval_excludes`: the target lies outside the interval.
    """

    value: float
    distance: Number
    met: bool | None
    interval_excludes: bool | None


class Band(_Part):
    """The best published band that the value reaches; null limits are open."""

    name: str
    low: Number
    high: Number
    source: str


class Segment(_Part):
    segment: dict[str, str | None]
    value: Number
    basis: str
    numerator: Number
    denominator: Number
    n: int | None
    interval: Interval | None
    maturity: Number
    target: Target | None
    band: Band | None
    warnings: list[str]


class Comparison(_Part):
    """With the window before. While a cohort is young, `at` is when the earlier one was as old as it is now; else that
    of the answer.
    """

    value: Number
    difference: Number
    low: Number
    high: Number
    method: str | None
    significant: bool | None
    window: Span
    at: str


class CurrencyShare(_Part):
    currency: str
    value: float
    n: int


class Counting(_Part):
    """SQL as the engine lays it out, and the values that are bound in it by name."""

    sql: str
    bound: dict[str, Any]


class Plan(_Part):
    """Which layer gave the answer (facts, buckets, points), as of which version (null: as of now), and why; the
    statement that counted it, where it was counted.
    """

    layer: str
    version: str | None
    why: str
    statement: Counting | None


class Answer(_Part):
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
    target: Target | None
    band: Band | None
    segments: list[Segment]
    segments_left_out: int
    comparison: Comparison | None
    details: dict[str, Any]
    currency: str | None = None
    by_currency: list[CurrencyShare] | None = None
    plan: Plan | None = None


class Point(_Part):
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


class Revision(_Part):
    """What a closed window's value was, what it is since `at`, and why: events dated before the old value came late
    (`late_event`), people turned out to be one (`merge`), an order was refunded or cancelled (`refund`), or something
    that happened later changed it, such as a ticket that was opened again (`later_event`).
    """

    window: Span
    segment: dict[str, str | None] | None
    old: Number
    new: Number
    why: str
    at: str


class Revisions(_Part):
    """Values of the metric, in total, of hours, days, 7 and 28 days of the calendar that had closed and were complete
    when they were published, and are others now. The latest first.
    """

    metric: str
    revisions: list[Revision]
    next_cursor: str | None


class Problem(_Part):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    field: str | None


class Values(_Part):
    values: list[Answer | Problem]


class Chapter(_Part):
    """Something that happened to an entity: one of its events, with the request that brought it, or what follows from
    them (`event_id` null).
    """

    at: str
    what: str
    event_id: str | None
    request_id: str | None


class Row(_Part):
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


class Explanation(_Part):
    metric: str
    at: str
    total: int
    next_cursor: str | None
    rows: list[Row]


class StepEstimate(_Part):
    method: str
    value: Number
    low: Number
    high: Number
    transform: str


class FunnelStep(_Part):
    """`low` and `high` are the limits of `step_rate`."""

    event: str
    people: int
    rate: Number
    step_rate: Number
    low: Number
    high: Number
    drop_off: Number
    median_seconds: Number
    converted_median_seconds: Number
    estimate: StepEstimate | None


class FunnelSegment(_Part):
    segment: dict[str, str | None]
    n: int | None
    basis: str
    maturity: Number
    warnings: list[str]
    steps: list[FunnelStep]


class Funnel(_Part):
    """The contract of a number without the number; numerator and denominator are the last and the first step's."""

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
    basis: str
    numerator: int | None
    denominator: int | None
    n: int | None
    interval: Interval | None
    observed: Observed
    estimate: None
    statistics: None
    status: str
    maturity: Number
    final_at: str
    error_bound: float
    excluded: dict[str, int]
    warnings: list[str]
    segments: list[FunnelSegment]
    segments_left_out: int
    comparison: None
    details: dict[str, Any]
    steps: list[FunnelStep]


class FunnelRow(Row):
    """`level` is the last step that was reached; `outcome` the event of the step asked for."""

    level: int
    segment: dict[str, str | None]


class FunnelPeople(_Part):
    metric: str
    at: str
    total: int
    next_cursor: str | None
    rows: list[FunnelRow]


class Defined(_Part):
    """One definition: its answer or why there is none; `left_out` names the parameters that it does not have."""

    definition: str
    meaning: str
    left_out: list[str]
    difference: Number
    answer: Answer | None
    problem: Problem | None


class Treatment(_Part):
    """How often a definition counts the unit, and the longest of its times."""

    counted: str
    reason: str | None
    seconds: Number
    times: int


class DifferingRow(_Part):
    entity: str
    id: str
    person: str | None
    entered: str
    definitions: dict[str, Treatment | None]


class DefinitionsCompared(_Part):
    """Every definition of the metric on the same data, with its difference to the default, and the units that those of
    the same entity do not treat alike (null: such a definition does not know the unit). `limit` is for rows and
    segments; the cursor fixes `at`, and pages after the first leave `definitions` empty.
    """

    metric: str
    at: str
    watermark: str
    definitions: list[Defined]
    total: int
    next_cursor: str | None
    rows: list[DifferingRow]


class CatalogueParameter(_Part):
    name: str
    type: str
    default: str | None
    values: list[str]
    meaning: str


class CatalogueBand(_Part):
    name: str
    at: float
    inclusive: bool
    scale: str
    source: str


class CatalogueEntry(_Part):
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
    bands: list[CatalogueBand]
    otherwise: str
    sources: list[str]


class Catalogue(_Part):
    """What there is; what the codes of `warnings` and the keys of `excluded` and `details` in a body mean."""

    metrics: list[CatalogueEntry]
    warnings: dict[str, str]
    excluded: dict[str, str]
    details: dict[str, str]


class Cohort(_Part):
    """Those who began in one period; `retained` and what is made of it by period, null until that is over."""

    start: str
    end: str
    size: int | None
    retained: list[int | None]
    rates: list[Number]
    low: list[Number]
    high: list[Number]


class Triangle(_Part):
    """Cohorts with everything that they must not travel without."""

    metric: str
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
    status: str
    maturity: float
    final_at: str
    error_bound: float
    excluded: dict[str, int]
    warnings: list[str]
    cohorts: list[Cohort]


class Loss(_Part):
    table: str
    reason: str
    rows: int | None
    from_: str | None = Field(alias="from")
    to: str | None
    found_at: str


class Status(_Part):
    watermark: str
    events_stored: int
    dead_letters: int
    lag_records: int | None
    oldest_unprocessed_seconds: Number
    damages: list[Loss]
