"""What a caller wrote after `?`, read into a question; every refusal names the parameter to blame."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from query_api.figures import longest_horizon
from query_api.question import Filter, Question
from schemas.errors import Problem
from schemas.events import canonical
from schemas.events.words import OF_DIMENSIONS
from schemas.metrics.metric import DEFAULT, Kind, Metric, Parameter, Shape
from schemas.periods import (
    Window,
    WindowError,
    days_earlier,
    days_ending,
    format_duration,
    parse_duration,
    parse_instant,
    resolve_window,
    zone,
)
from schemas.tenants import Tenant

WINDOW = ("window", "from", "to", "period")
COMMON = (*WINDOW, "at", "tz", "segment", "filter", "compare", "statistic", "limit", "definition", "interval")
TRAIT = "trait."
MOST_SEGMENTS = 2
MOST_FILTERS = 20
MOST_VALUES = 200
LONGEST_TEXT = 512
SEGMENTS_SHOWN = 50
INTERVALS = ("bootstrap",)
MOST_SHOWN = 1000
_FILTER = re.compile(r"(.+?):(eq|ne|in|nin):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """A question, the one that it is compared with (None: not asked for), and how many segments to show. `window` is
    what was asked for; a state's question looks at a span of its own.
    """

    question: Question
    previous: Question | None
    limit: int
    window: Window


def invalid(field: str, reason: str) -> Problem:
    return Problem("invalid_parameter", f"{field}: {reason}", field=field)


def parse(metric: Metric, query: Query, tenant: Tenant, watermark: int) -> Request:
    """Raises `Problem`: invalid_parameter, unknown_parameter, unknown_segment."""
    pairs = list(query)
    metric = metric.defined(_choice("definition", dict(pairs).get("definition"), metric.definitions))
    if metric.definition == DEFAULT and metric.rolling and not {"from", "to", "period"} & dict(pairs).keys():
        metric = metric.defined(metric.rolling)
    given, filter_texts = _once(metric, pairs)
    if given.get("compare", "previous") != "previous":
        raise invalid("compare", "only previous is served")
    tz = given.get("tz", tenant.timezone)
    at = max(0, watermark // 1000 * 1000)
    try:
        zone(tz)
    except ValueError as error:
        raise invalid("tz", str(error)) from None
    try:
        if "at" in given:
            at = parse_instant(given["at"], tz)
    except ValueError as error:
        raise invalid("at", str(error)) from None
    try:
        window = resolve_window(given, at, tz, tenant.week_start)
    except WindowError as error:
        raise invalid(error.field, str(error)) from None
    parameters = {own.name: _own(own, given.get(own.name), tenant) for own in metric.parameters}
    metric = metric.asked_with(parameters)
    question = Question(
        metric=metric,
        tenant=tenant.id,
        currency=tenant.currency,
        tz=tz,
        start=window.start,
        end=window.end,
        at=at,
        parameters=parameters,
        segments=_segments(metric, given.get("segment")),
        filters=tuple(_filter(metric, text) for text in filter_texts),
        statistic=_choice("statistic", given.get("statistic"), metric.statistics),
        bound=metric.binds(tenant, parameters) if metric.binds else {},
        interval=_interval(metric, given),
        targets=tuple(target for target in tenant.targets if target.metric == metric.name),
    )
    current, previous = _state(question, window) if metric.state else _span(question, window)
    return Request(
        question=current,
        previous=previous if "compare" in given else None,
        limit=number("limit", given.get("limit"), SEGMENTS_SHOWN, MOST_SHOWN),
        window=window,
    )


def over(request: Request, start: int, end: int) -> Question:
    """The same question over another window, as if it had been asked with `from` and `to`."""
    question = replace(request.question, start=start, end=end)
    return _state(question, Window(start, end, 2 * start - end, start))[0] if question.metric.state else question


def shown(question: Question) -> dict[str, Any]:
    """The metric's own parameters as the body prints them: durations as text, all defaults filled in."""
    printed: dict[str, Any] = {}
    for own in question.metric.parameters:
        value = question.parameters[own.name]
        if own.kind is Kind.DURATION and isinstance(value, int):
            value = format_duration(value)
        printed[own.name] = list(value) if isinstance(value, tuple) else value
    if question.statistic:
        printed["statistic"] = question.statistic
    return printed


