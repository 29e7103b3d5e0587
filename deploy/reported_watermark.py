"""The watermark as the workers report it in the table `watermarks`, for services that see the store and not the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.errors import Problem
from schemas.ports import Queries, StoreRejected, StoreUnavailable

REPORTS = """SELECT partition, max(counted_to), max(partitions) FROM watermarks
WHERE topic = {topic:String} GROUP BY partition"""
NOBODY = "no worker has reported yet how far it has counted; start `sojourn processors`"

MIGRATE = "it has no tables of ours yet; run `sojourn migrate`"
NOT_MIGRATED = ("UNKNOWN_DATABASE", "UNKNOWN_TABLE")


def least(reports: Sequence[tuple[Any, ...]]) -> int | None:
    """Up to where all is counted, from rows of (partition, counted to, how many partitions there are).

    None while a partition has no report: what stands in it may be older than anything that was reported.
    """
    partitions = max((known for _, _, known in reports), default=0)
    if len({partition for partition, _, _ in reports}) < max(partitions, 1):
        return None
    return min(int(counted_to) for _, counted_to, _ in reports)


class ReportedWatermark:
    """What `read` has found last. It is older than every snapshot that is taken afterwards, which is all that counts
    need: the law is that it is read before anything is counted.
    """

    def __init__(self, store: Queries, topic: str) -> None:
        self.at: int | None = None
        self.advice = ""
        """What a person has to do before it can be read, if that is known."""
        self._store = store
        self._topic = topic

    async def read(self) -> None:
        """Ask the store. Raises `StoreUnavailable`, `StoreRejected`, and keeps what was known."""
        try:
            reports = await self._store.query(REPORTS, {"topic": self._topic})
        except (StoreRejected, StoreUnavailable) as error:
            self.advice = MIGRATE if any(sign in str(error) for sign in NOT_MIGRATED) else ""
            if self.advice:
                raise StoreRejected(self.advice) from error
            raise
        self.advice = ""
        found = least(reports)
        if found is not None or not reports:
            self.at = found
        # Else a partition was added and is not reported yet: what had been counted before stays counted.

    def __call__(self) -> int:
        """Milliseconds. Raises `Problem` while there is none: no number could say how far it goes."""
        if self.at is None:
            raise Problem("store_unavailable", NOBODY)
        return self.at
