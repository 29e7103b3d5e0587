"""A ClickHouse server behind TLS, with a certificate that no known authority has signed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.store import ClickHouseStore
from schemas import settings
from schemas.ports import StoreUnavailable
from tests.certificates import for_this_machine

pytestmark = pytest.mark.engine


@contextlib.asynccontextmanager
async def terminating(server: Path, port: int) -> AsyncIterator[int]:
    """The port at which TLS ends before another port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server)

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(passed_on(reader, before), passed_on(behind, writer))

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def test_the_store_is_known_by_the_authority_that_is_named_and_by_no_other(
    server_dsn: str, tmp_path: Path
) -> None:
    authority, server = for_this_machine(tmp_path)
    port = urlsplit(server_dsn).port
    assert port is not None
    async with terminating(server, port) as secured:
        environment = {"SOJOURN_STORE_DSN": f"https://default:@127.0.0.1:{secured}/default"}
        named = ClickHouseStore(settings.read({**environment, "SOJOURN_STORE_CA": str(authority)}).store_dsn)
        other = ClickHouseStore(settings.read(environment).store_dsn)
        try:
            assert await named.query("SELECT 1") == [(1,)]
            with pytest.raises(StoreUnavailable, match="certificate"):
                await other.query("SELECT 1")
        finally:
            await named.close()
            await other.close()
