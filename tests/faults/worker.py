"""Test entry point of a worker process: writes down what it reads and archives, or breaks a promise on purpose.

The folder `SOJOURN_TEST_JOURNAL` gets a file per process: `read` and `archived` with partition, offset and number of
events of each frame. `SOJOURN_TEST_MUTANT` names what is broken: `commit-first` (before the insert), `drop-fold` (no
orders), `no-flush` (SIGTERM ends the process at once). Nothing of this is reachable from the product.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.worker import Edges, main
from schemas.ports import Store
from schemas.record import Frame
from stream_processors import processor
from stream_processors.delivery import Delivery
from stream_processors.processor import Refused
from stream_processors.worker import Worker

MUTANT = os.environ.get("SOJOURN_TEST_MUTANT", "")


class Journal:
    """Lines of a file that outlive the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / f"{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.frames: Sequence[Frame] = ()

    def write(self, what: str) -> None:
        lines = [f"{what} {each.partition} {each.offset} {len(each.records)}\n" for each in self.frames if each.records]
        os.write(self._file, "".join(lines).encode())


JOURNAL = Journal(Path(os.environ["SOJOURN_TEST_JOURNAL"]))


class ToldStore:
    """The real store; that the archive has taken rows is written down."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return await self._store.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        await self._store.insert(table, columns)
        if table == "events":
            JOURNAL.write("archived")


class ToldDelivery(Delivery):
    """The real delivery; what it is given is written down."""

    async def deliver(self, frames: Sequence[Frame], unread: Sequence[Refused] = ()) -> None:
        JOURNAL.frames = frames
        JOURNAL.write("read")
        await super().deliver(frames, unread)


class CommitFirst(Worker):
    """Acknowledges what is not stored yet."""

    async def _take(self, events: Sequence[Any]) -> None:
        await self._acknowledge(events)
        await asyncio.sleep(0.3)
        await super()._take(events)


class NoFlush(Worker):
    """Leaves at SIGTERM whatever it is doing."""

    async def run(self, stop: asyncio.Event) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
        await super().run(stop)


if __name__ == "__main__":
    if MUTANT == "drop-fold":
        processor.FACTS = tuple(fold for fold in processor.FACTS if fold.table.name != "orders")
    broken = {"commit-first": CommitFirst, "no-flush": NoFlush}.get(MUTANT, Worker)
    main(sys.argv[1], int(sys.argv[2]), Edges(store=ToldStore, delivery=ToldDelivery, worker=broken))
