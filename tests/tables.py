"""Prints what tests have measured at the end of a run: `record_property(TABLE, …)`, a header and a line below it."""

from __future__ import annotations

import pytest

TABLE = "table"
_lines: dict[str, list[str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for name, text in report.user_properties:
            if name == TABLE:
                header, _, lines = str(text).partition("\n")
                _lines.setdefault(header, []).append(lines)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tables of the same columns are one."""
    for header, lines in _lines.items():
        terminalreporter.write_line("\n".join([header, *lines]))
