"""`deploy/prometheus` against the code: where it scrapes, and what its alerts ask for and say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli import COMMANDS
from deploy.owner_only import SHARED
from deploy.scraping import JOB, JOBS, METRICS, write
from schemas.tenants import Tenant
from tests.promql import KNOWN, used

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
DATA = COMPOSE["x-sojourn"]["environment"]["SOJOURN_DATA"]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
(GROUP,) = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUP["rules"]}
SCRAPED = {job["job_name"]: job for job in CONFIG["scrape_configs"]}


def mounts() -> dict[str, str]:
    """Path in Prometheus' container to where it comes from."""
    return {mount.split(":")[1]: mount.split(":")[0] for mount in COMPOSE["services"]["prometheus"]["volumes"]}


def test_each_service_is_scraped_where_it_listens() -> None:
    assert set(SCRAPED) == {"ingest", "processors", "query"}
    for name, job in SCRAPED.items():
        assert set(job) == {"job_name", "authorization", "static_configs"}, "its signals are at /metrics"
        token = COMPOSE["services"][name]["environment"]["SOJOURN_METRICS_TOKEN_FILE"]
        assert token == f"{DATA}/{SHARED}/{METRICS}", "where setup writes it"
        (mounted,) = [path for path, source in mounts().items() if source == "settings"]
        assert job["authorization"] == {"credentials_file": f"{mounted}/{SHARED}/{METRICS}"}
        assert job["static_configs"] == [{"targets": [f"{name}:{COMMANDS[name].port}"]}]
        assert name in COMPOSE["services"]


def test_the_jobs_of_the_tenants_are_where_setup_writes_them(tmp_path: Path) -> None:
    (found,) = CONFIG["scrape_config_files"]
    where = mounts()
    (mounted,) = [path for path in where if found.startswith(path + "/")]
    assert f"{where[mounted]}:{DATA}" in COMPOSE["x-sojourn"]["volumes"], "the volume that setup writes to"
    assert found == f"{mounted}/{SHARED}/{JOBS}"
    write(tmp_path, [Tenant(id="shop", read_tokens=("rt_shop",))], "query:8081")
    (job,) = yaml.safe_load((tmp_path / JOBS).read_text())["scrape_configs"]
    assert not job["authorization"]["credentials_file"].startswith("/"), "relative to the jobs' own file"


def test_the_rules_are_where_the_configuration_looks_for_them() -> None:
    for name in CONFIG["rule_files"]:
        assert mounts()[f"/etc/prometheus/{name}"] == f"./prometheus/{name}"
    command = COMPOSE["services"]["prometheus"]["command"]
    (config,) = [flag.partition("=")[2] for flag in command if flag.startswith("--config.file=")]
    assert mounts()[config] == "./prometheus/prometheus.yml"


@pytest.mark.parametrize("name", RULES)
def test_an_alert_asks_for_what_there_is(name: str) -> None:
    rule = RULES[name]
    found = used(rule["expr"])
    for label, sign, value in found.compared:
        if label == "job":
            jobs = [*SCRAPED, f"{JOB}shop"]
            assert sign == "=~"
            assert any(re.fullmatch(value, job) for job in jobs)
            assert not all(re.fullmatch(value, job) for job in jobs)
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    said = rule["annotations"]["summary"]
    shown = set(re.findall(r"\{\{ \$labels\.(\w+) \}\}", said))
    kept = set(found.grouped) if found.grouped else found.labels
    aggregated = re.match(r"\s*(min|max|absent)\(", rule["expr"])
    assert shown <= (set() if aggregated else kept), "a label that the result does not have is an empty word"
    assert said.count("{{") == len(re.findall(r"\{\{ \$(labels\.\w+|value( \| humanize(Duration)?)?) \}\}", said))


def test_there_is_an_alert_for_each_thing_that_goes_wrong() -> None:
    asked = {series for rule in RULES.values() for series in used(rule["expr"]).series}
    assert asked >= {
        "up",
        "sojourn_ready",
        "sojourn_log_ready",
        "sojourn_watermark_age_seconds",
        "sojourn_log_lag_records",
        "sojourn_dead_letters_total",
        "sojourn_store_insert_failures_total",
        "sojourn_value_version_seconds",
    }


@pytest.mark.parametrize(
    "expr",
    [
        "sojourn_nothing > 0",
        'sojourn_ready{reason="x"}',
        "sum by (reason) (sojourn_ready)",
        "sojourn_http_request_seconds > 1",
        "average(sojourn_ready)",
        "rate(sojourn_ready[soon])",
    ],
)
def test_a_mistyped_expression_is_noticed(expr: str) -> None:
    with pytest.raises(AssertionError):
        used(expr)
    assert "sojourn_ready" in KNOWN
