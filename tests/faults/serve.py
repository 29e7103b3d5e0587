"""Test entry point: `sojourn serve` with a store that refuses on command, or with a broken promise put in on purpose.

The file named by SOJOURN_TEST_FAULTS says which: `refuse` (every insert fails), `mutant` (acknowledge before the
insert), both or nothing. It is read before every insert. Nothing of this is reachable from the product.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy import embedded
from deploy.in_process_log import Write
from schemas import settings
from schemas.ports import Store, StoreUnavailable
from schemas.record import Frame

FAULTS = Path(os.environ["SOJOURN_TEST_FAULTS"])


def faults() -> set[str]:
    return set(FAULTS.read_text().split()) if FAULTS.exists() else set()


class RefusingStore:
    """The real store, whose inserts fail while the file says so."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return await self._store.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        if "refuse" in faults():
            raise StoreUnavailable("no space on disk (test)")
        await self._store.insert(table, columns)


def mutant(write: Write) -> Write:
    """A log that answers before anything is stored: the fault run must find it out."""
    if "mutant" not in faults():
        return write
    later: set[asyncio.Task[None]] = set()
    turn = asyncio.Lock()

    async def store(frames: list[Frame]) -> None:
        await asyncio.sleep(0.2)
        async with turn:
            await write(frames)

    async def acknowledge_first(frames: list[Frame]) -> dict[bytes, str]:
        task = asyncio.create_task(store(frames))
        later.add(task)
        task.add_done_callback(later.discard)
        return {}

    return acknowledge_first


if __name__ == "__main__":
    embedded.run(settings.read(os.environ), embedded.Edges(store=RefusingStore, write=mutant))
