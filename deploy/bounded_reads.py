"""SELECTs as questions need them: bounded in memory and results, and ended in the engine when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from deploy.pool import Pool
from schemas.ports import StoreRejected, StoreUnavailable

logger = logging.getLogger(__name__)
MOST_ROWS, MOST_BYTES = 1_000_000, 256 * 2**20
"""The largest result of one statement of a question."""
MARK = "log_comment"
"""Setting by which a statement is found among those that run; the embedded engine lets nobody choose a query's id."""
_KILL = f"KILL QUERY WHERE Settings['{MARK}'] IN {{marks:Array(String)}} ASYNC"
STOP_SECONDS = 0.2


class Stopper:
    """Ends statements in the engine that nobody waits for any more."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._left: dict[str, Future[Any]] = {}
        self._ending: asyncio.Task[None] | None = None

    def stop(self, mark: str, running: Future[Any]) -> None:
        """End the statement that carries `mark` and runs as `running`."""
        self._left[mark] = running
        if self._ending is None or self._ending.done():
            self._ending = asyncio.create_task(self._end(), name="ending statements")

    async def _end(self) -> None:
        """Again and again: one that the engine has not begun yet cannot be found, one being planned does not hear."""
        while self._left:
            try:
                await self._pool.run(lambda client: client.query(_KILL, parameters={"marks": list(self._left)}))
            except (StoreUnavailable, StoreRejected) as error:
                logger.warning("statements that nobody waits for cannot be ended: %s", error)
                self._left.clear()
            await asyncio.sleep(STOP_SECONDS)
            self._left = {mark: running for mark, running in self._left.items() if not running.done()}


class Reads:
    """SELECTs on threads that nothing else uses; one whose caller leaves is ended in the engine."""

    def __init__(self, pool: Pool, stopper: Stopper) -> None:
        self.pool = pool
        self._stopper = stopper

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a SELECT. Raises `StoreUnavailable`, `StoreRejected`."""
        bound = dict(parameters) if parameters else None
        mark = uuid.uuid4().hex
        rows = await self.pool.run(
            lambda client: client.query(sql, parameters=bound, settings={MARK: mark}).result_rows,
            partial(self._stopper.stop, mark),
        )
        return [tuple(row) for row in rows]


def memory_of_a_statement(threads: int) -> int:
    """Bytes that one statement of a question may take: half of the memory that this process may use, in equal parts."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no such file, or no limit ("max")
        whole = min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return whole // 2 // threads


def bounded(statement_bytes: int) -> dict[str, float]:
    """Settings that bound what a question takes of the engine and of this process: what does not fit is refused, what
    can go to disk goes there in time.
    """
    return {
        "max_memory_usage": statement_bytes,
        "max_bytes_before_external_group_by": statement_bytes // 3,
        "max_bytes_before_external_sort": statement_bytes // 3,
        "max_bytes_before_external_join": statement_bytes // 3,
        "max_result_rows": MOST_ROWS,
        "max_result_bytes": min(MOST_BYTES, statement_bytes // 2),
    }
