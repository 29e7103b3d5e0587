"""What a test run says of its Kafka: which one it was, how many tests ran on it, and failure where it is required.

Tests run in worker processes and the summary is printed by another; so each report carries its tier
(tests/distribution.py), and a worker's last words the brokers that it had.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.distribution import KAFKA
from tests.kafka.presence import required, started

_counts: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if dict(report.user_properties).get("tier") == KAFKA and not hasattr(report, "wasxfail"):
        if report.skipped:
            _counts["skipped"] += 1
        elif report.when == "call":
            _counts["ran"] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[KAFKA] = sorted(started)
    if required() and _counts["skipped"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker had seen; one that crashed has no last words."""
    started.update(getattr(node, "workeroutput", {}).get(KAFKA, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, which `.ci/run` reads."""
    if _counts:
        which = "; ".join(sorted(started)) or "none started"
        line = f"kafka: {which}: {_counts['ran']} tests ran on it, {_counts['skipped']} skipped"
        terminalreporter.write_line(line, red=required() and _counts["skipped"] > 0)
