"""A test run over several workers: who runs what, what takes too long, and what is said of Kafka in the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kafka.presence import REQUIRED
from tests.service import ROOT

PLUGINS = ("rotation", "distribution", "duration", "kafka.reporting")
FILE = """
import os, time
import pytest
from tests.kafka.presence import missing, seen

@pytest.fixture(scope="module")
def worker():
    seen("made up", f"by {os.environ['PYTEST_XDIST_WORKER']}")
    return os.environ["PYTEST_XDIST_WORKER"]

@pytest.fixture
def kafka(worker):
    return worker

@pytest.mark.parametrize("number", range(4))
def test_alone(worker, number):
    print(f"{__file__} ran on {worker}")

@pytest.mark.parametrize("number", range(3))
def test_broker(kafka, number):
    print(f"a broker ran on {kafka}")
"""
LONG = """
import time
import pytest

def test_waits():
    time.sleep(0.3)

@pytest.mark.long
def test_waits_on_purpose():
    time.sleep(0.3)
"""
SKIPPED = """
import pytest
from tests.kafka.jars import NoKafka
from tests.kafka.presence import missing

@pytest.mark.kafka
def test_skipped():
    pytest.skip("for a reason")
"""


def run(folder: Path, *arguments: str, workers: int = 1, required: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the files of a folder as `make test` would run ours."""
    plugins = ["-pxdist.plugin", *(f"-ptests.{name}" for name in PLUGINS)]
    spread = (f"-n{workers}", "--no-loadscope-reorder", "-pno:cacheprovider", "-rP", *plugins)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *spread, f"--rootdir={folder}", *arguments, str(folder)],
        cwd=folder,
        env={**inherited, REQUIRED: required, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_file_has_one_worker_and_everything_with_a_kafka_has_one(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / f"test_{name}.py").write_text(FILE)
    done = run(tmp_path, workers=2)
    assert done.returncode == 0, done.stdout
    told = {line for line in done.stdout.splitlines() if " ran on gw" in line}
    assert len(told) == 4, "each file and all brokers on one"
    assert len({line[-3:] for line in told}) == 2, "and both workers had something to do"
    assert "made up, by gw" in done.stdout
    assert "9 tests ran on it, 0 skipped" in done.stdout
    assert "tests: 9 kafka in " in done.stdout
    assert ", 12 fast in " in done.stdout


def test_a_test_that_takes_too_long_fails_unless_it_is_marked(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text(LONG)
    done = run(tmp_path, "--longest=0.2")
    assert done.returncode == 1
    assert "It took 0 s, and 0.2 s is the most for a test" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_a_skipped_test_with_a_kafka_fails_the_run_where_one_is_required(
    tmp_path: Path, required: str, code: int
) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    done = run(tmp_path, required=required)
    assert done.returncode == code, done.stdout
    assert "kafka: none started: 0 tests ran on it, 1 skipped" in done.stdout
