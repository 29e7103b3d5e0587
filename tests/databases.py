"""Lends migrated, empty databases of one engine. One that comes back is emptied and lent again: to migrate costs ten
times as much. A test that changes tables, or what was applied to them, makes a database of its own.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from deploy.migrate import migrate
from deploy.store import ClickHouseStore

_free: defaultdict[tuple[str, frozenset[tuple[str, Any]]], list[ClickHouseStore]] = defaultdict(list)
"""Open ones, by engine and settings: to open one costs half as much as to migrate it."""
_TABLES = """SELECT name FROM system.tables
WHERE database = {database:String} AND endsWith(engine, 'MergeTree') AND name != 'schema_migrations'"""


@asynccontextmanager
async def own(dsn: str, *, tables: bool = True, **settings: Any) -> AsyncIterator[ClickHouseStore]:
    """A database that nothing else uses, dropped afterwards; with or without the tables of this version."""
    store = ClickHouseStore(dsn, name=f"test_{uuid.uuid4().hex}", **settings)
    await store.open()
    try:
        if tables:
            await migrate(store)
        yield store
    finally:
        await store.command(f"DROP DATABASE {store.database} SYNC")
        await store.close()


@asynccontextmanager
async def lent(dsn: str, **settings: Any) -> AsyncIterator[ClickHouseStore]:
    """An empty database with all tables, whose tables the caller leaves as they are."""
    free = _free[dsn, frozenset(settings.items())]
    if free:
        store = free.pop()
    else:
        store = ClickHouseStore(dsn, name=f"test_{uuid.uuid4().hex}", **settings)
        await store.open()
    try:
        await migrate(store)
        yield store
        for (table,) in await store.query(_TABLES, {"database": store.database}):
            await store.command(f"TRUNCATE TABLE {table}")
    except BaseException:
        await store.close()
        raise
    free.append(store)


async def close(dsn: str) -> None:
    """Close what nobody borrows any more: the engine is about to end."""
    for key in [key for key in _free if key[0] == dsn]:
        for store in _free.pop(key):
            await store.close()
