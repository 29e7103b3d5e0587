"""Chooses what a run looks at where everything would take too long: a slice drawn by a seed that each run prints.

The seed follows the day and the commit, so that runs differ and one can be repeated: `SOJOURN_TEST_SEED=…`. With
`--full` (or `SOJOURN_TEST_FULL=1`, which is what `make test-full` sets) nothing is left out.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")
FULL, SEED = "SOJOURN_TEST_FULL", "SOJOURN_TEST_SEED"


def full() -> bool:
    """Whether this run leaves nothing out."""
    return os.environ.get(FULL) == "1"


def seed() -> int:
    """The seed of this run; workers of one run have the same, from its environment."""
    if SEED not in os.environ:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, check=False
        ).stdout
        os.environ[SEED] = str(crc32(commit + datetime.now(UTC).date().isoformat().encode()) % 100_000)
    return int(os.environ[SEED])


def draw(about: str) -> random.Random:
    """Random numbers of this run for one purpose; the same whichever tests run and in whatever order."""
    return random.Random(f"{seed()} {about}")


def some(of: Sequence[T], count: int, about: str) -> list[T]:
    """So many of them, in their order; all of them in a full run."""
    if full() or count >= len(of):
        return list(of)
    return [of[place] for place in sorted(draw(about).sample(range(len(of)), count))]


def of_each(kind: Callable[[T], object], of: Sequence[T], about: str, count: int = 1) -> list[T]:
    """So many of each kind, in their order; all of them in a full run."""
    kinds: defaultdict[object, list[int]] = defaultdict(list)
    for place, each in enumerate(of):
        kinds[kind(each)].append(place)
    drawn = [place for name, places in kinds.items() for place in some(places, count, f"{about} {name}")]
    return [of[place] for place in sorted(drawn)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="leave nothing out: long streams, every rotation and fault")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full"):
        os.environ[FULL] = "1"
    seed()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is marked `full`, unless this run is."""
    left = [] if full() else [item for item in items if item.get_closest_marker("full") is not None]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item.get_closest_marker("full") is None]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """How to repeat the run stands with each failure."""
    report = yield
    if report.failed:
        report.sections.append(("seed", repeating()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"seed: {repeating()}")


def repeating() -> str:
    """How a person runs the same again."""
    return f"{SEED}={seed()} repeats this run" + (" (all of it: --full)" if full() else "; --full leaves nothing out")
