"""The body of an answer, made of a question and its counts (docs/definitions.md#the-contract-of-a-number).

Pure. Only `watermark` and `status` depend on when it was asked (and the warning `ahead_of_watermark`, which says that
`at` still lies ahead).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from query_api.figures import Figure, average, figure, longest_horizon
from query_api.mix import drift
from query_api.parameters import TRAIT, Request, shown
from query_api.question import Cell, Question
from query_api.statistics import square_and_add
from query_api.suppression import NOTHING, Hidden, arranged
from query_api.targets import band, target
from schemas.currencies import in_units
from schemas.metrics.metric import Shape
from schemas.periods import DAY_MS, format_instant, is_local_midnight

LATENESS_MS = 3 * DAY_MS
"""How long after its last outcome a window may still change by late events before it is called final."""


def in_each(content: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A body that holds answers, with `change` made to each of them; that of a single answer as it is."""
    several = {name: content[name] for name in ("values", "definitions") if isinstance(content.get(name), list)}
    changed: dict[str, Any] = {name: [change(each) for each in found] for name, found in several.items()}
    if answer := content.get("answer"):
        changed["answer"] = change(answer)
    return {**content, **changed}


def body(
    request: Request,
    cells: Sequence[Cell],
    before: Sequence[Cell] | None,
    watermark: int,
    k_anon: int = 0,
    *,
    hidden: tuple[Hidden, Hidden] = (NOTHING, NOTHING),
) -> dict[str, Any]:
    """The answer; `cells` has the total first, `before` are those of the window that it is compared with. `hidden`:
    what filters hide of it, and of the earlier one.
    """
    question, metric, total = request.question, request.question.metric, cells[0]
    counted = figure(question, total)
    number = _guarded(question, total, counted, k_anon, hidden[0])
    is_hidden = number is not counted
    segments, left_out = _segments(request, cells[1:], k_anon, hidden[0])
    final_at = _final_at(question, total)
    answer = {
        "metric": metric.name,
        "definition": metric.definition,
        "version": metric.version,
        "title": metric.title,
        "formula": metric.formula,
        "unit": metric.unit,
        "direction": metric.direction,
        "attribution": question.parameters.get("attribution", metric.attribution),
        "window": {**_window(question), "tz": question.tz},
        "at": format_instant(question.at),
        "watermark": format_instant(watermark),
        "parameters": shown(question),
        "value": number.value,
        "basis": number.basis,
        "numerator": number.numerator,
        "denominator": number.denominator,
        "n": number.n,
        "interval": number.interval,
        "observed": {"numerator": number.numerator, "denominator": number.denominator, "value": number.observed},
        "estimate": None if is_hidden else number.estimate,
        "statistics": number.statistics,
        "status": _status(question, counted, watermark, final_at),
        "maturity": number.maturity,
        "final_at": None if final_at is None else format_instant(final_at),
        "error_bound": 0,
        "excluded": {} if is_hidden else dict(sorted(total.excluded.items())),
        "warnings": sorted(number.warnings | circumstances(question, watermark)),
        "target": target(question, (), number),
        "band": band(question, number.value),
        "segments": segments,
        "segments_left_out": left_out,
        "comparison": None,
        "details": {} if is_hidden else {**total.details, **number.details},
    }
    if request.previous is not None and before is not None:
        past = replace(before[0], headline=total.headline)
        earlier = figure(request.previous, past)
        guarded = _guarded(question, past, earlier, k_anon, hidden[1])
        answer["comparison"] = _comparison(number, guarded, request.previous)
        if metric.shape is Shape.MIX and not is_hidden and guarded is earlier:
            answer["details"]["drift"] = drift(total.classes, past.classes)
    if metric.money or "currency" in question.parameters:
        answer["currency"] = question.parameters.get("currency") or question.currency
    if metric.money:
        answer["by_currency"] = [] if is_hidden else _by_currency(question, total, k_anon)
    return answer


def _window(question: Question) -> dict[str, str]:
    return {"start": format_instant(question.start), "end": format_instant(question.end)}


