"""The registry as people read it: the catalogue and each metric's OpenAPI operation, derived, nothing typed twice."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from query_api.parameters import INTERVALS, MOST_SHOWN, SEGMENTS_SHOWN
from query_api.rolling.revisions import SHOWN as REVISIONS_SHOWN
from schemas.metrics import GROUPS
from schemas.metrics.metric import DEFAULT, Kind, Metric, Parameter
from schemas.remarks import DETAILS, EXCLUDED, WARNINGS
from schemas.steps import DEFAULT_STEP, STEPS

_TRAIT = "trait.*"
_TRAIT_SHOWN = "trait.<name>"
_DURATION = r"^P(\d{1,9}W)?(\d{1,9}D)?(T(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}S)?)?$"

_DRAWN_AGAIN = (
    "`bootstrap`: limits by drawing people again, all that one has together (method bootstrap_person), where several "
    "units of one person make the usual ones too narrow (warning clustered). The same question always has the same "
    "limits. Of means and shares, not of quantiles; of more than 40 segments that are not mature only the total's."
)


def catalogue() -> dict[str, Any]:
    """The body of `/v1/metrics`."""
    return {
        "metrics": [_entry(group, metric) for group, metrics in GROUPS.items() for metric in metrics],
        "warnings": dict(WARNINGS),
        "excluded": dict(EXCLUDED),
        "details": dict(DETAILS),
    }


def _entry(group: str, metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "group": group,
        "title": metric.title,
        "meaning": metric.meaning,
        "formula": metric.formula,
        "unit": metric.unit,
        "direction": metric.direction,
        "attribution": metric.attribution,
        "version": metric.version,
        "parameters": [
            {
                "name": own.name,
                "type": str(own.kind),
                "default": own.default,
                "values": list(own.values),
                "meaning": own.meaning,
            }
            for own in metric.parameters
        ],
        "definitions": {DEFAULT: metric.meaning} | {each.name: each.meaning for each in metric.variants},
        "segments": [name.replace(_TRAIT, _TRAIT_SHOWN) for name in metric.segments],
        "statistics": list(metric.statistics),
        "excluded": list(metric.excluded),
        "details": list(metric.details),
        "edges": list(metric.edges),
        "bands": [asdict(band) for band in metric.bands],
        "otherwise": metric.otherwise,
        "sources": list(metric.sources),
    }


def description(metric: Metric) -> str:
    """Meaning, formula, edges and the worked example, as Markdown."""
    lines = [metric.meaning, "", f"**Formula**: {metric.formula} (unit: {metric.unit}, {metric.direction})."]
    lines += [f"- {edge}" for edge in metric.edges]
    if metric.bands:
        lines += ["", "**Published bands**, none of them an alarm by itself:"]
        lines += [f"- {each.told(metric.direction)}: {each.source}" for each in metric.bands]
    lines += ["", f"**Why an article may say otherwise**: {metric.otherwise}"]
    if metric.variants:
        lines += ["", "**Other definitions**:"]
        lines += [f"- `{each.name}`: {each.meaning}" for each in metric.variants]
    if metric.excluded:
        lines += ["", "**Left out**, and listed under `excluded`:"]
        lines += [f"- `{key}`: {EXCLUDED[key]}" for key in metric.excluded]
    if metric.example:
        query = "&".join(f"{key}={value}" for key, value in metric.example.query.items())
        lines += ["", "**Example**. These events:", "```json"]
        lines += [json.dumps(event, ensure_ascii=False) for event in metric.example.events]
        lines += ["```", f"and `?{query}` give", "```json", json.dumps(metric.example.expected), "```"]
    return "\n".join(lines)


def window_parameters() -> list[dict[str, Any]]:
    """Parameters that say which window, in OpenAPI's words."""
    return [
        query_parameter(
            "window", "Length of the window that ends at `at`.", {"type": "string", "pattern": _DURATION}, "P1D"
        ),
        query_parameter("from", "Start: a date (local midnight) or an instant with offset.", {"type": "string"}),
        query_parameter("to", "End, exclusive; given together with `from`.", {"type": "string"}),
        query_parameter("period", "The last complete one.", {"type": "string", "enum": ["day", "week", "month"]}),
        query_parameter("at", "As of when; default the watermark floored to the second.", {"type": "string"}),
        query_parameter("tz", "IANA zone; default the tenant's.", {"type": "string"}),
    ]


def cut_parameters(segments: str) -> list[dict[str, Any]]:
    """Parameters that say which window, of whom, cut by what."""
    shown = {"type": "integer", "minimum": 1, "maximum": MOST_SHOWN}
    filters = {"type": "array", "items": {"type": "string"}}
    return [
        *window_parameters(),
        query_parameter("segment", f"Up to two of {segments}, separated by a comma.", {"type": "string"}),
        query_parameter("filter", "`dimension:eq|ne|in|nin:values`; repeated: all of them.", filters),
        query_parameter("limit", "How many segments to list.", shown, SEGMENTS_SHOWN),
    ]


def common_parameters(segments: str, definitions: tuple[str, ...] = (DEFAULT,)) -> list[dict[str, Any]]:
    """Parameters that every metric has."""
    return [
        *cut_parameters(segments),
        query_parameter("compare", "Beside it the window before.", {"type": "string", "enum": ["previous"]}),
        query_parameter("definition", "Which definition.", {"type": "string", "enum": list(definitions)}, DEFAULT),
    ]


