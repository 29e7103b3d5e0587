"""The shape of what Grafana reads: panels in their places, and variables; what they show is in grafana_board.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "sojourn"}
WIDTH, COLUMNS, HEIGHT = 24, 3, 8


@dataclass(frozen=True, slots=True)
class Line:
    """A query of Prometheus and what its series are called; `{{label}}` stands for the value of a label."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Graph:
    """A panel before it has a place."""

    title: str
    description: str
    unit: str
    lines: tuple[Line, ...]
    axis: str = ""
    overrides: tuple[Mapping[str, Any], ...] = ()


def placed(rows: Sequence[tuple[str, Sequence[Graph]]]) -> Iterable[dict[str, Any]]:
    """Rows one below the other, panels of a row from left to right."""
    ids, top = count(1), 0
    for title, graphs in rows:
        yield {
            "id": next(ids),
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top},
        }
        top += 1
        for place, graph in enumerate(graphs):
            down, right = divmod(place, COLUMNS)
            width = WIDTH // COLUMNS
            yield _panel(next(ids), graph, {"h": HEIGHT, "w": width, "x": right * width, "y": top + down * HEIGHT})
        top += -(-len(graphs) // COLUMNS) * HEIGHT


def _panel(number: int, graph: Graph, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": graph.title,
        "description": graph.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [
            {"refId": chr(ord("A") + order), "datasource": DATASOURCE, "expr": line.expr, "legendFormat": line.legend}
            for order, line in enumerate(graph.lines)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": graph.unit,
                "custom": {
                    "drawStyle": "line",
                    "lineWidth": 2,
                    "fillOpacity": 0,
                    "showPoints": "never",
                    "axisLabel": graph.axis,
                },
            },
            "overrides": list(graph.overrides),
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    }


def from_labels(name: str, label: str, query: str, default: str = "") -> dict[str, Any]:
    """A variable whose choices are the values of a label."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": {"qryType": 1, "query": query, "refId": f"variable-{name}"},
        **({"current": {"text": default, "value": default}} if default else {}),
        "options": [],
        "refresh": 2,  # with the time range, so that a new tenant appears
        "sort": 1,
        "multi": False,
        "includeAll": False,
        "hide": 0,
    }


def one_of(name: str, label: str, choices: Sequence[str]) -> dict[str, Any]:
    """A variable with these choices, the first one chosen."""
    return {
        "type": "custom",
        "name": name,
        "label": label,
        "query": ",".join(choices),
        "current": {"text": choices[0], "value": choices[0]},
        "options": [{"text": each, "value": each, "selected": each == choices[0]} for each in choices],
        "multi": False,
        "includeAll": False,
        "hide": 0,
    }
