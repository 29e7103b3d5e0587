"""The triangle of cohorts at `/v1/retention`: who entered in which period, and who of them was there in each later one.

A cell is null until its period is over for every member: never a zero that only means too early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from query_api.answer import LATENESS_MS
from query_api.catalogue import operation_parameters
from query_api.compile import Statement, segment_keys, statement
from query_api.count import run
from query_api.parameters import Query, invalid, parse, shown
from query_api.question import Cell, Question
from query_api.statistics import wilson
from query_api.suppression import by_filters
from schemas.errors import Problem
from schemas.metrics.cohorts import TRIANGLE, triangle_days, triangle_edges
from schemas.periods import format_instant, local_date, local_midnight, period_holding, periods_later
from schemas.ports import Store
from schemas.tenants import Tenant

MOST_COHORTS = 1500
MOST_CELLS = 200_000
SMALL_N = 30
_NO_MEANING = ("segment", "compare", "limit", "definition")
_COUNT = """SELECT place, reason, sum(people) AS size, sumForEach(arrayMap(x -> toUInt64(x), there)) AS retained
    FROM units GROUP BY place, reason"""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who entered in one period, and how many of them were there in it and in each that follows."""

    size: int = 0
    retained: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Triangles:
    """Answers without HTTP; `watermark` is read before anything is counted."""

    store: Store
    watermark: Callable[[], int]

    async def answer(self, query: Query, tenant: Tenant) -> dict[str, Any]:
        """Raises `Problem`, `StoreUnavailable`."""
        watermark = self.watermark()
        question = understood(query, tenant, watermark)
        cohorts, excluded = await self._counted(question)
        hidden = await self._hidden(question, cohorts, tenant.k_anon)
        return body(question, cohorts, excluded, watermark, tenant.k_anon, hidden_rows=hidden)

    async def _counted(self, question: Question) -> tuple[dict[int, Cohort], dict[str, int]]:
        cohorts: dict[int, Cohort] = {}
        excluded: dict[str, int] = {}
        for place, reason, size, retained in await run(self.store, question, counting(question)):
            if not reason:
                cohorts[int(place) - 1] = Cohort(int(size), [int(each) for each in retained])
            elif size:
                excluded[reason] = int(size)
        return cohorts, excluded

    async def _hidden(self, question: Question, cohorts: dict[int, Cohort], k: int) -> frozenset[int]:
        """The rows that filters hide: all, where they take some of a dimension's small groups and leave others, else
        those of which they leave out fewer than are shown.
        """
        if (await by_filters(question, k, self._sizes)).whole:
            return frozenset(cohorts)
        rows: set[int] = set()
        for dimension in {each.dimension for each in question.filters} if k else ():
            others = tuple(each for each in question.filters if each.dimension != dimension)
            whole, _ = await self._counted(replace(question, filters=others))
            sizes = {row: cohort.size - cohorts.get(row, Cohort()).size for row, cohort in whole.items()}
            rows |= {row for row, left_out in sizes.items() if 0 < left_out < k}
        return frozenset(rows)

    async def _sizes(self, question: Question) -> list[Cell]:
        """How many people began in the window, by segment."""
        names, keys = segment_keys(question)
        select = f"""SELECT {keys}uniqExact(person) FROM selected_rows
    WHERE reason = '' AND begins AND entered >= {{start:Int64}} AND entered < {{until:Int64}}
    GROUP BY {", ".join(names)}"""
        rows = await run(self.store, question, statement(question, select))
        return [Cell(), *(Cell(segment=tuple(value or None for value in row[:-1]), n=int(row[-1])) for row in rows)]


def understood(query: Query, tenant: Tenant, watermark: int) -> Question:
    """The question in a query. `period` is the width of a cohort here; without a window it is that of the last
    `periods` up to the one that holds the instant before `at`. Raises `Problem`.
    """
    pairs = list(query)
    for name, _ in pairs:
        if name in _NO_MEANING:
            raise Problem("unknown_parameter", f"retention has no parameter {name!r}", field=name)
    widths = [text for name, text in pairs if name == "period"]
    if len(widths) > 1:
        raise invalid("period", "is given twice")
    # A metric's `period` is a window; here it is a parameter, which is read under the name that it has inside.
    renamed = [("grain", text) if name == "period" else (name, text) for name, text in pairs if name != "grain"]
    if len(renamed) < len(pairs):
        raise Problem("unknown_parameter", "retention has no parameter 'grain'; its width is `period`", field="grain")
    try:
        question = parse(_INSIDE, renamed, tenant, watermark).question
    except Problem as problem:
        raise invalid("period", problem.detail.partition(": ")[2]) if problem.field == "grain" else problem from None
    parameters = {**question.parameters, "period": question.parameters["grain"]}
    question = replace(question, metric=TRIANGLE, parameters=parameters)
    question = replace(question, bound={"week_start": tenant.week_start})
    if not {"window", "from"} & dict(pairs).keys():
        question = _last_periods(question, tenant)
    rows = len(triangle_days(question.start, question.end, question.tz, {**parameters, **question.bound}))
    if rows > MOST_COHORTS or rows * int(parameters["periods"]) > MOST_CELLS:
        raise Problem(
            "too_many_points",
            f"period: at most {MOST_COHORTS} cohorts and {MOST_CELLS} cells; ask for a shorter window or wider periods",
            field="period",
        )
    return question


