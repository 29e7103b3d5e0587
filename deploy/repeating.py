"""Something done again and again beside the requests; that it fails, and since when, can be seen and stops nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)


class Repeating:
    """Runs `work` every `seconds` from entering until leaving; the next one begins after the last one has ended."""

    def __init__(
        self,
        what: str,
        work: Callable[[], Awaitable[None]],
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failure = ""
        self.failures = 0
        self._what = what
        self._work = work
        self._seconds = seconds
        self._clock = clock
        self._succeeded_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    def failing(self, patience_seconds: float) -> str:
        """Why it cannot be relied upon, or "": it has failed, or has not come back for longer than one's patience."""
        if self.failure:
            return self.failure
        if self._succeeded_at is None:
            return "no answer yet"
        silent = self._clock() - self._succeeded_at
        return f"no answer for {silent:.0f} s" if silent > patience_seconds else ""

    async def once(self) -> None:
        """Do it now. Raises nothing; a new failure is logged once."""
        try:
            await self._work()
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is shown and tried again
            self.failures += 1
            text = str(error) or type(error).__name__
            if text != self.failure:
                logger.warning("%s: %s", self._what, text)
            self.failure = text
        else:
            if self.failure:
                logger.warning("%s: works again", self._what)
            self.failure, self._succeeded_at = "", self._clock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=self._what)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await self.once()
            await asyncio.sleep(self._seconds)
