"""What a test run says of its Kafka: which one it was, how many tests ran on it, and failure where it is required."""

from __future__ import annotations

import os
from collections import Counter
from typing import NoReturn

import pytest

from tests.kafka.jars import NoKafka
from tests.kafka.protocol import Versions

REQUIRED = "SOJOURN_REQUIRE_KAFKA"
FIXTURES = {"kafka", "broker", "cluster", "shared_cluster"}
_marked: set[str] = set()
_counts: Counter[str] = Counter()
_seen: set[str] = set()


def required() -> bool:
    """Whether a missing Kafka is a failure (in CI) and not a reason to skip."""
    return os.environ.get(REQUIRED) == "1"


def seen(source: str, versions: Versions) -> None:
    """A broker has started: name it at the end of the run."""
    _seen.add(f"{source}, {versions}")


def missing(reason: NoKafka) -> NoReturn:
    """Skip the test, or fail it where Kafka is required."""
    if required():
        pytest.fail(f"{REQUIRED}=1, and {reason}", pytrace=False)
    pytest.skip(f"Kafka: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for a broker is marked `kafka`; before `-m` chooses."""
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
        if item.get_closest_marker("kafka") is not None:
            _marked.add(item.nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.nodeid in _marked and not hasattr(report, "wasxfail"):
        if report.skipped:
            _counts["skipped"] += 1
        elif report.when == "call":
            _counts["ran"] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    if required() and _counts["skipped"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, which `.ci/run` reads."""
    if _counts:
        which = "; ".join(sorted(_seen)) or "none started"
        line = f"kafka: {which}: {_counts['ran']} tests ran on it, {_counts['skipped']} skipped"
        terminalreporter.write_line(line, red=required() and _counts["skipped"] > 0)
