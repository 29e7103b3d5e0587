"""The one-process mode: ingest, folds and queries in one event loop, the log in memory, chDB in the data folder.

Order of a start: port, folder, store, migrations, facts of the archive's last hour folded anew (a death between archive
and facts leaves nothing apart), then HTTP. Order of a stop: readiness off, no new connections, requests in flight
finish, the log writes what waits, the store closes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import uvloop

from deploy.application import application
from deploy.folder_lock import FolderInUse, FolderLock
from deploy.in_process_log import InProcessLog, Write
from deploy.migrate import MigrationRefused, migrate
from deploy.observe import Counting
from deploy.server import PortInUse, Server, bind
from deploy.store import ClickHouseStore
from deploy.welcome import welcome
from ingest.service import Ingest
from query_api.service import Lag
from schemas import signals
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.record import Frame
from schemas.settings import Settings
from schemas.tenants import CreatedKeys, InvalidTenants, Tenants, create_default
from stream_processors.processor import Processor
from stream_processors.refold import refold

REFOLD_MS = 3_600_000
"""How much of the archive's end is folded anew at a start; a write never takes nearly as long."""


class CannotStart(Exception):
    """What a person has to put right first, in one line."""


def clock() -> int:
    """Milliseconds since 1970: the only clock of the process."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the fault tests put themselves: around the store, and between log and processor."""

    store: Callable[[ClickHouseStore], Store] = lambda store: store
    write: Callable[[Write], Write] = lambda write: write


@dataclass(slots=True)
class Service:
    """The running parts."""

    settings: Settings
    engine: ClickHouseStore
    store: Store
    edges: Edges
    requests: Counting = field(init=False)
    draining: bool = False
    accepted: int = 0
    rejected: int = 0
    log: InProcessLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = InProcessLog(
            self.edges.write(self._write),
            clock,
            settle=self._settle,
            max_pending_bytes=self.settings.pending_bytes,
        )

    async def _write(self, frames: Sequence[Frame]) -> None:
        await Processor(self.store).write(frames)
        self.accepted += sum(len(frame.records) for frame in frames)
        self.rejected += sum(len(frame.dead_letters) for frame in frames)

    async def _settle(self, since: int) -> None:
        await refold(self.store, since)

    async def refold_the_end(self) -> None:
        """Fold the last hour *of the archive* (the process may have been away for days)."""
        ((count, newest),) = await self.store.query(
            "SELECT count(), toUnixTimestamp64Milli(max(received_at)) FROM events"
        )
        if count:
            await refold(self.store, newest - REFOLD_MS)

    def lag(self) -> Lag:
        """What the log still holds back from the numbers."""
        return Lag(self.log.pending_records(), (clock() - self.log.watermark()) / 1000)

    async def not_ready(self) -> str:
        """Why the service cannot do its work now, or ""."""
        if self.draining:
            return "stopping"
        if not self.log.ready():
            return "the log does not take frames"
        try:
            await self.store.query("SELECT 1")
        except (StoreUnavailable, StoreRejected) as error:
            return f"the store does not answer: {error}"
        return ""

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells."""
        return {
            signals.REQUESTS: dict(self.requests.by_status),
            signals.IN_FLIGHT: self.requests.in_flight,
            signals.ACCEPTED: self.accepted,
            signals.REJECTED: self.rejected,
            signals.PENDING: self.log.pending_bytes,
            signals.INSERTS: self.engine.inserts,
            signals.FAILURES: self.engine.failures,
            signals.WATERMARK_AGE: (clock() - self.log.watermark()) / 1000,
        }

    def drain(self) -> None:
        """Say that no more work should be sent here."""
        self.draining = True


async def open_store(settings: Settings, stack: AsyncExitStack) -> tuple[ClickHouseStore, int]:
    """The store, owned by this process until `stack` closes, and how many statements it was migrated by.

    Raises `CannotStart`.
    """
    store = ClickHouseStore(
        settings.store_dsn, query_seconds=settings.query_seconds, query_threads=settings.query_threads
    )
    lock = FolderLock(settings.data)
    try:
        lock.acquire()
        stack.callback(lock.release)
        await store.open()
        stack.push_async_callback(store.close)
        applied = await migrate(store)
    except (FolderInUse, MigrationRefused) as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise CannotStart(f"the data folder {settings.data}: {error.strerror or error}") from error
    except (StoreRejected, StoreUnavailable) as error:
        raise CannotStart(f"the store {_without_password(settings.store_dsn)} cannot be opened: {error}") from error
    return store, applied


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    return str(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))


async def migrate_only(settings: Settings) -> int:
    """`sojourn migrate`: answers how many statements were applied. Raises `CannotStart`."""
    async with AsyncExitStack() as stack:
        return (await open_store(settings, stack))[1]


def open_tenants(path: Path) -> tuple[Tenants, CreatedKeys | None]:
    """The tenants, and the keys if the file was made just now. Raises `CannotStart`."""
    try:
        created = None if path.exists() else create_default(path)
        return Tenants(path), created
    except InvalidTenants as error:
        raise CannotStart(f"the tenants file {error}") from error
    except OSError as error:
        raise CannotStart(f"the tenants file {path}: {error.strerror or error}") from error


async def serve(settings: Settings, edges: Edges) -> None:
    """Run until told to stop. Raises `CannotStart`."""
    if settings.kafka:
        raise CannotStart("KAFKA_BOOTSTRAP_SERVERS is set, but services with Kafka are not there yet: unset it")
    async with AsyncExitStack() as stack:
        try:
            listening = bind(settings.host, settings.port)
        except PortInUse as error:
            raise CannotStart(str(error)) from error
        stack.callback(listening.close)
        engine, _ = await open_store(settings, stack)
        tenants, created = open_tenants(settings.tenants)
        service = Service(settings, engine, edges.store(engine), edges)
        await service.refold_the_end()
        service.requests = Counting(
            application(
                ingest_service=Ingest(service.log, tenants, clock=clock),
                store=service.store,
                tenants=tenants,
                watermark=service.log.watermark,
                lag=service.lag,
                not_ready=service.not_ready,
                readings=service.readings,
            )
        )
        stack.push_async_callback(service.log.close, settings.drain_seconds)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        base = f"http://{host}:{listening.getsockname()[1]}"
        server = Server(
            service.requests,
            drain_seconds=settings.drain_seconds,
            started=lambda: print(welcome(base, tenants.all[0], created, datetime.now(UTC)), flush=True),
            draining=service.drain,
        )
        await server.serve([listening])


def run(settings: Settings, edges: Edges | None = None) -> None:
    """`sojourn serve`."""
    uvloop.run(serve(settings, edges or Edges()))
