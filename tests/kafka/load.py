"""Clients that append lines of their own without a pause, and remember what they were told of each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from schemas.ports import Log, LogUnavailable
from schemas.record import Frame


class Clients:
    """Each line is appended once, whatever the answer: so what is in the log twice was written twice by the log."""

    def __init__(self, log: Log, count: int = 32) -> None:
        self.acknowledged: set[bytes] = set()
        self.refused = 0
        self.slowest = 0.0
        self._log = log
        self._count = count

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._client(number)) for number in range(self._count)]
        self._going = True
        try:
            yield
        finally:
            self._going = False
            await asyncio.gather(*tasks)

    async def _client(self, number: int) -> None:
        turn = 0
        while self._going:
            turn += 1
            line = b"%d-%d" % (number, turn)
            began = time.perf_counter()
            try:
                await self._log.append(Frame(time.time_ns() // 1_000_000, [line + b" " * 200]))
                self.acknowledged.add(line)
            except LogUnavailable:
                self.refused += 1
                await asyncio.sleep(0.02)
            self.slowest = max(self.slowest, time.perf_counter() - began)
            await asyncio.sleep(0.005)

    def account(self, lines: Iterable[bytes]) -> tuple[int, int]:
        """How many acknowledged lines are missing, and how many copies are too many, of what the log has now."""
        copies = Counter(line.rstrip() for line in lines)
        return len(self.acknowledged - copies.keys()), copies.total() - len(copies)
