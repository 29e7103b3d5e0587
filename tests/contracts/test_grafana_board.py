"""Grafana's board is that of the declarations, asks for what there is, and is found where compose puts it."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana_board import ALERTS, NONE, board, text
from deploy.grafana_panels import DATASOURCE, WIDTH
from query_api.exposition import HIGH, LOW, VALUE, VALUES
from schemas.metrics import GROUPS, METRICS
from schemas.signals import SIGNALS
from tests.promql import KNOWN, used

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/grafana"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
BOARD = board()
PANELS: list[dict[str, Any]] = BOARD["panels"]
GRAPHS = {panel["title"]: panel for panel in PANELS if panel["type"] != "row"}
VARIABLES: dict[str, dict[str, Any]] = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
ASKED = [target["expr"] for panel in GRAPHS.values() for target in panel["targets"]]
BUILT_IN = {"__rate_interval"}


def mounts() -> dict[str, str]:
    return {mount.split(":")[1]: mount.split(":")[0] for mount in COMPOSE["services"]["grafana"]["volumes"]}


def test_the_file_is_that_of_the_declarations() -> None:
    assert (FOLDER / "sojourn.json").read_text("utf-8") == text(), "run `make generate`"
    assert json.loads(text()) == BOARD


def test_after_the_services_come_the_groups_with_all_their_metrics_in_order() -> None:
    rows: dict[str, list[str]] = {}
    for panel in PANELS:
        if panel["type"] == "row":
            rows[panel["title"]] = []
        else:
            list(rows.values())[-1].append(panel["title"])
    first, *others = rows.items()
    assert first[0] == "Services"
    assert others == [(name.capitalize(), [metric.title for metric in group]) for name, group in GROUPS.items()]


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_shows_its_value_its_limits_and_what_it_means(name: str) -> None:
    metric = METRICS[name]
    panel = GRAPHS[metric.title]
    assert metric.meaning in panel["description"]
    assert metric.formula in panel["description"]
    lines = {target["legendFormat"]: used(target["expr"]) for target in panel["targets"]}
    for legend, signal in (("total", VALUE), ("low", LOW), ("high", HIGH)):
        asked = {label: value for label, _, value in lines[legend].compared}
        assert lines[legend].series == [signal.name]
        assert asked == {"tenant": "$tenant", "window": "$window", "metric": name, "dimension": ""}
    assert ("dimension", "=", "$dimension") in lines["{{segment}}"].compared
    (band,) = [each for each in panel["fieldConfig"]["overrides"] if each["matcher"]["options"] == "high"]
    assert {"id": "custom.fillBelowTo", "value": "low"} in band["properties"]
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if metric.unit in ("ratio", "seconds"):
        assert unit == {"ratio": "percentunit", "seconds": "s"}[metric.unit]
    else:
        assert panel["fieldConfig"]["defaults"]["custom"]["axisLabel"] == metric.unit


@pytest.mark.parametrize("expr", [expr for expr in ASKED if expr != ALERTS])
def test_every_expression_asks_for_what_there_is(expr: str) -> None:
    found = used(expr)
    assert set(found.series) <= {name for name in KNOWN if name.startswith(("sojourn_", "process_"))}
    assert {value for label, _, value in found.compared if label == "metric"} <= set(METRICS)
    assert set(re.findall(r"\$(\w+)", expr)) <= {*VARIABLES, *BUILT_IN}


def test_legends_name_labels_that_the_lines_have() -> None:
    for panel in GRAPHS.values():
        for target in panel["targets"]:
            found = used(target["expr"])
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= (set(found.grouped) or found.labels), target
            if found.grouped:
                assert shown == set(found.grouped) - {"le"} or "max by" in target["expr"], target


def test_every_variable_chooses_among_what_there_is() -> None:
    assert set(VARIABLES) == {"tenant", "window", "dimension"}
    seen: set[str] = set()
    for name, variable in VARIABLES.items():
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
            (asked,) = used(series).series
            assert label in KNOWN[asked]
            assert set(re.findall(r"\$(\w+)", series)) <= seen, "a variable that is chosen later"
        seen.add(name)
    dimensions = {each["value"] for each in VARIABLES["dimension"]["options"]}
    assert dimensions == {NONE} | {each for metric in METRICS.values() for each in metric.segments if "*" not in each}
    assert VARIABLES["dimension"]["query"].split(",") == [each["value"] for each in VARIABLES["dimension"]["options"]]


def test_no_panel_lies_on_another_or_leaves_the_board() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= WIDTH and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len(GRAPHS) == sum(panel["type"] != "row" for panel in PANELS), "a title is used twice"
    for panel in GRAPHS.values():
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_what_operators_need_of_the_signals_is_in_the_first_row() -> None:
    asked = {series for expr in ASKED for series in used(expr).series}
    assert asked >= {
        "sojourn_events_accepted_total",
        "sojourn_watermark_age_seconds",
        "sojourn_log_lag_records",
        "sojourn_dead_letters_total",
        "sojourn_store_call_seconds_bucket",
        "sojourn_stored_after_seconds_bucket",
    }


def test_values_and_signals_have_names_of_their_own() -> None:
    names = [signal.name for signal in (*SIGNALS, *VALUES)]
    assert len(set(names)) == len(names)


def test_the_board_is_found_and_asks_the_prometheus_of_compose() -> None:
    where = mounts()
    (source,) = yaml.safe_load((FOLDER / "datasource.yaml").read_text())["datasources"]
    assert (source["type"], source["uid"]) == (DATASOURCE["type"], DATASOURCE["uid"])
    host, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
    assert f"127.0.0.1:{port}:{port}" in COMPOSE["services"][host]["ports"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped
    (provider,) = yaml.safe_load((FOLDER / "boards.yaml").read_text())["providers"]
    home = COMPOSE["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(provider["options"]["path"])
    assert where[home] == "./grafana/sojourn.json"
    provisioning = "/etc/grafana/provisioning"
    assert where[f"{provisioning}/datasources/sojourn.yaml"] == "./grafana/datasource.yaml"
    assert where[f"{provisioning}/dashboards/sojourn.yaml"] == "./grafana/boards.yaml"
    assert {panel["datasource"]["uid"] for panel in GRAPHS.values()} == {source["uid"]}
