"""The shape of a metric's declaration: one value from which API, OpenAPI, catalogue and contract tests follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal

from schemas.tenants import Tenant


class Shape(StrEnum):
    """How units become a number."""

    COUNT = "count"
    MONEY = "money"
    MONEY_AVERAGE = "money_average"
    PER_PERSON = "per_person"
    RATE = "rate"
    RATIO = "ratio"
    MEAN = "mean"
    DISTINCT = "distinct"
    STICKINESS = "stickiness"
    DURATION = "duration"
    LEVEL = "level"
    SCORE = "score"
    MIX = "mix"
    WEIGHED = "weighed"


class Kind(StrEnum):
    """Type of a parameter as a caller writes it."""

    DURATION = "duration"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NAMES = "names"
    CURRENCY = "currency"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A metric's own parameter: `default` as a caller would write it (None: absent), `values` where it is a choice.

    `definitions` are those that have it (none named: all); `pattern` is what a text must match as a whole, unless it is
    the default.
    """

    name: str
    kind: Kind
    default: str | None
    meaning: str
    values: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    definitions: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """Another definition under the same name (`definition=`): how it differs, and the fields that it declares anew."""

    name: str
    meaning: str
    changes: Mapping[str, Any]


DEFAULT = "default"
_OF_A_MIX = ("purpose", "answered", "shares", "drift")
"""Details that a mix computes from its classes."""
_OF_A_PACE = ("monthly", "annualised")
"""Details that a pace per month computes from itself."""
_COMPUTED = {Shape.MIX: _OF_A_MIX, Shape.WEIGHED: _OF_A_PACE}
_NOT_DRAWN = ("count", "wilson_lower", "bayesian")
"""What is no quotient of sums cannot be drawn again."""
Denominator = Callable[[int, Mapping[str, Any], Mapping[str, int], Mapping[str, Any]], Fraction]
SQL = str | Callable[[Mapping[str, Any]], str]
Calendar = Callable[[int, int, str, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: events sent (native form), the query, and the fields of the body that must come back."""

    events: tuple[Mapping[str, Any], ...]
    query: Mapping[str, str]
    expected: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Score:
    """What is made of scores: 100 x (share from `promotes_from` on - share below `detracts_below`), on `net_scale` only
    if that is given, or the difference of their numbers (`count`); their mean, also drawn towards that of a year; the
    share of the good ones, or its lower limit. `by_stratum`: of each stratum by itself, then by the strata's weights.
    """

    pool: Literal["net", "count", "mean", "share", "wilson_lower", "bayesian"]
    promotes_from: int = 9
    detracts_below: int = 7
    net_scale: tuple[int, int] | None = None
    by_stratum: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happens to a unit: its name, and the SQL over the unit's columns that says when (ms, 0: not)."""

    what: str
    at: str


def _with_own_units(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is declared anew: what was said of other units goes with these."""
    return {"moments": (), "by_entry": False, **changes} if "units" in changes else changes


@dataclass(frozen=True, slots=True)
class Band:
    """A published judgement, and who published it: values from `at` on have it (beyond `at` only, unless `inclusive`),
    or up to `at` where lower is better. `scale`: of answers on this scale only. The bands of a metric stand from the
    worst to the best; a value that reaches none has none.
    """

    name: str
    at: float
    source: str
    inclusive: bool = True
    scale: str = ""

    def told(self, direction: str) -> str:
        """Its name and from, or up to, where it goes."""
        limit = "up to" if direction == "lower_is_better" else "from" if self.inclusive else "above"
        return f"{self.name}, {limit} {self.at:g}" + (f" on the scale {self.scale}" if self.scale else "")


@dataclass(frozen=True, slots=True)
class Metric:
    """A number's meaning and the SQL of its units.

    `units` is a SELECT over relations (schemas/facts) with one row a unit, counted or excluded, or a function of the
    parameters that gives it; its columns are named in `schemas/metrics/units.py`. `horizon` names the parameter that
    holds H; `statistics` are the choices of `statistic=`, the first is the default; `excluded` and `details` are the
    keys that the body may carry. `options["outcome"]` says whether a rate counts the `presence` or `absence` of one, or
    the units that the SQL marks as `hit`: these have no Kaplan–Meier, unless `options["curve"]` says that `outcome_at`
    is when they can no longer become one; `options["inverse"]` turns a rate over. Where filters choose rows of which
    units are made only then, `selects` is the SELECT of those rows, and `units` reads them as `selected_rows`; with
    `options["marks"]` all of them, with `is_selected`.
    `narrowed` is a SELECT over `filtered` (the units with person, traits and filters) where it depends on the others
    which of them count. `beside` are details that are the n of other metrics over the same window and filters,
    `derived` are made of other details, of `n` and of the `hours` that the window has had, `tallied` of how often each
    text occurs in the units' column of that name (an array of them), `longer` are other windows with the same end (ms;
    None: all the time before) whose scores are counted too. By `score` scores become a number; `denominator` makes a
    rate's own of n, the details, what is excluded and the parameters. `bands` are of the default definition, unless a
    variant declares its own.
    `otherwise` says why an article, or another tool, may print another number under this name.
    `binds` gives what the SQL needs of the tenant's settings, as bound parameters, `calendar` what it needs of the
    calendar: from start, end, zone and parameters (these with what `binds` gave). `rolling` is the definition that the
    default stands for where the window is a length of time. `by_entry` says that a unit is the same in whichever window
    it enters: the units of a part of a window are those of the whole that enter in the part. `moments` are what an
    explanation tells of a unit; none given: its entry and its outcome. They read the units' columns, so a definition or
    a choice that declares other `units` declares its own, or has none.
    """

    name: str
    title: str
    meaning: str
    formula: str
    unit: str
    direction: str
    shape: Shape
    attribution: str
    units: SQL
    segments: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    horizon: str | None = None
    statistics: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    clustered: bool = False
    version: int = 1
    sources: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    otherwise: str = ""
    selects: SQL = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    example: Example | None = None
    narrowed: Callable[[Mapping[str, Any]], str] | None = None
    beside: Mapping[str, Metric] = field(default_factory=dict)
    longer: Mapping[str, int | None] = field(default_factory=dict)
    derived: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    tallied: Mapping[str, Callable[[Mapping[str, int]], Any]] = field(default_factory=dict)
    denominator: Denominator | None = None
    score: Score | None = None
    binds: Callable[[Tenant, Mapping[str, Any]], Mapping[str, Any]] | None = None
    calendar: Calendar | None = None
    rolling: str = ""
    bands: tuple[Band, ...] = ()
    under: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    by_entry: bool = False
    moments: tuple[Moment, ...] = ()
    definition: str = DEFAULT
    variants: tuple[Variant, ...] = ()

    @property
    def definitions(self) -> tuple[str, ...]:
        """What `definition=` may be, the default first."""
        return (DEFAULT, *(variant.name for variant in self.variants))

    def defined(self, definition: str) -> Metric:
        """The declaration under one of its `definitions`, with the parameters that this one has."""
        changes: Mapping[str, Any] = next((each.changes for each in self.variants if each.name == definition), {})
        dropped: Mapping[str, Any] = {} if definition == DEFAULT else {"bands": ()}
        own = tuple(each for each in self.parameters if not each.definitions or definition in each.definitions)
        return replace(self, definition=definition, parameters=own, **{**dropped, **_with_own_units(changes)})

    def asked_with(self, parameters: Mapping[str, Any]) -> Metric:
        """The declaration under these parameters: `under` holds what a choice of one declares anew."""
        found = (change for (name, value), change in self.under.items() if parameters.get(name) == value)
        changes = [_with_own_units(change) for change in found]
        return replace(self, **{key: value for change in changes for key, value in change.items()}) if changes else self

    def units_sql(self, parameters: Mapping[str, Any]) -> str:
        """The SELECT of the units under these parameters."""
        return self.units if isinstance(self.units, str) else self.units(parameters)

    def selects_sql(self, parameters: Mapping[str, Any]) -> str:
        """The SELECT of the rows that a filter chooses from, "" if it chooses from the units."""
        return self.selects if isinstance(self.selects, str) else self.selects(parameters)

    @property
    def summed(self) -> tuple[str, ...]:
        """The details that are columns of the units."""
        other = {*self.beside, *self.derived, *self.tallied, *_COMPUTED.get(self.shape, ())}
        return tuple(name for name in self.details if name not in other)

    @property
    def unit_by_unit(self) -> bool:
        """Whether each unit is counted by itself, and not the people who have them."""
        return self.shape not in (Shape.PER_PERSON, Shape.DISTINCT, Shape.STICKINESS)

    @property
    def adds_up(self) -> bool:
        """Whether what is counted of the parts of a window can be added up to what counting the whole finds."""
        whole_only = self.shape is Shape.LEVEL or self.tallied or self.beside or self.longer or self.derived
        return self.by_entry and self.unit_by_unit and not whole_only

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it is cut by, but for the traits, of which nobody knows how many there are."""
        return tuple(name for name in self.segments if not name.endswith("*"))

    @property
    def horizons(self) -> tuple[str, ...]:
        """The parameters that hold how long after its entry a unit can still have its outcome."""
        named: tuple[str, ...] = self.options.get("horizons") or ((self.horizon,) if self.horizon else ())
        return named

    @property
    def has_curve(self) -> bool:
        """Whether a rate's units tell when their outcome came."""
        return self.options.get("outcome") != "mark" or bool(self.options.get("curve"))

    @property
    def own_horizons(self) -> bool:
        """Whether each unit's horizon is its own: those of the parameters are then added, for a unit not yet begun."""
        return bool(self.options.get("own_horizons"))

    @property
    def scales(self) -> tuple[int, int]:
        """By how much what a ratio counts above and below is too large."""
        above, below = self.options.get("scales", (1, 1))
        return above, below

    @property
    def money(self) -> bool:
        """Whether the number is an amount of one currency, beside which others are listed."""
        return self.shape in (Shape.MONEY, Shape.MONEY_AVERAGE)

    @property
    def resamples(self) -> bool:
        """Whether its limits can be found by drawing people again: what is no census, and a quotient of sums."""
        sampled = (Shape.RATE, Shape.RATIO, Shape.SCORE, Shape.MIX)
        averaged = (Shape.DURATION, Shape.MONEY_AVERAGE, Shape.PER_PERSON)
        if self.denominator is not None or (self.score is not None and self.score.pool in _NOT_DRAWN):
            return False
        return self.shape in sampled or self.shape in averaged

    @property
    def state(self) -> bool:
        """Whether the number is taken at an instant, T = min(at, end)."""
        return self.shape in (Shape.DISTINCT, Shape.STICKINESS, Shape.LEVEL)