def names_list(field: str, text: str) -> list[str]:
    """Comma-separated names, without blanks around them. Raises `Problem`."""
    names = [name.strip() for name in _text(field, text, MOST_VALUES * 64).split(",")]
    if not all(names) or len(names) > MOST_VALUES:
        raise invalid(field, f"expected up to {MOST_VALUES} names separated by commas")
    return names


def unknown(owner: str, name: str, known: Collection[str]) -> Problem:
    """The refusal of a parameter that `owner` does not have, with the one that it comes close to."""
    close = get_close_matches(name[:100], known, 1)
    hint = f"is {close[0]} meant?" if close else "/docs lists those that it has"
    return Problem("unknown_parameter", f"{owner} has no parameter {name[:100]!r}: {hint}", field=name[:100])


def number(field: str, text: str | None, default: int, most: int, least: int = 1) -> int:
    """A whole number in ASCII digits. Raises `Problem`."""
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise invalid(field, f"expected a whole number from {least} to {most}")
    return int(text)


def _once(metric: Metric, query: Query) -> tuple[dict[str, str], list[str]]:
    """Each parameter once, filters apart; refuses names that mean nothing here."""
    known = {*COMMON, *(own.name for own in metric.parameters)}
    if not metric.statistics:
        known.discard("statistic")
    if not metric.resamples:
        known.discard("interval")
    given: dict[str, str] = {}
    filters: list[str] = []
    for name, value in query:
        if name not in known:
            raise unknown(metric.name, name, known)
        if name == "filter":
            filters.append(value)
        elif name in given:
            raise invalid(name, "is given twice")
        else:
            given[name] = value
    if len(filters) > MOST_FILTERS:
        raise invalid("filter", f"at most {MOST_FILTERS} filters")
    return given, filters


def _text(field: str, text: str, longest: int = LONGEST_TEXT) -> str:
    if len(text) > longest or _CONTROL.search(text):
        raise invalid(field, f"expected at most {longest} characters, none of them a control character")
    return text


def _choice(field: str, text: str | None, values: tuple[str, ...]) -> str:
    if text is None:
        return values[0] if values else ""
    if text not in values:
        raise invalid(field, f"expected one of {', '.join(values)}")
    return text


def _interval(metric: Metric, given: Mapping[str, str]) -> str:
    """By what the limits are found: "" as the metric does by itself."""
    if "interval" not in given:
        return ""
    chosen = _choice("interval", given["interval"], INTERVALS)
    if metric.statistics and given.get("statistic", metric.statistics[0]) != "mean":
        raise invalid("interval", "a quantile is not drawn again: only with statistic=mean")
    if not metric.resamples:
        raise invalid("interval", "there is nothing to draw again under these parameters")
    return chosen


def _dimension(metric: Metric, field: str, name: str) -> str:
    _text(field, name)
    own = name.removeprefix(TRAIT)
    if name.startswith(TRAIT) and own and TRAIT + "*" in metric.segments:
        return name
    if name not in metric.segments or name.endswith("*"):
        served = ", ".join(metric.segments).replace(TRAIT + "*", TRAIT + "<name>")
        raise Problem("unknown_segment", f"{field}: {metric.name} is cut by {served}", field=field)
    return name


