"""Grafana's board, made of the declarations: a row for the services from the signals, then one a group of metrics.

`make generate` writes it to deploy/grafana/sojourn.json; a test holds the file to what the declarations give.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from deploy.grafana_panels import Graph, Line, from_labels, one_of, placed
from query_api import exposition
from schemas import signals
from schemas.metrics import GROUPS, METRICS
from schemas.metrics.metric import Metric
from schemas.signals import Signal

SCHEMA_VERSION = 42
"""Of the dashboards of Grafana 13; older ones are brought up to it when they are read."""
UNITS = {"ratio": "percentunit", "seconds": "s"}
"""Units that Grafana writes in a way of its own; any other is a plain number with its unit beside the axis."""
NONE = "none"
"""What the choice of a dimension is before one is made."""
ALERTS = 'sum by (alertname) (ALERTS{alertstate="firing"})'
_PER_SECOND, _PLAIN = "eps", "short"


def board() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    rows = [
        ("Services", services()),
        *((name.capitalize(), list(map(of_metric, each))) for name, each in GROUPS.items()),
    ]
    return {
        "uid": "sojourn",
        "title": "Sojourn",
        "description": "Made by `make generate` from the declarations of metrics and signals.",
        "tags": ["sojourn"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "timezone": "browser",
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "30s",
        "graphTooltip": 1,
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": variables()},
        "panels": list(placed(rows)),
    }


def services() -> list[Graph]:
    """What the signals tell of the services; those of several processes are added, or the best informed one counts."""
    reasons = f"sum by (job, reason) ({_rate(signals.DEAD_LETTERS)})"
    return [
        Graph("Alerts", "Alerts that fire now.", _PLAIN, (Line(ALERTS, "{{alertname}}"),)),
        _graph(signals.READY, "Ready", _PLAIN, Line(f"min by (job) ({signals.READY.name})", "{{job}}")),
        Graph(
            "Events per second",
            "Events that the log has, that were refused, and whose rows are in the store.",
            _PER_SECOND,
            (
                Line(f"sum({_rate(signals.ACCEPTED)})", "accepted"),
                Line(f"sum({_rate(signals.REJECTED)})", "rejected"),
                Line(f"sum({_rate(signals.PROCESSED)})", "processed"),
            ),
        ),
        _graph(signals.WATERMARK_AGE, "Age of the watermark", "s", Line(f"min({signals.WATERMARK_AGE.name})", "age")),
        _graph(signals.LAG, "Lag", _PLAIN, Line(f"min({signals.LAG.name})", "records")),
        # Ingest counts what it refuses, processors that and what they refuse themselves.
        _graph(signals.DEAD_LETTERS, "Dead letters", _PER_SECOND, Line(f"max by (reason) ({reasons})", "{{reason}}")),
        _graph(signals.STORED_AFTER, "From receipt to row", "s", *_quantiles(signals.STORED_AFTER)),
        _graph(signals.STORE_SECONDS, "Calls of the store", "s", *_quantiles(signals.STORE_SECONDS)),
        _graph(signals.REQUEST_SECONDS, "Time to answer", "s", *_quantiles(signals.REQUEST_SECONDS)),
        _graph(
            signals.REQUESTS,
            "Answers",
            "reqps",
            Line(f"sum by (job, status) ({_rate(signals.REQUESTS)})", "{{job}} {{status}}"),
        ),
        Graph(
            "Inserts",
            "Inserts that the store took and did not take.",
            "ops",
            (
                Line(f"sum({_rate(signals.INSERTS)})", "taken"),
                Line(f"sum({_rate(signals.FAILURES)})", "failed"),
            ),
        ),
        Graph(
            "What waits",
            "Calls of the store that wait or run, and bytes that wait for the log.",
            _PLAIN,
            (
                Line(f"sum by (job, call) ({signals.STORE_WAITING.name})", "{{job}} {{call}}"),
                Line(f"sum({signals.PENDING.name})", "bytes for the log"),
            ),
        ),
        _graph(
            signals.PROCESS_MEMORY, "Memory", "bytes", Line(f"sum by (job) ({signals.PROCESS_MEMORY.name})", "{{job}}")
        ),
        Graph(
            "CPU",
            "Cores in use: by each service, and by each worker.",
            _PLAIN,
            (
                Line(f"sum by (job) ({_rate(signals.PROCESS_CPU)})", "{{job}}"),
                Line(f"sum by (worker) ({_rate(signals.WORKER_CPU)})", "worker {{worker}}"),
            ),
        ),
        _graph(signals.LISTENERS, "Readers of streams", _PLAIN, Line(f"sum({signals.LISTENERS.name})", "readers")),
    ]


def of_metric(metric: Metric) -> Graph:
    """A metric over time with its interval as a band, and by the values of a dimension if one is chosen."""
    value, low, high = (_values(each, metric, "") for each in (exposition.VALUE, exposition.LOW, exposition.HIGH))
    by_segment = _values(exposition.VALUE, metric, "$dimension")
    band = {"id": "custom.lineWidth", "value": 0}, {"id": "custom.hideFrom", "value": _hidden_from_legend()}
    return Graph(
        metric.title,
        f"{metric.meaning}\n\n`{metric.formula}`",
        UNITS.get(metric.unit, _PLAIN),
        (
            Line(value, "total"),
            Line(low, "low"),
            Line(high, "high"),
            Line(f'label_replace({by_segment}, "segment", "unknown", "segment", "")', "{{segment}}"),
        ),
        axis="" if metric.unit in UNITS else metric.unit,
        overrides=(
            {"matcher": {"id": "byName", "options": "low"}, "properties": [*band]},
            {
                "matcher": {"id": "byName", "options": "high"},
                "properties": [
                    *band,
                    {"id": "custom.fillBelowTo", "value": "low"},
                    {"id": "custom.fillOpacity", "value": 15},
                ],
            },
            {
                "matcher": {"id": "byRegexp", "options": "/^(total|low|high)$/"},
                "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "blue"}}],
            },
        ),
    )


def variables() -> list[dict[str, Any]]:
    """What can be chosen above the panels."""
    dimensions = dict.fromkeys(name for metric in METRICS.values() for name in metric.segments if "*" not in name)
    known = exposition.VERSION.name
    return [
        from_labels("tenant", "Tenant", f"label_values({known}, tenant)"),
        from_labels("window", "Window", f'label_values({known}{{tenant="$tenant"}}, window)', default="P1D"),
        one_of("dimension", "By", [NONE, *dimensions]),
    ]


def _values(signal: Signal, metric: Metric, dimension: str) -> str:
    return f'{signal.name}{{tenant="$tenant",metric="{metric.name}",window="$window",dimension="{dimension}"}}'


def _rate(signal: Signal) -> str:
    return f"rate({signal.name}[$__rate_interval])"


def _quantiles(signal: Signal) -> Iterable[Line]:
    """Median and the 99th of a hundred, for each value of its label."""
    buckets = f"sum by ({', '.join(('le', *signal.labels))}) (rate({signal.name}_bucket[$__rate_interval]))"
    each = "".join(f" {{{{{label}}}}}" for label in signal.labels)
    return (
        Line(f"histogram_quantile({share}, {buckets})", f"{name}{each}")
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    )


def _graph(signal: Signal, title: str, unit: str, *lines: Line) -> Graph:
    return Graph(title, signal.meaning, unit, lines)


def _hidden_from_legend() -> dict[str, bool]:
    return {"legend": True, "tooltip": False, "viz": False}


def text() -> str:
    """The file."""
    return json.dumps(board(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
