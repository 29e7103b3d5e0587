"""The catalogue as pages: one a metric and an index by group, made of the declarations and nothing else.

`make generate` writes them to deploy/catalogue; a test holds the folder to what the declarations give.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.metrics import GROUPS, METRICS
from schemas.metrics.metric import Metric, Parameter, Shape
from schemas.remarks import DETAILS, EXCLUDED, WARNINGS

INDEX = "README.md"
_PEOPLE = (Shape.DISTINCT, Shape.STICKINESS, Shape.PER_PERSON)
_ESTIMATED = (Shape.RATE, Shape.SCORE, Shape.MIX)
_FEW = (*_ESTIMATED, Shape.DURATION, Shape.MONEY_AVERAGE, Shape.PER_PERSON)
_SAID = {
    "cohort": "A unit counts in the window in which it began, whenever its outcome comes.",
    "completion": "A unit counts in the window in which it happened.",
    "state": "The number is taken at an instant, T = min(at, end of the window).",
}


def possible_warnings(metric: Metric) -> tuple[str, ...]:
    """The warnings that some answer of this metric, under any of its definitions, may carry."""
    found = {name for definition in metric.definitions for name in _warned(metric.defined(definition))}
    return tuple(name for name in WARNINGS if name in found)


def _warned(metric: Metric) -> Iterable[str]:
    shape = metric.shape
    told = {
        "ahead_of_watermark": True,
        "open_window": True,
        "suppressed": True,
        "partial_day": metric.state,
        "overlapping_segments": shape in _PEOPLE,
        "small_n": shape in _FEW,
        "imprecise": shape in _ESTIMATED,
        "clustered": shape in (Shape.SCORE, Shape.MIX) or (shape is Shape.RATE and metric.clustered),
        "sparse": shape is Shape.RATE,
        "horizon_not_reached": _is_estimated(metric),
        "immature": shape is Shape.DURATION or (shape is Shape.RATE and not _is_estimated(metric)),
        "not_reached": shape is Shape.DURATION,
        "scale_mismatch": "scale_mismatch" in metric.excluded,
        "multi_select": shape is Shape.MIX,
    }
    return (name for name, is_so in told.items() if is_so)


def _is_estimated(metric: Metric) -> bool:
    """Whether Kaplan–Meier says what the number will be."""
    is_rate = metric.shape is Shape.RATE and bool(metric.horizons)
    return is_rate and metric.has_curve and metric.denominator is None


def immaturity(metric: Metric) -> str:
    """What the number is worth while some of its units are young."""
    names = " and ".join(f"`{name}`" for name in metric.horizons)
    if metric.state:
        return "None: a state is known at once. Unless T is a local midnight, the last day is partial (`partial_day`)."
    if metric.shape is Shape.DURATION:
        return (
            "Units without an outcome so far are counted by the Kaplan–Meier estimate (`km_median`, and the quantiles "
            "of a cohort), never left out silently; a mean has no such estimate (`immature`). It is never final: a "
            "unit can be opened again."
        )
    if not metric.horizons:
        return "None beyond late events, which restate the window: it is final 72 hours after its end."
    if metric.own_horizons:
        young = f"A unit is mature once its own end and what is added to it ({names}) are over."
    else:
        young = f"A unit is mature {names} after it entered" + (", whichever is its own." if " and " in names else ".")
    if not _is_estimated(metric):
        return f"{young} Until all are, the value is what was observed so far, and `maturity` says how far it is."
    return (
        f"{young} Until all are, the value is the Kaplan–Meier estimate of the share at that age; numerator and "
        "denominator stay what was observed."
    )


def page(metric: Metric) -> str:
    """The metric's own page, Markdown."""
    group = next(name for name, members in GROUPS.items() if metric in members)
    lines = [f"# {metric.title} (`{metric.name}`)", ""]
    lines += ["<!-- Made by `make generate` from schemas/metrics. -->", "", f"[All metrics]({INDEX})", ""]
    lines += [metric.meaning, "", "| | |", "|---|---|"]
    facts = {
        "Formula": metric.formula,
        "Unit": metric.unit,
        "Direction": metric.direction.replace("_", " "),
        "Attribution": f"{metric.attribution}: {_SAID[metric.attribution]}",
        "Asked at": f"`/v1/metrics/{metric.name}`",
        "Group": f"[{group}]({INDEX}#{group})",
        "Version of the definition": str(metric.version),
    }
    lines += [f"| {key} | {_cell(value)} |" for key, value in facts.items()]
    lines += ["", "## Why an article may say otherwise", "", metric.otherwise]
    lines += ["", "## While it is young", "", immaturity(metric)]
    lines += _list("Edge cases", ((edge, "") for edge in metric.edges))
    lines += _parameters(metric)
    lines += _variants(metric)
    lines += _statistics(metric)
    lines += _list("Published bands", ((each.told(metric.direction), each.source) for each in metric.bands))
    lines += _list("Segments and filters", ((f"`{name.replace('*', '<name>')}`", "") for name in metric.segments))
    lines += _list("`excluded`: what is left out and why", _named(_all(metric, "excluded"), EXCLUDED))
    lines += _list("`details`: further figures", _named(_all(metric, "details"), DETAILS))
    lines += _list("`warnings` that it may carry", _named(possible_warnings(metric), WARNINGS))
    lines += _list("Sources", ((source, "") for source in metric.sources))
    return "\n".join([*lines, *_example(metric), ""])