def own_parameters(metric: Metric) -> list[dict[str, Any]]:
    """Those that it declares."""
    return [query_parameter(own.name, own.meaning, _schema(own), own.default) for own in metric.parameters]


def segments_of(metric: Metric) -> str:
    """What it is cut by, as people write it."""
    return ", ".join(metric.segments).replace(_TRAIT, _TRAIT_SHOWN)


def operation_parameters(metric: Metric) -> list[dict[str, Any]]:
    """All parameters of one metric, its own first."""
    found = own_parameters(metric)
    if metric.statistics:
        choices = {"type": "string", "enum": list(metric.statistics)}
        found.append(query_parameter("statistic", "Which number is the value.", choices, metric.statistics[0]))
    if any(metric.defined(name).resamples for name in metric.definitions):
        found.append(query_parameter("interval", _DRAWN_AGAIN, {"type": "string", "enum": list(INTERVALS)}))
    return found + common_parameters(segments_of(metric), metric.definitions)


def explain_parameters(metric: Metric) -> list[dict[str, Any]]:
    """The same, with a cursor, and the id of the only entity to explain."""
    own = query_parameter("id", "Only this entity, with the story of why it counts as it does.", {"type": "string"})
    cursor = query_parameter("cursor", "`next_cursor` of the page before; it fixes `at`.", {"type": "string"})
    return [*operation_parameters(metric), own, cursor]


def series_parameters(metric: Metric) -> list[dict[str, Any]]:
    """Those of one metric, with the step."""
    steps = {"type": "string", "enum": list(STEPS)}
    meaning = "How long a point is: hours, days, weeks or months of the calendar, in the zone `tz`."
    return [query_parameter("step", meaning, steps, DEFAULT_STEP), *operation_parameters(metric)]


def compare_parameters(metric: Metric) -> list[dict[str, Any]]:
    """Those of all definitions: each is asked with the ones that it has."""
    return [each for each in explain_parameters(metric) if each["name"] != "definition"]


def layer_parameters() -> list[dict[str, Any]]:
    """Those that say which layer may answer."""
    age = (
        "How old the answer may be. If given, a published answer for this window (an hour, a day, 7 or 28 days, in "
        "total or by one dimension; of many metrics any whole hours or days) is given as it was counted then: its `at` "
        "and `watermark` say when. If not given: counted from the facts, as of now."
    )
    plan = "1: the body says under `plan` which layer gave it, as of which version, and why."
    return [
        query_parameter("max_age", age, {"type": "string", "pattern": _DURATION}),
        query_parameter("plan", plan, {"type": "string", "enum": ["0", "1"]}),
    ]


def values_parameters() -> list[dict[str, Any]]:
    """Those of `/v1/values`."""
    metrics = query_parameter("metrics", "Names, separated by commas; default all.", {"type": "string"})
    return [metrics, *common_parameters("the metrics' segments")]


def stream_parameters() -> list[dict[str, Any]]:
    """Those of `/v1/stream`."""
    metrics = {**query_parameter("metrics", "Names, separated by commas.", {"type": "string"}), "required": True}
    seen = {"name": "Last-Event-ID", "in": "header", "required": False, "description": "Id of the last event received."}
    return [metrics, *common_parameters("the metrics' segments"), {**seen, "schema": {"type": "string"}}]


def revision_parameters() -> list[dict[str, Any]]:
    """Those of a list of restated values."""
    return [
        query_parameter("cursor", "`next_cursor` of the page before.", {"type": "string"}),
        query_parameter(
            "limit", "How many to list.", {"type": "integer", "minimum": 1, "maximum": MOST_SHOWN}, REVISIONS_SHOWN
        ),
    ]


def query_parameter(name: str, meaning: str, schema: dict[str, Any], default: Any = None) -> dict[str, Any]:
    """One parameter in OpenAPI's words; `default` as a caller would write it."""
    typed = schema
    if default is not None and schema["type"] == "string":
        typed = {**schema, "default": default}
    elif default is not None:
        typed = {**schema, "default": int(default) if schema["type"] == "integer" else default == "true"}
    return {"name": name, "in": "query", "required": False, "description": meaning, "schema": typed}


def _schema(own: Parameter) -> dict[str, Any]:
    match own.kind:
        case Kind.DURATION:
            named = "".join(f"^{value}$|" for value in own.values)
            return {"type": "string", "pattern": named + _DURATION}
        case Kind.CHOICE:
            return {"type": "string", "enum": list(own.values)}
        case Kind.BOOLEAN:
            return {"type": "boolean"}
        case Kind.INTEGER:
            limits = {"minimum": own.least, "maximum": own.most}
            return {"type": "integer", **{key: value for key, value in limits.items() if value is not None}}
        case Kind.CURRENCY:
            return {"type": "string", "pattern": "^[A-Z]{3}$"}
        case Kind.NAMES:
            return {"type": "string"}
        case Kind.TEXT:
            return {"type": "string", **({"pattern": f"^({own.pattern})?$"} if own.pattern else {})}
