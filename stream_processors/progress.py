"""How far a worker has counted each of its partitions: the watermark's raw material. Pure; time is an argument.

A partition is counted up to the receipt time of its last stored frame, and up to the moment of a look at it when that
look found nothing more in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.record import Frame
from schemas.tables import WATERMARKS

TABLE = WATERMARKS


class Progress:
    """What one worker knows of the partitions of one topic that are assigned to it."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._next: dict[int, int] = {}
        self._counted_to: dict[int, int] = {}

    def assigned(self, start: Mapping[int, int]) -> None:
        """The partitions that are assigned now, each with the offset that the group has committed."""
        self._next = {partition: max(offset, self._next.get(partition, 0)) for partition, offset in start.items()}
        self._counted_to = {p: at for p, at in self._counted_to.items() if p in start}

    def stored(self, frames: Iterable[Frame]) -> None:
        """These frames, in the order of their offsets, are in the store."""
        for frame in frames:
            if frame.partition in self._next:
                self._next[frame.partition] = max(self._next[frame.partition], frame.offset + 1)
                self._count_to(frame.partition, frame.received_at)

    def looked(self, at: int, ends: Mapping[int, int], begins: Mapping[int, int]) -> None:
        """A look that began at `at` (ms) found these end offsets; `begins` for partitions that lost their start."""
        for partition, end in ends.items():
            if partition in self._next and max(self._next[partition], begins.get(partition, 0)) >= end:
                self._count_to(partition, at)

    def behind(self, ends: Mapping[int, int]) -> list[int]:
        """Partitions that have not been read up to their end."""
        return [partition for partition, end in ends.items() if self._next.get(partition, 0) < end]

    def _count_to(self, partition: int, at: int) -> None:
        self._counted_to[partition] = max(at, self._counted_to.get(partition, 0))

    @property
    def counted_to(self) -> int | None:
        """Receipt time up to which all of this worker's partitions are counted; None while one is unknown."""
        if not self._next or set(self._counted_to) != set(self._next):
            return None
        return min(self._counted_to.values())

    def columns(self, partitions: int) -> dict[str, Sequence[Any]]:
        """Rows of the watermarks table."""
        known = sorted(self._counted_to.items())
        if not known:
            return {}
        return {
            "topic": [self._topic] * len(known),
            "partition": [partition for partition, _ in known],
            "counted_to": [at for _, at in known],
            "partitions": [partitions] * len(known),
        }
