"""What a caller asks of a funnel, read into a question; every refusal names the parameter to blame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from query_api.parameters import MOST_FILTERS, MOST_VALUES, TRAIT, Query, invalid, names_list, number, parse, shown
from query_api.question import Question
from schemas.errors import Problem
from schemas.events import canonical
from schemas.events.fields import spellings
from schemas.metrics.chains import Condition
from schemas.metrics.funnels import FUNNELS, WITHIN
from schemas.metrics.journey import AFTERWARDS, AWARE, BOUGHT, CONSIDERED, LIMITS, STAGES
from schemas.periods import LONGEST_MS, parse_duration
from schemas.tenants import Tenant

MOST_STEPS = 20
MOST_ALIKE = 6
"""Steps of one event in a funnel without order, where their filters differ: all their subsets are counted."""
OUTCOMES = ("reached", "dropped", "excluded")
_STEP_FILTER = re.compile(r"([0-9]{1,2}):([^:]{1,200}):(eq|ne|in|nin):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OF_STEPS = ("order", "step_within", "exclude", "hold", "strict_increase", "step_filter", "counting")
_OF_AN_ORDER = ("step_within", "exclude", "hold", "strict_increase")


@dataclass(frozen=True, slots=True)
class FunnelRequest:
    """A funnel's question, the names of its rows, how long after the first each step can be reached (ms), how many
    segments to show, and the parameters as the body prints them.
    """

    question: Question
    labels: Sequence[str]
    limits: Sequence[int]
    limit: int
    shown: Mapping[str, Any]


def parse_funnel(query: Query, tenant: Tenant, watermark: int) -> FunnelRequest:
    """Raises `Problem`: invalid_parameter, unknown_parameter, unknown_segment."""
    pairs = list(query)
    if any(name == "compare" for name, _ in pairs):
        raise Problem("unknown_parameter", "funnels has no parameter 'compare'", field="compare")
    filters = [text for name, text in pairs if name == "step_filter"]
    texts = [text for name, text in pairs if name == "steps"]
    if len(texts) > 1:
        raise invalid("steps", "is given twice")
    rest = [pair for pair in pairs if pair[0] not in ("steps", "step_filter")]
    request = parse(FUNNELS, rest, tenant, watermark)
    question, names = request.question, {name for name, _ in pairs}
    parameters = dict(question.parameters)
    if parameters["hold"] and _CONTROL.search(parameters["hold"]):
        raise invalid("hold", "expected the name of a property")
    steps = tuple(canonical(name) for name in names_list("steps", texts[0])) if texts else ()
    conditions = _conditions(filters, len(steps))
    _coherent(parameters, names, steps, conditions)
    if steps:
        if parameters["within"] is None:
            parameters["within"] = parse_duration(WITHIN)
        labels, limits = steps, (parameters["within"],) * len(steps)
    else:
        told = parameters["within"]
        labels, limits = STAGES, LIMITS if told is None else (told,) * len(STAGES)
    printed = replace(question, parameters={**parameters, "steps": steps})
    asked = {
        **parameters,
        "steps": steps,
        "conditions": conditions,
        "cut": tuple(name for name in question.segments if not name.startswith(TRAIT)),
        "exclude": parameters["exclude"] or (),
        "step_within": LONGEST_MS if parameters["step_within"] is None else parameters["step_within"],
    }
    question = replace(
        question,
        metric=replace(FUNNELS, options={**FUNNELS.options, "lookahead": max(limits)}),
        parameters=asked,
        bound=_bound(asked, limits),
    )
    return FunnelRequest(question, labels, limits, request.limit, {**shown(printed), "step_filter": filters})


def parse_people(query: Query, tenant: Tenant, watermark: int) -> tuple[FunnelRequest, int]:
    """The funnel and the step (from 1) whose people are asked for; with the outcome it belongs to the question."""
    pairs = list(query)
    own = {"step": "1", "outcome": OUTCOMES[0]}
    for name, text in pairs:
        if name in own:
            if sum(other == name for other, _ in pairs) > 1:
                raise invalid(name, "is given twice")
            own[name] = text
    request = parse_funnel([pair for pair in pairs if pair[0] not in own], tenant, watermark)
    step = number("step", own["step"], 1, len(request.labels))
    if own["outcome"] not in OUTCOMES:
        raise invalid("outcome", f"expected one of {', '.join(OUTCOMES)}")
    parameters = {**request.question.parameters, "step": step, "outcome": own["outcome"]}
    return replace(request, question=replace(request.question, parameters=parameters)), step


def _conditions(texts: Sequence[str], steps: int) -> tuple[Condition, ...]:
    """`number:property:operator:values` each; no value means null; `eq` and `ne` take all the rest as one value."""
    if len(texts) > MOST_FILTERS:
        raise invalid("step_filter", f"at most {MOST_FILTERS}")
    found = []
    for text in texts:
        told = _STEP_FILTER.fullmatch(text)
        if not told or _CONTROL.search(text) or not 1 <= int(told[1]) <= steps:
            raise invalid("step_filter", f"expected number:property:eq|ne|in|nin:values, the number from 1 to {steps}")
        values = [told[4]] if told[3] in ("eq", "ne") else [value.strip() for value in told[4].split(",")]
        if told[4] and (not all(values) or len(values) > MOST_VALUES):
            raise invalid("step_filter", f"expected 1 to {MOST_VALUES} values, none of them empty")
        found.append((int(told[1]) - 1, told[2], told[3], tuple(values) if told[4] else ()))
    return tuple(found)


def _coherent(
    parameters: Mapping[str, Any], names: set[str], steps: Sequence[str], conditions: Sequence[Condition]
) -> None:
    """Refuse what would mean nothing. Raises `Problem`."""
    if len(steps) > MOST_STEPS:
        raise invalid("steps", f"at most {MOST_STEPS}")
    if not steps:
        for name in _OF_STEPS:
            if name in names:
                raise invalid(name, "needs steps; the journey has its own rules")
    elif "entry" in names:
        raise invalid("entry", "is of the journey, which has no steps")
    if parameters["order"] != "unordered":
        return
    for name in _OF_AN_ORDER:
        if name in names:
            raise invalid(name, "needs an order: ordered or strict")
    if parameters["counting"] == "attempts":
        raise invalid("counting", "attempts need an order: ordered or strict")
    for name in set(steps):
        alike = [place for place, step in enumerate(steps) if step == name]
        if len(alike) > MOST_ALIKE and any(place in alike for place, *_ in conditions):
            raise invalid("step_filter", f"without an order at most {MOST_ALIKE} steps of one event may have filters")


def _bound(parameters: Mapping[str, Any], limits: Sequence[int]) -> dict[str, Any]:
    """What the SELECTs of a funnel read beside its parameters."""
    steps, conditions = parameters["steps"], parameters["conditions"]
    found: dict[str, Any] = {
        "limits": list(limits),
        "excluding": list(parameters["exclude"]),
        "named": sorted({*steps, *parameters["exclude"]}),
        "aware": list(AWARE),
        "considered": list(CONSIDERED),
        "bought": list(BOUGHT),
        "stages": [*CONSIDERED, *BOUGHT, *AFTERWARDS],
        "held_keys": list(spellings(parameters["hold"])) if parameters["hold"] else [],
    }
    for place, (_, key, _, values) in enumerate(conditions):
        found |= {f"keys_{place}": list(spellings(key)), f"values_{place}": list(values) or [""]}
    return found
