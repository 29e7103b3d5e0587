"""The log of the one-process mode: no broker, so an append is durable once its rows are in the store.

Appends that arrive while a write runs are joined into the next one (group commit): the cost of an insert is shared by
all who wait for it, and there is never more than one write at a time. What waits is bounded in bytes; beyond it, and
whenever the store fails, the answer is `LogUnavailable`, never a loss and never a false success.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from schemas.ports import LogUnavailable, RecordsRefused, StoreRejected, StoreUnavailable
from schemas.record import Frame
from schemas.tracing import CURRENT

logger = logging.getLogger(__name__)

Write = Callable[[list[Frame]], Awaitable[Mapping[bytes, str]]]
"""Stores frames, and answers which of their records can never be, with why."""
PROBE_AFTER_MS = 2_000
"""A log whose last write failed says again that it is ready after this long, so that somebody tries."""


@dataclass(slots=True)
class Waiting:
    """A frame, and whoever waits for it to be durable."""

    frame: Frame
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class InProcessLog:
    """Satisfies `schemas.ports.Log`. `settle(since)` repairs what a failed write may have left half done."""

    def __init__(
        self,
        write: Write,
        clock: Callable[[], int],
        *,
        settle: Callable[[int], Awaitable[None]] | None = None,
        max_pending_bytes: int = 64 << 20,
        max_batch_bytes: int = 2 << 20,
        deadline_seconds: float = 5.0,
        retry_after_seconds: float = 0.25,
    ) -> None:
        self._write = write
        self._clock = clock
        self._settle = settle
        self._max_pending = max_pending_bytes
        self._max_batch = max_batch_bytes
        self._deadline = deadline_seconds
        self._pause = retry_after_seconds
        self._queue: list[Waiting] = []
        self._writing: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._failed_at: int | None = None
        self._unsettled_since: int | None = None
        self.pending_bytes = 0

    async def append(self, frame: Frame) -> None:
        if self._closed:
            raise LogUnavailable("shutting down", retry_after=1)
        if self.pending_bytes + frame.size > self._max_pending:
            raise LogUnavailable("too much waits for the store", retry_after=1)
        waiting = Waiting(frame)
        self._queue.append(waiting)
        self.pending_bytes += frame.size
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="in-process log")
        # A caller that gives up leaves its frame behind: it will be written, and nobody was told that it was.
        try:
            async with asyncio.timeout(self._deadline):
                await waiting.done
        except TimeoutError:
            raise LogUnavailable("the store did not answer in time") from None

    def ready(self) -> bool:
        failing = self._failed_at is not None and self._clock() - self._failed_at < PROBE_AFTER_MS
        return not self._closed and not failing and self.pending_bytes < self._max_pending

    def watermark(self) -> int:
        """Receipt time (ms) up to which everything received has been counted."""
        waiting = [w.frame.received_at for w in (*self._writing, *self._queue)]
        return min(waiting, default=self._clock())

    def settled(self) -> int:
        """Receipt time (ms) before which whatever may stand in the archive has its facts."""
        watermark = self.watermark()
        return watermark if self._unsettled_since is None else min(watermark, self._unsettled_since)

    def pending_records(self) -> int:
        """Events that wait for the store."""
        return sum(len(w.frame.records) for w in (*self._writing, *self._queue))

    async def close(self, seconds: float = 10.0) -> None:
        """Refuse new appends, write what waits, and fail what could not be written in time."""
        self._closed = True
        if (task := self._task) is not None:
            await asyncio.wait({task}, timeout=seconds)
            task.cancel()
        for waiting in (*self._writing, *self._queue):
            if not waiting.done.done():
                waiting.done.set_exception(LogUnavailable("shutting down", retry_after=1))
        self._queue.clear()

    async def _run(self) -> None:
        CURRENT.set("")  # of many requests, not only the one that came first
        try:
            while self._queue:
                self._writing = self._take()
                await self._commit(self._writing)
                self.pending_bytes -= sum(waiting.frame.size for waiting in self._writing)
                self._writing = []
        finally:
            self._task = None

    def _take(self) -> list[Waiting]:
        size = count = 0
        for waiting in self._queue:
            size += waiting.frame.size
            if count and size > self._max_batch:
                break
            count += 1
        batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    async def _commit(self, batch: list[Waiting]) -> None:
        error, refused = await self._attempt(batch)
        if isinstance(error, StoreUnavailable):
            await asyncio.sleep(self._pause)
            error, refused = await self._attempt(batch)
        if error is not None and not isinstance(error, StoreUnavailable) and len(batch) > 1:
            for waiting in batch:  # one frame that the store refuses must not fail its neighbours
                await self._commit([waiting])
            return
        if error is None:
            await self._succeeded()
        else:
            self._failed(batch, error)
        for waiting in batch:
            if waiting.done.done():
                continue
            if error is not None:
                waiting.done.set_exception(LogUnavailable(str(error)))
            elif own := _refused_of(waiting.frame, refused):
                waiting.done.set_exception(RecordsRefused(own))
            else:
                waiting.done.set_result(None)

    async def _attempt(self, batch: list[Waiting]) -> tuple[Exception | None, Mapping[bytes, str]]:
        try:
            return None, await self._write([waiting.frame for waiting in batch])
        except (StoreUnavailable, StoreRejected) as error:
            return error, {}
        except Exception as error:
            logger.exception("writing %d frames failed", len(batch))
            return error, {}

    def _failed(self, batch: list[Waiting], error: Exception) -> None:
        oldest = min(waiting.frame.received_at for waiting in batch)
        self._unsettled_since = oldest if self._unsettled_since is None else min(oldest, self._unsettled_since)
        self._failed_at = self._clock()
        logger.warning("the store did not take %d frames: %s", len(batch), error)

    async def _succeeded(self) -> None:
        """After an outage, fold anew what may stand in the archive without its facts, before anyone is answered."""
        self._failed_at = None
        since, self._unsettled_since = self._unsettled_since, None
        if since is None or self._settle is None:
            return
        try:
            await self._settle(since)
        except Exception:
            logger.exception("folding again after an outage failed, will retry after the next write")
            self._unsettled_since = since


def _refused_of(frame: Frame, refused: Mapping[bytes, str]) -> dict[int, str]:
    if not refused:
        return {}
    return {place: refused[line] for place, line in enumerate(frame.records) if line in refused}
