"""What a start loads: half of its time is imports, and a test run starts a hundred processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.service import ROOT, TENANTS

STAGES = """
import asyncio, json, sys

tenants, folder = sys.argv[1:]
stages = {}
stages["the command line"] = "from deploy import cli; cli.parser()"
stages["the parent of the workers"] = "import deploy.processors"
stages["ingest"] = "import deploy.ingest_service"
stages["query"] = "import deploy.query_service"
stages["the one process"] = "import deploy.embedded"
stages["its routes"] = '''
from pathlib import Path
import query_api.app
from deploy.application import application
from deploy.inside import Visitors
from schemas.tenants import Tenants
known = Tenants(Path(tenants))
application(query_api.app.router(object(), known, lambda: 0), visitors=Visitors("", known))
'''
stages["its store"] = '''
from deploy.store import ClickHouseStore
store = ClickHouseStore(f"chdb://{folder}")
async def hold():
    await store.open()
    await store.close()
asyncio.run(hold())
'''
loaded = {}
for stage, code in stages.items():
    exec(code)
    loaded[stage] = sorted(sys.modules)
print(json.dumps(loaded))
"""
"""Each stage loads what those before it have; so all are had of one process."""

Loaded = Mapping[str, list[str]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The modules after each stage."""
    folder: Path = tmp_path_factory.mktemp("loaded")
    (folder / "tenants.json").write_text(json.dumps(TENANTS))
    command = [sys.executable, "-c", STAGES, str(folder / "tenants.json"), str(folder / "store")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: Loaded = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.engine
@pytest.mark.parametrize(
    ("stage", "without"),
    [
        ("the command line", ("pydantic", "fastapi", "deploy.demo.shop")),
        ("the parent of the workers", ("clickhouse_connect", "faust", "schemas.events", "stream_processors")),
        ("ingest", ("clickhouse_connect", "query_api.app", "query_api.contract")),
        ("query", ("chdb", "faust", "scipy")),
        ("the one process", ("chdb", "faust", "scipy")),
        ("its routes", ("pydantic.v1",)),
        ("its store", ("numpy", "pandas", "pyarrow")),
    ],
)
def test_a_start_loads_nothing_that_it_does_not_use(loaded: Loaded, stage: str, without: tuple[str, ...]) -> None:
    assert set(without) & set(loaded[stage]) == set()


def test_what_make_starts_keeps_what_python_has_compiled() -> None:
    command = ["make", "--no-print-directory", "--eval=shown: ; @env", "shown"]
    given = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SOJOURN_PORT": "1"}
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=given).stdout
    assert "SOJOURN_PORT=1\n" in shown
    assert "PYTHONDONTWRITEBYTECODE" not in shown
