"""A question about one metric, and the counts that answer it: the two values between which SQL is compiled and run.

`Question` is what the HTTP side understood; `Cell` is what the store counted for the total or for one segment. The
contract of a number (interval, estimate, status) is a pure function of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from schemas.metrics.metric import Metric
from schemas.tenants import Target


@dataclass(frozen=True, slots=True)
class Filter:
    """`dimension:operator:values`; no value means null."""

    dimension: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One metric over [start, end) (ms UTC, cut in `tz`), as of `at` (ms UTC).

    `parameters` holds every declared parameter of the metric, durations in ms, with defaults filled in.
    """

    metric: Metric
    tenant: str
    currency: str
    tz: str
    start: int
    end: int
    at: int
    parameters: Mapping[str, Any]
    segments: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    statistic: str = ""
    preceding: int = 0
    """Where the window before begins, ms; it ends where this one starts."""
    bound: Mapping[str, Any] = field(default_factory=dict)
    """What the metric needs of the tenant's settings."""
    unit_id: str = ""
    """The only unit that an explanation is about; "": all."""
    interval: str = ""
    """How limits are found that the metric would find otherwise."""
    targets: tuple[Target, ...] = ()
    """What the tenant aims at with this metric."""

    @property
    def entity(self) -> str:
        """What one unit is."""
        return str(self.parameters.get("entity", self.metric.options["entity"]))

    @property
    def by_cohort(self) -> bool:
        """Whether units are attributed to the window of their entry under these parameters."""
        return bool(self.parameters.get("attribution", self.metric.attribution) == "cohort")

    @property
    def until(self) -> int:
        """Units enter in [start, until)."""
        return max(self.start, min(self.at, self.end))


@dataclass(frozen=True, slots=True)
class Scored:
    """How many units of one stratum have one score, and whether that is a good one."""

    stratum: str
    score: Fraction
    good: bool
    n: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What was counted for the total (`segment` empty) or for one combination of segment values.

    Times in ms, money in minor units. `members` are those of whom `mature` are, where these are more than n.
    `last_known` is when the last unit's horizon ends, where these are their own.
    `values` says of each value that a unit (or a person) has how many have it,
    `other_values` of other currencies. `durations` are the closed units' values (duration metrics), ascending; `events`
    and `censored` say for Kaplan–Meier how many units have an outcome, or none so far, at each age.
    """

    segment: tuple[str | None, ...] = ()
    n: int = 0
    numerator: int = 0
    denominator: int | None = None
    mature: int = 0
    members: int = 0
    last_known: int = 0
    persons: int = 0
    durations: Sequence[int] = ()
    values: Mapping[int, int] = field(default_factory=dict)
    other_values: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    events: Mapping[int, int] = field(default_factory=dict)
    censored: Mapping[int, int] = field(default_factory=dict)
    scores: Sequence[Scored] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    headline: str = ""
    """The class that the number is about, of the total in every cell."""
    longer: Mapping[str, Sequence[Scored]] = field(default_factory=dict)
    """Scores of other windows with the same end, of all segments, by name."""
    replicates: Sequence[float | None] = ()
    """The number in each replicate of the bootstrap, where that was asked for and can be."""
    excluded: Mapping[str, int] = field(default_factory=dict)
    by_currency: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