_INSIDE = replace(
    TRIANGLE,
    parameters=tuple(replace(own, name="grain") if own.name == "period" else own for own in TRIANGLE.parameters),
)


def _last_periods(question: Question, tenant: Tenant) -> Question:
    grain, periods = question.parameters["period"], int(question.parameters["periods"])
    last = period_holding(local_date(question.at - 1, question.tz), grain, tenant.week_start)
    try:
        first, following = periods_later(last, grain, 1 - periods), periods_later(last, grain, 1)
        start, end = (local_midnight(day, question.tz) for day in (first, following))
    except (ValueError, OverflowError):
        raise invalid("periods", "reaches before the years that are served") from None
    return replace(question, start=start, end=end)


def counting(question: Question) -> Statement:
    """The statement that counts each cohort, and what was left out."""
    return statement(question, _COUNT)


def body(
    question: Question,
    cohorts: dict[int, Cohort],
    excluded: dict[str, int],
    watermark: int,
    k_anon: int = 0,
    *,
    hidden_rows: frozenset[int] = frozenset(),
) -> dict[str, Any]:
    """The answer: pure; only `watermark` and `status` depend on when it was asked. `hidden_rows`: those that filters
    hide.
    """
    told = {**question.parameters, **question.bound}
    periods, is_unbounded = int(question.parameters["periods"]), question.parameters["mode"] == "unbounded"
    rows = len(triangle_days(question.start, question.end, question.tz, told))
    edges = triangle_edges(question.start, question.end, question.tz, told)
    shown_cells, settled = 0, 0
    listed: list[dict[str, Any]] = []
    hidden = False
    sizes: list[int] = []
    for row in range(rows):
        cohort = cohorts.get(row, Cohort())
        closed = [question.at >= edges[row + each + 1] for each in range(periods)]
        is_settled = [
            question.at >= edges[row + 2 * each + 1] if is_unbounded else closed[each] for each in range(periods)
        ]
        shown_cells, settled = shown_cells + sum(closed), settled + sum(is_settled)
        is_small = 0 < cohort.size < k_anon or row in hidden_rows
        hidden, sizes = hidden or is_small, [*sizes, cohort.size]
        counts = cohort.retained or [0] * periods
        known = [n if is_closed and not is_small else None for n, is_closed in zip(counts, closed, strict=True)]
        listed.append(_row(edges[row], edges[row + 1], None if is_small else cohort.size, known))
    cells = rows * periods
    maturity = settled / cells if cells else float(question.at >= question.end)
    final_at = max(edges[-1] if rows else question.end, question.end) + LATENESS_MS
    status = "mature" if maturity == 1 and question.end <= question.at else "provisional"
    warnings = {
        "ahead_of_watermark": question.at > watermark,
        "immature": settled < shown_cells,
        "open_window": question.end > question.at,
        "small_n": any(0 < size < SMALL_N for size in sizes),
        "suppressed": hidden,
    }
    return {
        "metric": TRIANGLE.name,
        "version": TRIANGLE.version,
        "title": TRIANGLE.title,
        "formula": TRIANGLE.formula,
        "unit": TRIANGLE.unit,
        "direction": TRIANGLE.direction,
        "attribution": TRIANGLE.attribution,
        "window": {"start": format_instant(question.start), "end": format_instant(question.end), "tz": question.tz},
        "at": format_instant(question.at),
        "watermark": format_instant(watermark),
        "parameters": {
            name: ",".join(value) if isinstance(value, list) else "" if value is None else value
            for name, value in shown(question).items()
        },
        "status": "final" if status == "mature" and watermark >= final_at else status,
        "maturity": maturity,
        "final_at": format_instant(final_at),
        "error_bound": 0,
        "excluded": {} if hidden else dict(sorted(excluded.items())),
        "warnings": sorted(key for key, is_so in warnings.items() if is_so),
        "cohorts": listed,
    }


def _row(start: int, end: int, size: int | None, known: Sequence[int | None]) -> dict[str, Any]:
    limits = [wilson(n, size) if size and n is not None else (None, None) for n in known]
    return {
        "start": format_instant(start),
        "end": format_instant(end),
        "size": size,
        "retained": list(known),
        "rates": [n / size if size and n is not None else None for n in known],
        "low": [low for low, _ in limits],
        "high": [high for _, high in limits],
    }


def parameters() -> list[dict[str, Any]]:
    """Those of the route, in OpenAPI's words: `period` has its own meaning, `window` its own default."""
    found = {each["name"]: each for each in reversed(operation_parameters(TRIANGLE))}
    length = {key: value for key, value in found["window"]["schema"].items() if key != "default"}
    meaning = "Length of the window that ends at `at`; default the last `periods`, the one under way included."
    found["window"] = {**found["window"], "schema": length, "description": meaning}
    return [each for name, each in reversed(found.items()) if name not in _NO_MEANING]
