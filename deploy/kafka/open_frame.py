"""What waits to be written to Kafka: many appends that leave together as one record, each with its own waiter.

Pure bookkeeping without a socket or a clock: what is waiting, in which order, how large, since when, and who is told
when it is settled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from schemas.ports import LogUnavailable
from schemas.record import Frame

FRAME_BYTES = 256 << 10
"""A record is cut here; a single line that is larger travels alone."""


class Append:
    """One caller that waits. It is acknowledged when all parts of its frame are, and fails with the first that does."""

    __slots__ = ("at", "done", "parts")

    def __init__(self, done: asyncio.Future[None], at: float) -> None:
        self.done = done
        self.at = at
        self.parts = 1

    def settle(self) -> None:
        """One part is durable."""
        self.parts -= 1
        if not self.parts and not self.done.done():
            self.done.set_result(None)

    def fail(self, reason: str, retry_after: int = 2) -> None:
        """The frame, or a part of it, is not known to be durable. An answer that was given stays."""
        if not self.done.done():
            self.done.set_exception(LogUnavailable(reason, retry_after))


Piece = tuple[Frame, int, Append]
"""A frame no larger than a record, its bytes on the wire, and whoever waits for it."""


def wire_size(frame: Frame) -> int:
    """Bytes of the frame in a record, newlines included."""
    return frame.size + len(frame.records) + len(frame.dead_letters)


def split(frame: Frame, limit: int = FRAME_BYTES) -> list[Frame]:
    """The frame, cut between lines so that no part exceeds the limit unless one line does."""
    parts: list[Frame] = []
    size = limit
    for letter, line in chain(((False, line) for line in frame.records), ((True, line) for line in frame.dead_letters)):
        size += len(line) + 1
        if size > limit:
            parts.append(Frame(frame.received_at))
            size = len(line) + 1
        (parts[-1].dead_letters if letter else parts[-1].records).append(line)
    return parts or [frame]


class Batch:
    """Pieces that travel as one record, and the frame that they make; without pieces it is a heartbeat."""

    __slots__ = ("frame", "oldest", "pieces", "size")

    def __init__(self, pieces: Sequence[Piece], received_at: int = 0) -> None:
        self.pieces = pieces
        self.size = sum(size for _, size, _ in pieces)
        self.oldest = min((append.at for _, _, append in pieces), default=float("inf"))
        if len(pieces) == 1:
            self.frame = pieces[0][0]
        else:
            self.frame = Frame(
                min((frame.received_at for frame, _, _ in pieces), default=received_at),
                [line for frame, _, _ in pieces for line in frame.records],
                [line for frame, _, _ in pieces for line in frame.dead_letters],
            )

    @property
    def heartbeat(self) -> bool:
        return not self.pieces

    def settle(self) -> None:
        """The record is durable."""
        for _, _, append in self.pieces:
            append.settle()

    def fail(self, reason: str, retry_after: int = 2) -> None:
        """Nobody knows whether the record will be durable."""
        for _, _, append in self.pieces:
            append.fail(reason, retry_after)

    def expire(self, before: float, reason: str) -> None:
        """Fail whoever waits since `before` or longer; the record itself travels on."""
        if self.oldest > before:
            return
        self.oldest = float("inf")
        for _, _, append in self.pieces:
            if append.at <= before:
                append.fail(reason)
            elif append.at < self.oldest:
                self.oldest = append.at


class OpenFrame:
    """Pieces that have not been handed to Kafka, oldest first."""

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque()
        self._alone: deque[Piece] = deque()
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._pieces or self._alone)

    def __iter__(self) -> Iterator[Piece]:
        return chain(self._alone, self._pieces)

    @property
    def opened(self) -> float:
        """Since when the oldest piece waits."""
        return min((queue[0][2].at for queue in (self._alone, self._pieces) if queue), default=float("inf"))

    def received_at(self, now: int) -> int:
        """The oldest receipt among what waits, else `now`: what may stand in a record that overtakes it."""
        return min((frame.received_at for frame, _, _ in self), default=now)

    def add(self, frame: Frame, size: int, append: Append) -> None:
        """Let a frame wait, in parts if it is too large for one record."""
        if size <= FRAME_BYTES:
            self._pieces.append((frame, size, append))
        else:
            parts = split(frame)
            append.parts = len(parts)
            self._pieces.extend((part, wire_size(part), append) for part in parts)
        self.size += size

    def add_alone(self, pieces: Sequence[Piece]) -> None:
        """Let pieces wait again, each for a record of its own."""
        self._alone.extend(pieces)
        self.size += sum(size for _, size, _ in pieces)

    def take(self) -> Batch:
        """What leaves next as one record."""
        if self._alone:
            taken = [self._alone.popleft()]
        else:
            taken = [self._pieces.popleft()]
            size = taken[0][1]
            while self._pieces and (size := size + self._pieces[0][1]) <= FRAME_BYTES:
                taken.append(self._pieces.popleft())
        batch = Batch(taken)
        self.size -= batch.size
        return batch

    def expire(self, before: float, reason: str) -> int:
        """Drop and fail what waits since `before` or longer: it never left. Answers its bytes."""
        dropped = 0
        for queue in (self._alone, self._pieces):
            while queue and queue[0][2].at <= before:
                _, size, append = queue.popleft()
                append.fail(reason)
                dropped += size
        self.size -= dropped
        return dropped
