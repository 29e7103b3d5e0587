"""Says how far the history is: a bar where somebody watches, a line now and then where a log is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

WIDTH = 30
LINE_SECONDS = 5.0


@dataclass(slots=True)
class Progress:
    """Progress over `days`, told to `out`."""

    days: int
    out: TextIO
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._told = self.clock()

    def show(self, done: int, events: int) -> None:
        """So many days are done, with so many events in all."""
        now = self.clock()
        rate = events / max(now - self._began, 0.001)
        text = f"demo: {done} of {self.days} days, {events:,} events, {rate:,.0f}/s"
        if self.out.isatty():
            filled = WIDTH * done // max(1, self.days)
            end = "\n" if done >= self.days else ""
            self.out.write(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {text}\x1b[K{end}")
        elif now - self._told >= LINE_SECONDS or done >= self.days:
            self._told = now
            self.out.write(text + "\n")
        self.out.flush()
