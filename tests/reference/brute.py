"""The brute force: the answer to a question from the events as sent, in plain Python, sharing no code with the product.

`Reference(deliveries, ...)` reads the events; `answer(asked)` gives the fields of the fixed body that stored events,
`at` and parameters decide. Decided here where the specification is silent: a filter selects left-out units too; with
`min_events` a person who has enough events in the span is counted under every segment value of theirs; `persons` are
those of counted units; a segment value under which nothing was counted is not listed. Under the estimate, a unit past
its own horizon stays at risk to the longest horizon of the question (a card checkout abandoned after its hour is known
never to convert; censoring it there would let the few slow payers speak for it). Each segment has its
own basis. A mean has the sum and the number as its numerator and denominator, an order statistic neither.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.reference import numbers
from tests.reference.asking import STATES, Asked, local_day, midnight
from tests.reference.copies import Copies
from tests.reference.counting import UNITS, Known, active, activity, passes, span
from tests.reference.experience import SHAPES
from tests.reference.experience import UNITS as MORE_UNITS
from tests.reference.growth import GROWTH
from tests.reference.growth import answer as growth
from tests.reference.opinions import drift
from tests.reference.surveys import registry
from tests.reference.unit import Sums, Unit, add_up
from tests.reference.variants import SHAPES as VARIANT_SHAPES
from tests.reference.variants import UNITS as VARIANT_UNITS

RATES = {
    "cart_abandonment_rate": ("horizon", "absence"),
    "checkout_abandonment_rate": ("horizon", "absence"),
    "reopen_rate": ("within", "presence"),
    "survey_response_rate": ("within", "presence"),
    "first_contact_resolution_rate": ("within", "absence"),
    "self_service_containment_rate": ("within", "absence"),
}
QUANTILES = {"median": 0.5, "p90": 0.9, "km_median": 0.5}
DURATIONS = ("resolution_time", "first_response_time", "handling_time")
Body = dict[str, Any]


class Reference:
    def __init__(
        self,
        deliveries: Iterable[Mapping[str, Any]],
        tenant: str = "demo",
        questions: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.copies = Copies.of(deliveries, tenant)
        self.questions = registry(questions)
        self._known: dict[int, Known] = {}

    def known(self, at: int) -> Known:
        if at not in self._known:
            self._known[at] = Known(self.copies, at, self.questions)
        return self._known[at]

    def answer(self, asked: Asked) -> Body:
        if asked.metric in GROWTH:
            body = growth(self.known(asked.at), asked)
        else:
            body = self._state(asked) if asked.metric in STATES[:4] else self._counted(asked)
        earlier = asked.before()
        if earlier is not None:
            if asked.metric == "visit_purpose":
                # The purpose of now, whatever was the most frequent one then.
                earlier = replace(earlier, parameters={**asked.parameters, "purpose": body["details"]["purpose"] or ""})
            before = self.answer(earlier)
            body["comparison"] = _comparison(asked, body, before)
            if asked.metric == "visit_purpose":
                body["details"]["drift"] = drift(body, before)
        return body

    def units(self, asked: Asked) -> list[Unit]:
        """Every unit of the question, for whoever must see why."""
        known = self.known(asked.at)
        of = VARIANT_UNITS.get((asked.metric, asked.definition), {**UNITS, **MORE_UNITS}[asked.metric])
        return [unit for unit in of(known, asked) if passes(unit, asked)]

    def _counted(self, asked: Asked) -> Body:
        units = self.units(asked)
        body = self._cell(asked, units, units)
        groups: dict[tuple[str | None, ...], list[Unit]] = defaultdict(list)
        if asked.segments:
            for unit in units:
                groups[tuple(unit.dimensions(name) or None for name in asked.segments)].append(unit)
        cells = [(key, self._cell(asked, found, units)) for key, found in groups.items()]
        body["segments"] = _segments(asked, cells)
        return body

    def _cell(self, asked: Asked, units: list[Unit], whole: list[Unit]) -> Body:
        body = _body(asked, add_up(units))
        shape = VARIANT_SHAPES.get((asked.metric, asked.definition)) or SHAPES.get(asked.metric)
        return body | shape(self.known(asked.at), asked, units, whole, body) if shape else body

    def _state(self, asked: Asked) -> Body:
        known = self.known(asked.at)
        days = 28 if asked.metric == "stickiness" else int(asked.parameters["days"])
        least = int(asked.parameters.get("min_events", 1))
        start, until = span(asked, days)
        units = list(activity(known, asked, start, until))

        enough = active(units, least)

        def cell(found: list[Unit]) -> Body:
            if asked.metric == "stickiness":
                return _stickiness(asked, found, until)
            n = len(active(found, 1) & enough)
            return {"value": n, "numerator": n, "denominator": None, "n": n, "interval": None}

        groups: dict[tuple[str | None, ...], list[Unit]] = defaultdict(list)
        if asked.segments:
            for unit in units:
                groups[tuple(unit.dimensions(name) or None for name in asked.segments)].append(unit)
        left_out = {(unit.reason, unit.id) for unit in units if unit.reason}
        return {
            **cell(units),
            "basis": "mature",
            "maturity": 1.0,
            "estimate": None,
            "excluded": dict(Counter(reason for reason, _ in left_out)),
            "segments": _segments(asked, [(key, cell(found)) for key, found in groups.items()]),
        }


def _stickiness(asked: Asked, units: list[Unit], until: int) -> Body:
    mau = len(active(units, 1))
    today = local_day(until - 1, asked.tz)

    def since(days: int) -> int:
        begin = midnight(today - timedelta(days=days - 1), asked.tz)
        return len(active([unit for unit in units if unit.entry >= begin], 1))

    variant = asked.parameters["variant"]
    by_day: dict[Any, list[Unit]] = defaultdict(list)
    for unit in units:
        by_day[local_day(unit.entry, asked.tz)].append(unit)
    numerator = sum(len(active(found, 1)) for found in by_day.values())
    if variant != "mean":
        numerator = since(1 if variant == "same_day" else 7)
    denominator = mau * (28 if variant == "mean" else 1)
    return {
        "value": numerator / denominator if denominator else None,
        "numerator": numerator,
        "denominator": denominator,
        "n": mau,
        "interval": None,
    }


def _body(asked: Asked, sums: Sums) -> Body:
    maturity = sums.mature / sums.n if sums.n else None
    body: Body = {
        "n": sums.n,
        "excluded": dict(sums.excluded),
        "details": dict(sums.details),
        "estimate": None,
        "persons": len({unit.person for unit in sums.units if not unit.reason and unit.n}),
    }
    if asked.metric in RATES:
        body |= _rate(asked, sums, maturity)
    elif asked.metric in DURATIONS:
        body |= _duration(asked, sums, maturity)
    elif asked.metric == "revenue":
        currency = str(asked.parameters.get("currency") or asked.currency)
        value, n = sums.by_currency.get(currency, (0, 0))
        others = sorted((other, part) for other, part in sums.by_currency.items() if other != currency)
        body |= {
            "value": value / 100,
            "n": n,
            "currency": currency,
            "by_currency": [{"currency": other, "value": part / 100, "n": count} for other, (part, count) in others],
            "denominator": None,
            "interval": None,
            "basis": "mature",
            "maturity": 1.0,
        }
    else:
        body |= {"value": sums.n, "numerator": sums.n, "denominator": None, "interval": None, "basis": "mature"}
        body["maturity"] = 1.0
    if not sums.n and asked.metric in {"event_count", "visits", "orders", "revenue"} and asked.at < asked.end:
        body |= {"basis": "observed", "maturity": 0.0}
    if asked.metric == "backlog":
        age = numbers.quantile(sums.ages, 0.5)
        body["details"] = {
            "inflow": sums.details["inflow"],
            "outflow": sums.details["outflow"],
            "age_median_seconds": None if age is None else age / 1000,
        }
    if asked.metric == "cart_abandonment_rate":
        body["details"] = {key: sums.details[key] for key in ("abandoned_now", "recovered", "emptied")}
    return body


def _rate(asked: Asked, sums: Sums, maturity: float | None) -> Body:
    parameter, counts = RATES[asked.metric]
    horizon = max(int(asked.parameters[key]) for key in (parameter, "horizon_async") if key in asked.parameters)
    absence = counts == "absence"
    numerator = sums.n - sums.successes if absence else sums.successes
    observed = numerator / sums.n if sums.n else None
    maturity = float(asked.at >= asked.end + horizon) if maturity is None else maturity
    basis = "mature" if maturity >= 1 else "estimate" if sums.n else "observed"
    step = numbers.survival_before(numbers.kaplan_meier(sums.died, sums.survived), horizon)
    rate, low, high = step.survival, step.low, step.high
    if not absence:
        rate = 1 - rate
        low, high = (None if limit is None else 1 - limit for limit in (step.high, step.low))
    if not sums.n or basis == "mature":
        value, (low, high) = observed, numbers.wilson(numerator, sums.n)
    else:
        value = rate
    return {
        "value": value,
        "basis": basis,
        "numerator": numerator,
        "denominator": sums.n,
        "observed": {"numerator": numerator, "denominator": sums.n, "value": observed},
        "maturity": maturity,
        "interval": {"low": low, "high": high} if sums.n else None,
        "estimate": {"value": rate, "low": low, "high": high} if basis == "estimate" and sums.n else None,
    }


def _duration(asked: Asked, sums: Sums, maturity: float | None) -> Body:
    values = sums.values
    steps = numbers.kaplan_meier(sums.died, sums.survived)
    median, *km_limits = numbers.km_quantile(steps, 0.5)
    limits = {
        "mean": numbers.mean_limits(values),
        "median": numbers.quantile_limits(values, 0.5),
        "p90": numbers.quantile_limits(values, 0.9),
        "km_median": (km_limits[0], km_limits[1]),
    }
    figures = {
        "mean": sum(values) / len(values) if values else None,
        "median": numbers.quantile(values, 0.5),
        "p90": numbers.quantile(values, 0.9),
        "km_median": median,
    }
    sla = asked.parameters.get("sla")
    statistics = {name: _seconds(figure) for name, figure in figures.items()}
    body: Body = {
        "maturity": float(asked.at >= asked.end) if maturity is None else maturity,
        "statistics": {
            **statistics,
            "n": len(values),
            "open": len(sums.survived),
            "sla_share": 1 - numbers.survival_before(steps, int(sla)).survival
            if sla and (sums.died or sums.survived)
            else None,
        },
        "denominator": None,
    }
    if asked.statistic:
        value, found = statistics[asked.statistic], [_seconds(limit) for limit in limits[asked.statistic]]
        open_still = maturity not in {None, 1.0}
        if asked.statistic == "km_median" or (open_still and asked.statistic in QUANTILES):
            # With some open, an order statistic of the closed ones would flatter: the headline is the curve's.
            value, *found = (_seconds(t) for t in numbers.km_quantile(steps, QUANTILES[asked.statistic]))
            if steps or sums.survived:
                body |= {"basis": "estimate", "estimate": {"value": value, "low": found[0], "high": found[1]}}
        if asked.statistic != "km_median" and values:
            body["basis"] = "mature" if not open_still else "estimate" if asked.statistic in QUANTILES else "observed"
        if asked.statistic == "mean":
            body |= {"numerator": sum(values) / 1000, "denominator": len(values)}
        body |= {"value": value, "interval": _interval(found) or (_limits(found) if body.get("estimate") else None)}
    return body


def _interval(limits: list[float | None]) -> Body | None:
    return None if limits == [None, None] else _limits(limits)


def _limits(limits: list[float | None]) -> Body:
    return dict(zip(("low", "high"), limits, strict=True))


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000


def _segments(asked: Asked, cells: list[tuple[tuple[str | None, ...], Body]]) -> list[Body]:
    """By n descending, then name; a value under which nothing was counted is none."""
    keep = [(key, body) for key, body in cells if body["n"]]
    keep.sort(key=lambda cell: (-cell[1]["n"], [part or "" for part in cell[0]]))
    fields = ("value", "numerator", "denominator", "n", "interval")
    return [
        {
            "segment": dict(zip(asked.segments, key, strict=True)),
            **{name: body[name] for name in fields if name in body},
        }
        for key, body in keep
    ]


def _comparison(asked: Asked, body: Body, earlier: Body) -> Body:
    found: Body = {"value": earlier["value"], "difference": None, "low": None, "high": None}
    if body["value"] is not None and earlier["value"] is not None:
        found["difference"] = body["value"] - earlier["value"]
        if body.get("interval") and earlier.get("interval") and asked.metric in (*RATES, *DURATIONS, *SHAPES, *GROWTH):
            pairs = [(part["interval"]["low"], part["interval"]["high"]) for part in (body, earlier)]
            found["low"], found["high"] = numbers.square_and_add(body["value"], pairs[0], earlier["value"], pairs[1])
    return found
