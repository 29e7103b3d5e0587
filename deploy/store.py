"""The store behind `schemas.ports.Store`: chDB in this process or a ClickHouse server, through the same client.

Inserts have their own pool, so that no read can hold up an acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client

from deploy import chdb_library
from deploy.bounded_reads import Reads, Stopper, bounded, memory_of_a_statement
from deploy.pool import Pool
from schemas import signals
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.tables import TABLES

# The client looks whether rows are an array of numpy or a frame of pandas, which are installed because other things ask
# for them; loading them only for that took more than a second of every start. This says, as the client itself does,
# that there are none.
options.np = options.pd = options.pd_time_test = None

DATABASE = "sojourn"
KEEP_FREE = 0.02
"""Share of the store's disk below which it refuses inserts, which wait (503): the merges under way need the room. On a
disk that another program had filled to the last byte the engine committed a merged part with an empty file, and every
later read of it failed [measured].
"""
ASIDE_SECONDS = 10
"""How long a probe may take, or ending a statement."""
OWN_THREADS = 2
CONNECT_SECONDS = 5
COMMAND_SECONDS = 85
MARGIN_SECONDS = 5
"""How much longer a server may be silent than it may execute, so that its own verdict comes first."""


def database(dsn: str) -> str:
    """The database that a DSN names; chDB's and the default are `sojourn`."""
    parts = urlsplit(dsn)
    return DATABASE if parts.scheme == "chdb" else parts.path.strip("/") or DATABASE


class ClickHouseStore:
    """Satisfies `schemas.ports.Store`. Open it after any fork, from within the event loop."""

    def __init__(
        self,
        dsn: str,
        *,
        name: str = "",
        query_threads: int = 4,
        statement_bytes: int = 0,
        insert_threads: int = 2,
        query_seconds: int = 30,
        insert_seconds: int = 15,
    ) -> None:
        self.dsn = dsn
        self.database = name or database(dsn)
        self.embedded = urlsplit(dsn).scheme == "chdb"
        # Relations are written once and materialised; everything else about joins stays the engine's default.
        # Comparing every two conditions took half of the time to plan a deep query, to no end [measured].
        reading = {"max_execution_time": query_seconds, "enable_materialized_cte": 1, "optimize_and_compare_chain": 0}
        asking = reading | bounded(statement_bytes or memory_of_a_statement(query_threads))
        beside = reading | {"max_execution_time": ASIDE_SECONDS}
        inserting = {
            "max_execution_time": insert_seconds,
            "async_insert": 0,
            "min_free_disk_ratio_to_perform_insert": KEEP_FREE,
        }
        changing = {"max_execution_time": COMMAND_SECONDS, "async_insert": 0, "mutations_sync": 2}
        self._stops = self._pool("stop", 1, beside)
        stopper = Stopper(self._stops)
        self._own = Reads(self._pool("read", OWN_THREADS, reading), stopper)
        self.questions = Reads(self._pool("question", query_threads, asking, asking=True), stopper)
        self.probes = Reads(self._pool("probe", 1, beside), stopper)
        self.status = Reads(self._pool("status", 1, reading), stopper)
        self._writes = self._pool("write", insert_threads, inserting, inserting=True)
        # Apart, because DDL over large tables and `INSERT … SELECT` may take what no insert may.
        self._commands = Pool("store-command", 1, lambda: self._connect(changing))
        self.inserts = 0
        self.failures = 0

    def _pool(self, name: str, threads: int, settings: Mapping[str, float], **what: bool) -> Pool:
        """Threads that give up soon after the engine should have."""
        seconds = settings["max_execution_time"] + CONNECT_SECONDS + MARGIN_SECONDS
        return Pool(f"store-{name}", threads, lambda: self._connect(settings), seconds=seconds, **what)

    def _connect(self, settings: Mapping[str, float], name: str | None = None) -> Client:
        target = name or self.database
        common: dict[str, Any] = {"tz_mode": "aware", "settings": dict(settings), "show_clickhouse_errors": True}
        if self.embedded:
            chdb_library.load()
            return clickhouse_connect.get_client(dsn=self.dsn, database=target, **common)
        parts = urlsplit(self.dsn)
        return clickhouse_connect.get_client(
            dsn=urlunsplit(parts._replace(path="")),
            database=target,
            # The client looks at the port alone: on another than 8443 it would send the password in clear.
            interface="https" if parts.scheme == "https" else None,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=settings["max_execution_time"] + MARGIN_SECONDS,
            autogenerate_session_id=False,  # a shared session refuses concurrent queries
            **common,
        )

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells of the store."""
        pools = {"query": self.questions.pool, "insert": self._writes}
        return {
            signals.INSERTS: self.inserts,
            signals.FAILURES: self.failures,
            signals.STORE_SECONDS: {call: pool.seconds for call, pool in pools.items()},
            signals.STORE_WAITING: {call: pool.waiting for call, pool in pools.items()},
        }

    async def open(self) -> None:
        """Create the database and warm the client up: the first insert of a process loads more of it."""
        creating = Pool("store-create", 1, lambda: self._connect({"max_execution_time": COMMAND_SECONDS}, "default"))
        try:
            await creating.run(lambda client: client.command(f"CREATE DATABASE IF NOT EXISTS {self.database}"))
            await self.command("CREATE TABLE IF NOT EXISTS warm_up (x UInt8) ENGINE = Null")
            await self._commands.run(  # which may take its time: on a busy machine the imports took half a minute
                lambda client: client.insert(
                    "warm_up", [[1]], column_names=["x"], column_type_names=["UInt8"], column_oriented=True
                )
            )
            await self.query("SELECT 1")
        finally:
            await asyncio.to_thread(creating.close)

    async def close(self) -> None:
        """Wait for running calls, then let the engine go."""
        reads = (self._own.pool, self.questions.pool, self.probes.pool, self.status.pool)
        for pool in (*reads, self._writes, self._commands, self._stops):
            await asyncio.to_thread(pool.close)

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """For the service's own work: not bounded as `questions` are, and never behind them."""
        return await self._own.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        types = TABLES[table].types
        names = list(columns)
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            raise StoreRejected(f"{table}: columns of different lengths {sorted(lengths)}")
        if lengths <= {0}:
            return
        data = [columns[name] for name in names]
        kinds = [types[name] for name in names]
        try:
            await self._writes.run(
                lambda client: client.insert(
                    table, data, column_names=names, column_type_names=kinds, column_oriented=True
                )
            )
        except (StoreUnavailable, StoreRejected):
            self.failures += 1
            raise
        self.inserts += 1

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """One statement that answers no rows: DDL, `INSERT … SELECT`."""
        bound = dict(parameters) if parameters else None
        await self._commands.run(lambda client: client.command(sql, parameters=bound))
