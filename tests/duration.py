"""How long tests take: a summary of each tier, and failure of a single test that takes too long without being marked.

`--longest SECONDS` sets the limit; `make test` does. A wait of a minute is a decision, so it has to be written down:
`@pytest.mark.long`. A full run (tests/rotation.py) has no limit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator

import pytest

from tests.distribution import FAST, TIERS
from tests.rotation import full

_tests: Counter[str] = Counter()
_seconds: defaultdict[str, float] = defaultdict(float)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--longest", type=float, default=0.0, metavar="SECONDS", help="a longer test fails (0: none does)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that took too long. What starts for a whole run is the set-up of whichever test comes first."""
    report = yield
    limit: float = item.config.getoption("--longest")
    if (
        limit
        and report.when == "call"
        and report.passed
        and report.duration > limit
        and not full()
        and item.get_closest_marker("long") is None
    ):
        report.outcome = "failed"
        report.longrepr = (
            f"It took {report.duration:.0f} s, and {limit:g} s is the most for a test. "
            "Make it shorter, or mark it `long` with the reason beside it."
        )
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    tier = dict(report.user_properties).get("tier")
    if isinstance(tier, str):
        _seconds[tier] += report.duration
        if report.when == "call":
            _tests[tier] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests and seconds of each tier; with several workers the seconds add up to more than the run took."""
    parts = [f"{_tests[tier]} {tier} in {_seconds[tier]:.0f} s" for tier in (*TIERS, FAST) if tier in _seconds]
    if parts:
        terminalreporter.write_line(f"{'full run' if full() else 'tests'}: {', '.join(parts)}")
