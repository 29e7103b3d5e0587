"""Fixtures that several test directories share.

A process can open one chDB folder, so every test of one run shares it, and each gets a database of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from deploy.migrate import migrate
from deploy.store import ClickHouseStore


@pytest.fixture(scope="session")
def engine_dsn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The one store of this test run. Mark tests that use it `engine`."""
    return f"chdb://{tmp_path_factory.mktemp('engine') / 'store'}"


@pytest.fixture
async def store(engine_dsn: str) -> AsyncIterator[ClickHouseStore]:
    """A migrated, empty database, dropped afterwards."""
    opened = ClickHouseStore(engine_dsn, name=f"test_{uuid.uuid4().hex}")
    await opened.open()
    await migrate(opened)
    yield opened
    await opened.command(f"DROP DATABASE {opened.database} SYNC")
    await opened.close()
