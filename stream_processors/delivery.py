"""Gets a batch of frames into the store, whatever it takes, or says that it gave up; knows no log.

A store that is away is tried again in place, within a budget. A row that it refuses for ever becomes a dead letter and
takes no neighbour with it. When most of many frames cannot be read, nothing is stored at all: it is this version that
is wrong then, and the log must not be drained into dead letters. A frame counts once, however many lines it has, and a
bad line among good ones does not count, so that no single producer can stop a worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence

from schemas.ports import StoreUnavailable
from schemas.record import DeadLetter, Frame, Record
from schemas.signals import Histogram
from stream_processors.processor import Processor, Refused, decode
from stream_processors.refusing import LetterRefused, put_or_refuse

logger = logging.getLogger(__name__)

ENOUGH_FRAMES = 20
"""A ratio of fewer frames than this says nothing."""
REMEMBERED_FRAMES = 1_000
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

Publish = Callable[[Sequence[Refused]], Awaitable[None]]
"""Puts dead letters where operators look for them; raises `ConnectionError` when that did not work."""


class GaveUp(Exception):
    """Nothing of the batch may be acknowledged: it has to be read again, by a process that starts anew."""


class Delivery:
    """Delivers batches, one at a time."""

    def __init__(
        self,
        processor: Processor,
        publish: Publish,
        *,
        retry_seconds: float,
        undecodable_ratio: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._processor = processor
        self._publish = publish
        self._retry_seconds = retry_seconds
        self._ratio = undecodable_ratio
        self._clock = clock
        self._pause = pause
        self._now = now
        self._recent: deque[tuple[int, int]] = deque()
        self.stopping = False
        self.events = 0
        self.frames = 0
        self.retries = 0
        self.dead_letters: Counter[str] = Counter()
        self.decode_seconds = 0.0
        self.stored_after = Histogram()

    async def deliver(self, frames: Sequence[Frame], unread: Sequence[Refused] = ()) -> None:
        """Store the frames, and tell of `unread`, which was no frame. Raises `GaveUp`."""
        began = time.thread_time()
        decoded = decode(frames)
        self.decode_seconds += time.thread_time() - began
        refused = [*unread, *decoded.refused]
        self._check_ratio(len(frames) + len(unread), decoded.unreadable + len(unread))
        until = self._clock() + self._retry_seconds
        unstorable = await self._store(decoded.records, [each.letter for each in refused], until)
        if unstorable:
            if len(unstorable) * 2 > len(decoded.records):
                self._check_ratio(0, len(frames))
            await self._store([], [each.letter for each in unstorable], until)
        if letters := [*refused, *unstorable]:
            await self._persist("publishing dead letters", lambda: self._publish(letters), until)
        now = self._now()
        for frame in frames:
            self.stored_after.observe(max(0.0, now - frame.received_at / 1000))
        self.frames += len(frames) + len(unread)
        self.events += len(decoded.records) - len(unstorable)
        self.dead_letters.update(each.letter.reason for each in letters)

    def _check_ratio(self, frames: int, bad: int) -> None:
        self._recent.append((frames, bad))
        while len(self._recent) > 1 and sum(count for count, _ in self._recent) > REMEMBERED_FRAMES:
            self._recent.popleft()
        frames, bad = (sum(part) for part in zip(*self._recent, strict=True))
        if frames >= ENOUGH_FRAMES and bad / frames > self._ratio:
            raise GaveUp(
                f"{bad} of the last {frames} frames of the log cannot be processed, more than "
                f"SOJOURN_UNDECODABLE_RATIO={self._ratio:g}: probably this version is older than what is in the log; "
                "nothing was acknowledged"
            )

    async def _store(self, records: Sequence[Record], letters: Sequence[DeadLetter], until: float) -> list[Refused]:
        """Store, and answer the records that can never be. Raises `GaveUp`."""

        async def put(records: Sequence[Record], letters: Sequence[DeadLetter]) -> None:
            await self._persist("storing", lambda: self._processor.store(records, letters), until)

        try:
            return await put_or_refuse(put, records, letters)
        except LetterRefused as error:
            raise GaveUp(str(error)) from error

    async def _persist(self, what: str, work: Callable[[], Awaitable[None]], until: float) -> None:
        """Do `work` until it works. Raises `GaveUp` when the time is over, `StoreRejected`."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(max(1.0, until - self._clock())):
                    return await work()
            except (StoreUnavailable, TimeoutError, ConnectionError) as error:
                self.retries += 1
                if self.stopping or self._clock() + pause > until:
                    raise GaveUp(f"{what} did not work in {self._retry_seconds:g} s: {error!r}") from error
                logger.warning("%s failed, trying again in %g s: %s", what, pause, error)
            await self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
