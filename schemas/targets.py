"""Which targets of a tenants file can be measured: of a metric that exists, cut by segments that it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from schemas.metrics import METRICS
from schemas.tenants import Target

MOST_SEGMENTS = 2
_TRAIT = "trait."


def sound_targets(told: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Those that hold, as they were told, and what is wrong with each other: its number, the place in it and why."""
    kept: list[Any] = []
    faults: list[str] = []
    seen: set[tuple[Any, ...]] = set()
    for number, each in enumerate(told):
        try:
            target = Target.model_validate(each)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            faults.append(f"{'.'.join(str(part) for part in (number, *first['loc']))}: {first['msg']}")
            continue
        fault = _fault(target)
        same = (target.metric, target.definition, target.statistic, tuple(sorted(target.segment.items())))
        if not fault and same in seen:
            fault = "segment: an earlier target is for the same number"
        if fault:
            faults.append(f"{number}.{fault}")
        else:
            seen.add(same)
            kept.append(each)
    return kept, faults


def _fault(target: Target) -> str:
    """The field and what is wrong with it, "" if nothing is."""
    metric = METRICS.get(target.metric)
    if metric is None:
        return f"metric: there is no metric {target.metric[:100]!r}"
    if target.definition not in metric.definitions:
        return f"definition: {metric.name} has {', '.join(metric.definitions)}"
    metric = metric.defined(target.definition)
    if target.statistic is not None and target.statistic not in metric.statistics:
        return f"statistic: {metric.name} has {', '.join(metric.statistics) or 'none'}"
    if len(target.segment) > MOST_SEGMENTS:
        return f"segment: at most {MOST_SEGMENTS} dimensions"
    for name in target.segment:
        is_trait = name.startswith(_TRAIT) and name != _TRAIT and f"{_TRAIT}*" in metric.segments
        if not is_trait and (name not in metric.segments or name.endswith("*")):
            served = ", ".join(metric.segments).replace(f"{_TRAIT}*", f"{_TRAIT}<name>")
            return f"segment.{name[:100]}: {metric.name} is cut by {served}"
    return ""
