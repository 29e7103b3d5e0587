"""Progress: a bar that overwrites itself on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import io
import itertools

from deploy.demo.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_that_ends_with_a_line() -> None:
    out = Terminal()
    progress = Progress(2, out, clock=itertools.count().__next__)
    progress.show(1, 10)
    progress.show(2, 20)
    assert out.getvalue().count("\r") == 2
    assert "[###############...............] demo: 1 of 2 days" in out.getvalue()
    assert out.getvalue().count("\n") == 1


def test_a_log_gets_plain_lines_now_and_then_and_the_last_one() -> None:
    out = io.StringIO()
    progress = Progress(100, out, clock=itertools.count().__next__)
    for done in range(1, 101):
        progress.show(done, done * 1000)
    lines = out.getvalue().splitlines()
    assert 15 <= len(lines) <= 25
    assert lines[-1].startswith("demo: 100 of 100 days, 100,000 events")
    assert "\r" not in out.getvalue()
