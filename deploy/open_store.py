"""The store as a service opens it: migrated, and each failure one clear line."""

from __future__ import annotations

from contextlib import AsyncExitStack

from deploy.migrate import MigrationRefused, migrate
from deploy.opening import is_embedded, lock_folder, without_password
from deploy.questions import open_for_questions
from deploy.refusal import CannotStart
from deploy.store import ClickHouseStore
from deploy.unreadable import free_own_tables
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.settings import Settings
from stream_processors.rebuild import settle_empty


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
        await _settle_empty(store)
    except MigrationRefused as error:
        raise CannotStart(str(error)) from error
    except ImportError as error:  # the image of the separate services leaves the engine out
        raise CannotStart(f"{where} cannot be opened: chDB is not installed here") from error
    except (StoreRejected, StoreUnavailable) as error:
        if isinstance(error, StoreUnavailable) and not store.embedded:
            raise StoreUnavailable(f"{where} does not answer: {error}") from error
        raise CannotStart(f"{where} cannot be opened: {error}") from error
    return store, applied


async def _settle_empty(store: ClickHouseStore) -> None:
    try:
        await settle_empty(store)
    except StoreRejected:
        await free_own_tables(store)
        await settle_empty(store)


async def migrate_only(settings: Settings) -> int:
    """`sojourn migrate`: answers how many statements were applied. Raises `CannotStart`, `StoreUnavailable`.

    The folder of chDB belongs to one process; a server takes any number of these at once.
    """
    async with AsyncExitStack() as stack:
        if is_embedded(settings):
            lock_folder(settings, stack)
        return (await open_store(settings, stack))[1]