def _guarded(question: Question, cell: Cell, number: Figure, k_anon: int, hidden: Hidden) -> Figure:
    """The total's number, hidden if filters narrow it to fewer units than the tenant shows, or by as few."""
    return number.hidden if hidden.whole or (question.filters and cell.n < k_anon) else number


def _final_at(question: Question, total: Cell) -> int | None:
    """When late events stop to matter; a duration can be restated by a reopening for ever."""
    if question.metric.shape is Shape.DURATION:
        return None
    return (total.last_known or question.end + longest_horizon(question)) + LATENESS_MS


def _status(question: Question, counted: Figure, watermark: int, final_at: int | None) -> str:
    if question.end > question.at or counted.maturity != 1:
        return "provisional"
    return "final" if final_at is not None and watermark >= final_at else "mature"


def circumstances(question: Question, watermark: int) -> set[str]:
    """Warnings that come with the question, not with what was counted."""
    metric = question.metric
    people = metric.shape in (Shape.DISTINCT, Shape.STICKINESS, Shape.PER_PERSON)
    found = {
        "open_window": question.end > question.at,
        "ahead_of_watermark": question.at > watermark,
        "partial_day": metric.state and not is_local_midnight(question.end, question.tz),
        "overlapping_segments": people and any(not name.startswith(TRAIT) for name in question.segments),
    }
    return {key for key, is_so in found.items() if is_so}


def _segments(
    request: Request, cells: Sequence[Cell], k_anon: int, by_filters: Hidden
) -> tuple[list[dict[str, Any]], int]:
    question = request.question
    also = frozenset(cell.segment for cell in cells) if by_filters.whole else by_filters.segments
    shown, hidden = arranged(cells, k_anon, request.limit, also)
    figures = [(cell, figure(question, cell)) for cell in shown]
    figures += [(cell, figure(question, cell).hidden) for cell in hidden]
    return [_segment(question, *each) for each in figures], len(cells) - len(figures)


def _segment(question: Question, cell: Cell, number: Figure) -> dict[str, Any]:
    return {
        "segment": dict(zip(question.segments, cell.segment, strict=True)),
        "value": number.value,
        "basis": number.basis,
        "numerator": number.numerator,
        "denominator": number.denominator,
        "n": number.n,
        "interval": number.interval,
        "maturity": number.maturity,
        "target": target(question, cell.segment, number),
        "band": band(question, number.value),
        "warnings": sorted(number.warnings),
    }


def _comparison(number: Figure, before: Figure, previous: Question) -> dict[str, Any]:
    """The earlier value as of `at`, when its window was as old as this one, and the difference to it, by square-and-add
    where both have an interval.
    """
    compared: dict[str, Any] = {
        "value": before.value,
        "difference": None,
        "low": None,
        "high": None,
        "method": None,
        "significant": None,
        "window": _window(previous),
        "at": format_instant(previous.at),
    }
    if number.value is None or before.value is None:
        return compared
    compared["difference"] = number.value - before.value
    if number.interval is None or before.interval is None:
        return compared
    low, high = square_and_add(number.value, number.limits, before.value, before.limits)
    both_wilson = number.method == before.method == "wilson"
    if low is not None and high is not None:
        compared |= {
            "low": low,
            "high": high,
            "method": "newcombe" if both_wilson else "mover",
            "significant": low > 0 or high < 0,
        }
    return compared


def _by_currency(question: Question, total: Cell, k_anon: int) -> list[dict[str, Any]]:
    """Amounts in other currencies, of so many units at least as the tenant shows."""
    return [each for each in _other_amounts(question, total) if each["n"] >= k_anon]


def _other_amounts(question: Question, total: Cell) -> list[dict[str, Any]]:
    if question.metric.shape is Shape.MONEY_AVERAGE:
        return [
            {"currency": currency, "value": average(question, values, currency), "n": sum(values.values())}
            for currency, values in sorted(total.other_values.items())
        ]
    return [
        {"currency": currency, "value": in_units(amount, currency), "n": n}
        for currency, (amount, n) in sorted(total.by_currency.items())
    ]
