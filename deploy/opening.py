"""What every service opens before it serves anybody: its port, its tenants, its store; each failure one clear line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy import owner_only
from deploy.folder_lock import FolderInUse, FolderLock
from deploy.guard import Guard, Limits
from deploy.guarded import Guarded
from deploy.migrate import MigrationRefused, migrate
from deploy.observe import Counting
from deploy.questions import open_for_questions
from deploy.refusal import CannotStart
from deploy.server import PortInUse, Server, bind
from deploy.store import ClickHouseStore
from schemas import settings as declared
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.settings import Settings
from schemas.tenants import InvalidTenants, Tenants, create_default
from stream_processors.rebuild import settle_empty


def listen(settings: Settings, stack: AsyncExitStack) -> socket.socket:
    """The socket, bound until `stack` closes. Raises `CannotStart`."""
    try:
        bound = bind(settings.host, settings.port)
    except PortInUse as error:
        raise CannotStart(str(error)) from error
    stack.callback(bound.close)
    return bound


def base_url(settings: Settings, listening: socket.socket) -> str:
    """Where the service is, for a person."""
    return address(settings.host, listening.getsockname()[1])


def address(host: str, port: int) -> str:
    """Where a service that listens on `host` is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve_until_told(
    app: Counting,
    settings: Settings,
    listening: socket.socket,
    *,
    greeting: Callable[[str], str],
    draining: Callable[[], None],
    protocol: Callable[..., asyncio.Protocol] = Guarded,
) -> None:
    """Answer until SIGTERM or SIGINT. `greeting` makes what a person reads once it does, from where it is; `protocol`
    makes a connection's own, in place of uvicorn's.
    """
    base = base_url(settings, listening)
    server = Server(
        app,
        drain_seconds=settings.drain_seconds,
        started=lambda: print(greeting(base), flush=True),
        draining=draining,
        protocol=protocol,
        guard=Guard(limits(settings), app.cut),
    )
    await server.serve([listening])


def limits(settings: Settings) -> Limits:
    """The guard's limits, as far as they are settings."""
    return Limits(idle_seconds=settings.keep_alive_seconds, address_connections=settings.address_connections)


def lock_folder(settings: Settings, stack: AsyncExitStack) -> None:
    """Own the data folder until `stack` closes. Raises `CannotStart`."""
    lock = FolderLock(settings.data)
    try:
        lock.acquire()
    except FolderInUse as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise CannotStart(f"the data folder {settings.data}: {error.strerror or error}") from error
    stack.callback(lock.release)
    owner_only.close(settings.data)


async def open_store(settings: Settings, stack: AsyncExitStack) -> tuple[ClickHouseStore, int]:
    """The store, open until `stack` closes, and how many statements it was migrated by.

    Raises `CannotStart`; a server that does not answer is `StoreUnavailable`: nothing is wrong with how it was called.
    """
    store = open_for_questions(settings)
    where = f"the store {without_password(settings.store_dsn)}"
    try:
        await store.open()
        stack.push_async_callback(store.close)
        applied = await migrate(store)
        await settle_empty(store)
    except MigrationRefused as error:
        raise CannotStart(str(error)) from error
    except ImportError as error:  # the image of the separate services leaves the engine out
        raise CannotStart(f"{where} cannot be opened: chDB is not installed here") from error
    except (StoreRejected, StoreUnavailable) as error:
        if isinstance(error, StoreUnavailable) and not store.embedded:
            raise StoreUnavailable(f"{where} does not answer: {error}") from error
        raise CannotStart(f"{where} cannot be opened: {error}") from error
    return store, applied


def without_password(dsn: str) -> str:
    """A DSN that may be shown."""
    parts = urlsplit(dsn)
    *secret, address = parts.netloc.rpartition("@")
    return str(urlunsplit(parts._replace(netloc=address))) if any(secret) else dsn


async def migrate_only(settings: Settings) -> int:
    """`sojourn migrate`: answers how many statements were applied. Raises `CannotStart`, `StoreUnavailable`.

    The folder of chDB belongs to one process; a server takes any number of these at once.
    """
    async with AsyncExitStack() as stack:
        if is_embedded(settings):
            lock_folder(settings, stack)
        return (await open_store(settings, stack))[1]


def is_embedded(settings: Settings) -> bool:
    """Whether the store is chDB, inside the process that opens it."""
    return urlsplit(settings.store_dsn).scheme == "chdb"


def need_kafka(settings: Settings) -> str:
    """Kafka's address. Raises `CannotStart` if there is none."""
    if not settings.kafka:
        raise CannotStart(f"{declared.KAFKA.variable} is not set; without Kafka, `sojourn serve` runs everything")
    return settings.kafka


def need_server(settings: Settings) -> str:
    """The store's DSN. Raises `CannotStart` unless it is a server's."""
    if urlsplit(settings.store_dsn).scheme not in ("http", "https"):
        raise CannotStart(
            f"{declared.STORE_DSN.variable} has to name a ClickHouse server (http://user:password@host:8123/database): "
            f"a chDB folder ({without_password(settings.store_dsn)}) belongs to one process, which is `sojourn serve`"
        )
    return settings.store_dsn


def open_tenants(path: Path) -> Tenants:
    """The tenants of a file that exists. Raises `CannotStart`."""
    if not path.exists():
        raise CannotStart(f"there is no tenants file {path}; `sojourn setup` makes one with new keys")
    try:
        return Tenants(path)
    except InvalidTenants as error:
        raise CannotStart(f"the tenants file {error}") from error


def make_tenants(path: Path) -> bool:
    """Make a tenants file with new keys if there is none; answers whether it did. Raises `CannotStart`."""
    try:
        if path.exists():
            return False
        create_default(path)
    except FileExistsError:  # another process was faster: its keys count
        return False
    except OSError as error:
        raise CannotStart(f"the tenants file {path}: {error.strerror or error}") from error
    return True