def _segments(metric: Metric, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(_dimension(metric, "segment", name.strip()) for name in text.split(",", MOST_SEGMENTS + 1))
    if len(names) > MOST_SEGMENTS or len(set(names)) < len(names):
        raise invalid("segment", f"at most {MOST_SEGMENTS}, each once")
    return names


def _filter(metric: Metric, text: str) -> Filter:
    """`dimension:operator:values`; no value means null; `eq` and `ne` take all the rest as one value."""
    found = _FILTER.fullmatch(text)
    if not found:
        raise invalid("filter", "expected dimension:operator:values with operator eq, ne, in or nin")
    dimension, operator, rest = found.groups()
    values = [rest] if operator in ("eq", "ne") else [value.strip() for value in rest.split(",")]
    if rest and (not all(values) or len(values) > MOST_VALUES):
        raise invalid("filter", f"expected 1 to {MOST_VALUES} values, none of them empty")
    for value in values:
        _text("filter", value)
    vocabulary = OF_DIMENSIONS.get(dimension)
    read = tuple(map(vocabulary.read, values)) if vocabulary else tuple(values)
    return Filter(_dimension(metric, "filter", dimension), operator, read if rest else ())


def _own(own: Parameter, text: str | None, tenant: Tenant) -> Any:
    """The value of one of the metric's own parameters: durations in ms, names canonical and sorted."""
    if text is None:
        text = tenant.currency if own.kind is Kind.CURRENCY and own.default is None else own.default
    if text is None:
        return None
    match own.kind:
        case Kind.DURATION:
            return text if text in own.values else _duration(own, text)
        case Kind.CHOICE:
            return _choice(own.name, text, own.values)
        case Kind.BOOLEAN:
            return _choice(own.name, text, ("true", "false")) == "true"
        case Kind.INTEGER:
            return number(own.name, text, 0, own.most or MOST_SHOWN, 0 if own.least is None else own.least)
        case Kind.NAMES:
            return tuple(sorted({canonical(name) for name in names_list(own.name, text)}))
        case Kind.CURRENCY:
            if not re.fullmatch(r"[A-Z]{3}", text):
                raise invalid(own.name, "expected three capital letters (ISO 4217)")
            return text
        case Kind.TEXT:
            if text != own.default and own.pattern and not re.fullmatch(own.pattern, _text(own.name, text)):
                raise invalid(own.name, f"expected text that matches {own.pattern}")
            return _text(own.name, text)


def _duration(own: Parameter, text: str) -> int:
    try:
        ms = parse_duration(text)
    except ValueError as error:
        raise invalid(own.name, str(error)) from None
    if ms < (own.least or 0) or (own.most is not None and ms > own.most):
        raise invalid(own.name, "outside its range")
    return ms


def _span(question: Question, window: Window) -> tuple[Question, Question]:
    start, end = window.previous_start, window.previous_end
    return (
        replace(question, preceding=start),
        replace(question, start=start, end=end, preceding=2 * start - end, at=_equal_age(question, end)),
    )


def _equal_age(question: Question, earlier_end: int) -> int:
    """As of when the window that ends at `earlier_end` is as old as the question's: while a cohort is young its number
    still moves, and a difference to an older one would be that of their ages.
    """
    age, metric = question.at - question.end, question.metric
    moves = question.by_cohort or (metric.shape is Shape.RATE and bool(metric.horizons))
    is_always_young = metric.own_horizons or metric.shape is Shape.DURATION
    horizon = longest_horizon(question)
    return max(0, earlier_end + age) if moves and (is_always_young or 0 < horizon > age) else question.at


def _state(question: Question, window: Window) -> tuple[Question, Question]:
    """A state is taken at T = min(at, end); its span is so many local days up to T, for a level the window."""
    taken = min(question.at, window.end)
    if question.metric.shape is Shape.LEVEL:
        start = min(window.start, taken)
        current = replace(question, start=start, end=taken)
        return current, replace(question, start=start - (taken - start), end=start)
    days = question.parameters.get("days") or int(question.metric.options["days"])
    before = days_earlier(taken, days, question.tz)
    start = days_ending(taken, days, question.tz)
    return (
        replace(question, start=start, end=taken),
        replace(question, start=days_ending(before, days, question.tz), end=before),
    )
