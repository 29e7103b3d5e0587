"""What the separate services say, in one line and with exit code 2, when something that they need is missing; a usual
run draws a few of the cases, as each is a start.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rotation import some
from tests.service import TENANTS, Service

pytestmark = pytest.mark.e2e

KAFKA = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
SERVER = {"SOJOURN_STORE_DSN": "http://sojourn:hidden@127.0.0.1:9/sojourn"}


SERVICES = [("ingest", KAFKA), ("query", SERVER)]
MISSING: list[tuple[str, dict[str, str], str]] = [
    ("ingest", {}, "KAFKA_BOOTSTRAP_SERVERS is not set"),
    ("topics", {}, "KAFKA_BOOTSTRAP_SERVERS is not set"),
    ("processors", SERVER, "KAFKA_BOOTSTRAP_SERVERS is not set"),
    ("setup", SERVER, "KAFKA_BOOTSTRAP_SERVERS is not set"),
    ("setup", KAFKA, "SOJOURN_STORE_DSN has to name a ClickHouse server"),
    ("processors", KAFKA, "SOJOURN_STORE_DSN has to name a ClickHouse server"),
    ("query", {}, "belongs to one process"),
    ("query", {"SOJOURN_STORE_DSN": "postgres://u:hidden@h/d"}, "has to name a ClickHouse server"),
    ("serve", KAFKA, "`sojourn ingest`, `sojourn processors` and `sojourn query`"),
    ("ingest", KAFKA | {"SOJOURN_DRAIN_SECONDS": "5"}, "SOJOURN_DRAIN_SECONDS (5) has to be more than"),
]


@pytest.mark.parametrize(("command", "environment", "told"), some(MISSING, 4, "what is missing"))
def test_what_is_missing_is_named(command: str, environment: dict[str, str], told: str, tmp_path: Path) -> None:
    service = Service(tmp_path / "data", arguments=(command,), environment=environment)
    assert service.spawn().wait(60) == 2
    (line,) = service.output.strip().splitlines()
    assert line.startswith("sojourn: ")
    assert told in line
    assert "hidden" not in line


@pytest.mark.parametrize(("command", "environment"), some(SERVICES, 1, "without tenants"))
def test_a_service_makes_no_tenants_of_its_own(command: str, environment: dict[str, str], tmp_path: Path) -> None:
    service = Service(tmp_path / "data", arguments=(command,), environment=environment, tenants=None)
    assert service.spawn().wait(60) == 2
    (line,) = service.output.strip().splitlines()
    assert "there is no tenants file" in line
    assert "sojourn setup" in line
    assert not (tmp_path / "data/tenants.json").exists()


@pytest.mark.parametrize(("command", "environment"), some(SERVICES, 1, "a port in use"))
def test_a_port_in_use_is_one_clear_line(command: str, environment: dict[str, str], tmp_path: Path) -> None:
    first = Service(tmp_path / "first", arguments=(command,), environment=environment, tenants=TENANTS)
    first.spawn()
    try:
        while "is running at" not in first.output:
            assert first.process is not None
            assert first.process.poll() is None, first.output
        taken = {**environment, "SOJOURN_PORT": str(first.port)}
        second = Service(tmp_path / "second", arguments=(command,), environment=taken)
        assert second.spawn().wait(60) == 2
        assert "is in use (choose another with SOJOURN_PORT)" in second.output
    finally:
        first.kill()