def index() -> str:
    """All metrics by group."""
    lines = ["# The metrics", "", "<!-- Made by `make generate` from schemas/metrics. -->", ""]
    about = (
        "One page each: what the number means and why another may be printed elsewhere, what can be set, what is left "
        "out, and a worked example that a test sends and asks (`tests/integration/test_worked_examples.py`)."
    )
    lines += [about]
    for group, metrics in GROUPS.items():
        lines += ["", f"## {group}", "", "| | formula | unit |", "|---|---|---|"]
        lines += [f"| [{each.title}]({each.name}.md) | {_cell(each.formula)} | {each.unit} |" for each in metrics]
    return "\n".join([*lines, ""])


def pages() -> dict[str, str]:
    """Every file of the folder by its name."""
    return {INDEX: index(), **{f"{name}.md": page(metric) for name, metric in METRICS.items()}}


def write(folder: Path) -> None:
    """Make the folder what the declarations say; pages of metrics that are gone go too."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for file in folder.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, "utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _all(metric: Metric, name: str) -> list[str]:
    """The keys under `name` of all definitions."""
    return sorted({key for each in metric.definitions for key in getattr(metric.defined(each), name)})


def _named(keys: Iterable[str], meanings: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((f"`{key}`", meanings[key]) for key in keys)


def _list(title: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"- {name}: {meaning}" if meaning else f"- {name}" for name, meaning in entries]
    return ["", f"## {title}", "", *lines] if lines else []


def _parameters(metric: Metric) -> list[str]:
    if not metric.parameters:
        return []
    rows = [
        f"| `{own.name}` | {_values(own)} | {_default(own)} | {_cell(_meaning(own))} |" for own in metric.parameters
    ]
    return ["", "## Parameters", "", "| name | values | default | meaning |", "|---|---|---|---|", *rows]


def _values(own: Parameter) -> str:
    if own.values:
        return ", ".join(f"`{value}`" if value else "unset" for value in own.values)
    limits = [f"from {own.least}" if own.least is not None else "", f"to {own.most}" if own.most is not None else ""]
    return " ".join([str(own.kind), *filter(None, limits if str(own.kind) == "integer" else [])])


def _default(own: Parameter) -> str:
    return f"`{own.default}`" if own.default else "unset"


def _meaning(own: Parameter) -> str:
    only = f" Only of {', '.join(f'`{name}`' for name in own.definitions)}." if own.definitions else ""
    return own.meaning + only


def _variants(metric: Metric) -> list[str]:
    rows = [
        f"| `{each.name}` | {_cell(each.meaning)} | {_cell(metric.defined(each.name).formula)} |"
        for each in metric.variants
    ]
    head = ["", "## Other definitions (`definition=`)", "", "| name | meaning | formula |", "|---|---|---|"]
    return [*head, *rows] if rows else []


def _statistics(metric: Metric) -> list[str]:
    if not metric.statistics:
        return []
    first, *others = (f"`{name}`" for name in metric.statistics)
    return ["", "## Statistics (`statistic=`)", "", f"{first} (default), {', '.join(others)}."]


def _example(metric: Metric) -> list[str]:
    example = metric.example
    if example is None:
        return []
    query = "&".join(f"{key}={value}" for key, value in example.query.items())
    return [
        "", "## Worked example", "", "These events (`POST /v1/events`):", "", "```json",
        *map(_json, example.events), "```", "", "asked by", "", "```",
        f"GET /v1/metrics/{metric.name}?{query}", "```", "", "give, among the rest,", "", "```json",
        json.dumps(example.expected, ensure_ascii=False, indent=1), "```",
    ]  # fmt: skip


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
