"""The body of a funnel's answer: the contract of a metric without `value`, and its steps. Pure.

Rules: docs/definitions.md#funnels, tests/logs/README-growth.md. A row's low and high are the limits of its step_rate,
the share of those at the step before; its times are those of everybody there: people who have not gone on are censored
at `at`, or stay at risk once nothing can come any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from query_api.answer import LATENESS_MS, circumstances
from query_api.compile import UNBOUNDED
from query_api.figures import FEW, IMPRECISE, KAPLAN_MEIER, SMALL_N
from query_api.funnel_count import FunnelCell, StepCount
from query_api.funnel_question import FunnelRequest
from query_api.statistics import CONFIDENCE, NO_LIMITS, quantile, wilson
from query_api.suppression import NOTHING, Hidden, arranged
from query_api.survival import TRANSFORM, kaplan_meier
from schemas.metrics.funnels import FUNNELS
from schemas.periods import format_instant

_HIDDEN: Mapping[str, Any] = {
    "n": None, "basis": "observed", "maturity": None, "warnings": ["suppressed"], "steps": [],
}  # fmt: skip


def funnel_body(
    request: FunnelRequest, cells: Sequence[FunnelCell], watermark: int, k_anon: int = 0, by_filters: Hidden = NOTHING
) -> dict[str, Any]:
    """The answer; `cells` has the total first. `by_filters`: what filters hide of it."""
    question, total = request.question, cells[0]
    final_at = question.end + max(request.limits) + LATENESS_MS
    maturity = _maturity(request, total)
    is_hidden = by_filters.whole or (is_filtered(request) and total.n < k_anon)
    also = frozenset(cell.segment for cell in cells) if is_hidden else by_filters.segments
    shown, hidden = arranged(cells[1:], k_anon, request.limit, also)
    segments = [{"segment": _named(request, cell), **_counts(request, cell)} for cell in shown]
    segments += [{"segment": _named(request, cell), **_HIDDEN} for cell in hidden]
    own = dict(_HIDDEN) if is_hidden else _counts(request, total)
    warnings = set(own.pop("warnings")) | circumstances(question, watermark)
    numerator, denominator = (None, None) if is_hidden else (total.steps[-1].people, total.n)
    return {
        "metric": FUNNELS.name,
        "definition": FUNNELS.definition,
        "version": FUNNELS.version,
        "title": FUNNELS.title,
        "formula": FUNNELS.formula,
        "unit": FUNNELS.unit,
        "direction": FUNNELS.direction,
        "attribution": FUNNELS.attribution,
        "window": {
            "start": format_instant(question.start),
            "end": format_instant(question.end),
            "tz": question.tz,
        },
        "at": format_instant(question.at),
        "watermark": format_instant(watermark),
        "parameters": dict(request.shown),
        "numerator": numerator,
        "denominator": denominator,
        "interval": None if is_hidden else _interval(total, own["basis"]),
        "observed": {
            "numerator": numerator,
            "denominator": denominator,
            "value": numerator / denominator if numerator is not None and denominator else None,
        },
        "estimate": None,
        "statistics": None,
        "status": _status(request, maturity, watermark, final_at),
        "final_at": format_instant(final_at),
        "error_bound": 0,
        "excluded": {} if is_hidden else dict(total.excluded),
        "warnings": sorted(warnings),
        "segments": segments,
        "segments_left_out": len(cells) - 1 - len(segments),
        "comparison": None,
        "details": {},
        **own,
    }


def is_filtered(request: FunnelRequest) -> bool:
    """Whether fewer units are asked for than there are."""
    return bool(request.question.filters or request.question.parameters["conditions"])


def _status(request: FunnelRequest, maturity: float, watermark: int, final_at: int) -> str:
    if request.question.end > request.question.at or maturity != 1:
        return "provisional"
    return "final" if watermark >= final_at else "mature"


def _maturity(request: FunnelRequest, cell: FunnelCell) -> float:
    if cell.n:
        return cell.mature / cell.n
    return float(request.question.at >= request.question.end + max(request.limits))


def _interval(total: FunnelCell, basis: str) -> dict[str, Any] | None:
    """Of the share that reached the last step, once it is known."""
    low, high = wilson(total.steps[-1].people, total.n) if basis == "mature" else NO_LIMITS
    return None if low is None else {"low": low, "high": high, "method": "wilson", "confidence": CONFIDENCE}


def _counts(request: FunnelRequest, cell: FunnelCell) -> dict[str, Any]:
    maturity = _maturity(request, cell)
    basis = "mature" if maturity == 1 else "estimate" if cell.n else "observed"
    rows: list[dict[str, Any]] = []
    before = cell.n
    for label, step in zip(request.labels, cell.steps, strict=True):
        rows.append(_row(label, step, before, cell.n, is_first=not rows, is_estimated=basis == "estimate"))
        before = step.people
    warnings = _warnings(request, cell)
    return {"n": cell.n, "basis": basis, "maturity": maturity, "warnings": warnings, "steps": rows}


def _row(label: str, step: StepCount, before: int, first: int, *, is_first: bool, is_estimated: bool) -> dict[str, Any]:
    low, high = NO_LIMITS if is_first else wilson(step.people, before)
    median, estimate = (None, None) if is_first or not before else _times(step, before, is_estimated)
    return {
        "event": label,
        "people": step.people,
        "rate": step.people / first if first else None,
        "step_rate": step.people / before if before else None,
        "low": low,
        "high": high,
        "drop_off": 1 - step.people / before if before else None,
        "median_seconds": _seconds(median),
        "converted_median_seconds": _seconds(quantile(step.ages, 0.5)) if step.ages else None,
        "estimate": estimate,
    }


def _times(step: StepCount, before: int, is_estimated: bool) -> tuple[float | None, dict[str, Any] | None]:
    """The median time to the step of everybody before it and, while some are young, the share that will take it."""
    if not is_estimated:
        return known_median(step.ages, before), None
    curve = kaplan_meier(Counter(step.ages), Counter(step.young) + Counter({UNBOUNDED: step.past}))
    share, (low, high) = curve.share_before(UNBOUNDED)
    estimate = {
        "method": KAPLAN_MEIER,
        "value": 1 - share,
        "low": None if high is None else 1 - high,
        "high": None if low is None else 1 - low,
        "transform": TRANSFORM,
    }
    return curve.quantile(0.5)[0], estimate


def known_median(ages: Sequence[int], n: int) -> float | None:
    """The Kaplan–Meier median where the others of n will never come: the first age by which half have."""
    if 2 * len(ages) < n:
        return None
    age = ages[(n + 1) // 2 - 1]
    until = bisect_right(ages, age)
    if 2 * until == n and until < len(ages):
        return (age + ages[until]) / 2
    return float(age)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000


def _warnings(request: FunnelRequest, cell: FunnelCell) -> list[str]:
    """Of the share that reached the last step."""
    if not cell.n:
        return []
    reached = cell.steps[-1].people
    low, high = wilson(reached, cell.n)
    found = {
        "small_n": cell.n < SMALL_N,
        "sparse": min(reached, cell.n - reached) < FEW,
        "imprecise": low is not None and high is not None and (high - low) / 2 > IMPRECISE,
        "clustered": request.question.parameters["counting"] != "person",
        "horizon_not_reached": not cell.mature,
    }
    return sorted(key for key, is_so in found.items() if is_so)


def _named(request: FunnelRequest, cell: FunnelCell) -> Mapping[str, str | None]:
    return dict(zip(request.question.segments, cell.segment, strict=True))
