"""The store behind `schemas.ports.Store`: chDB in this process or a ClickHouse server, through the same client.

The client is synchronous and serialises calls on its own lock, so every thread of a small pool has its own (measured:
2.4 times the queries of a shared one). Inserts have their own pool, so that no read can hold up an acknowledgement.
This is the only module that imports the client, and it decides which of the engine's errors pass by themselves.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import clickhouse_connect
import urllib3.exceptions
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError

from deploy import chdb_library
from deploy.bounded_reads import Reads, Stopper, bounded, memory_of_a_statement
from schemas import signals
from schemas.ports import QuestionTooLarge, StoreRejected, StoreUnavailable
from schemas.signals import Histogram
from schemas.tables import TABLES

# The client looks whether rows are an array of numpy or a frame of pandas, which are installed because other things ask
# for them; loading them only for that took more than a second of every start. This says, as the client itself does,
# that there are none.
options.np = options.pd = options.pd_time_test = None

T = TypeVar("T")
DATABASE = "sojourn"
MAX_WAITING = 256
"""Calls that may wait for a thread of one pool; the next one is refused, so that memory stays bounded."""
KEEP_FREE = 0.02
"""Share of the store's disk below which it refuses inserts, which wait (503): the merges under way need the room. On a
disk that another program had filled to the last byte the engine committed a merged part with an empty file, and every
later read of it failed [measured].
"""
PASSING = {
    74: "cannot read from file",
    75: "cannot write to file",
    76: "cannot open file",
    159: "timeout exceeded",
    160: "too slow",
    193: "wrong password",
    194: "password required",
    198: "DNS",
    202: "too many simultaneous queries",
    203: "no free connection",
    209: "socket timeout",
    210: "network",
    225: "no keeper",
    236: "aborted",
    241: "memory limit",
    242: "table is read-only",
    243: "no space on disk",
    252: "too many parts",
    279: "all connections failed",
    285: "too few live replicas",
    286: "quorum not met",
    307: "too many bytes",
    319: "unknown status of insert",
    394: "query was cancelled",
    396: "result too large",
    516: "authentication failed",
    999: "keeper",
    1000: "network or file system",
    1001: "file system",
}
"""Engine errors after which the same call may succeed: nothing is wrong with the rows."""
REPAIRABLE = {
    16: "no such column",
    60: "unknown table",
    81: "unknown database",
    115: "unknown setting",
    164: "read only",
    192: "unknown user",
    201: "quota exceeded",
    218: "table is dropped",
    452: "setting constraint",
    497: "access denied",
}
"""Engine errors of an insert that a migration or a person can repair: the rows wait and are never given up for them."""
TOO_LARGE = {
    158: "too many rows",
    159: "timeout exceeded",
    160: "too slow",
    241: "memory limit",
    307: "too many bytes",
    396: "result too large",
}
"""Engine errors of a question that needs more than one statement may; memory only where the limit was the query's."""
OF_THE_QUERY = "Query memory limit"
FILE_MISSING = 107
UNREADABLE = {
    33: "file ends early",
    40: "checksum does not match",
    FILE_MISSING: "no such file",
    226: "no file in part",
    228: "file of another size",
    246: "corrupted data",
    271: "cannot decompress",
    432: "unknown codec",
}
"""Engine errors that come of a part whose bytes have changed or whose files are gone [measured with a changed byte, a
cut and a removed file, of values and of marks, in wide and in compact parts]. The engine counts them in
`system.errors`, whichever statement of whichever process came upon them.
"""
_UNCOUNTED = 1001, "No such file or directory"
"""A removed file of marks: an exception of the standard library, of which the engine keeps no count [measured]."""
_COUNT = (
    "SELECT throwIf(1, 'a file of a part is missing', toInt16({code})) SETTINGS allow_custom_error_code_in_throwif = 1"
)
BROKEN = (OSError, EOFError, RuntimeError, urllib3.exceptions.HTTPError)
"""How an answer that breaks off shows itself, beside the client's own exceptions (RuntimeError: what unpacks it)."""
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


def translate(error: Exception, *, inserting: bool = False, asking: bool = False) -> Exception:
    """The port's exception for one of the client's or the engine's."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    code = getattr(error, "code", None)
    if asking and code in TOO_LARGE and (code != 241 or OF_THE_QUERY in text):
        return QuestionTooLarge(text)
    if code in PASSING or "No space left on device" in str(error) or (inserting and code in REPAIRABLE):
        return StoreUnavailable(text)
    if isinstance(error, BROKEN):
        return StoreUnavailable(text)
    if code is not None or isinstance(error, (DataError, ProgrammingError, TypeError, ValueError, OverflowError)):
        return StoreRejected(text)
    if isinstance(error, ClickHouseError):  # no code: the transport failed, not the statement
        return StoreUnavailable(text)
    return error


class Pool:
    """A few threads with one client each; at most `MAX_WAITING` calls wait, none of them longer than `seconds`."""

    def __init__(
        self,
        name: str,
        threads: int,
        connect: Callable[[], Client],
        *,
        seconds: float | None = None,
        inserting: bool = False,
        asking: bool = False,
    ) -> None:
        self._connect = connect
        self._seconds = seconds
        self._asking = asking
        self._translate = partial(translate, inserting=inserting, asking=asking)
        self._local = threading.local()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._clients: list[Client] = []
        self.waiting = 0
        self.seconds = Histogram()

    async def run(self, work: Callable[[Client], T], abandoned: Callable[[Future[T]], None] | None = None) -> T:
        """`work` on a thread of this pool; `abandoned` is called if it has begun and nobody waits for it any more.
        Raises `StoreUnavailable`, `StoreRejected`.
        """
        if self.waiting >= MAX_WAITING:
            raise StoreUnavailable("too many calls wait for the store")
        try:
            running = self._executor.submit(self._call, work)
        except RuntimeError as error:  # "cannot schedule new futures after shutdown"
            raise StoreUnavailable("the store is closed") from error
        self.waiting += 1
        began = time.perf_counter()
        try:
            # With a silent server every thread waits for its time-out, and the calls behind them would wait for all of
            # these in turn. One that has not begun by then never runs; of one that has, nobody knows.
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(running)
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer of the store in {self._seconds} s") from error
        finally:
            self.waiting -= 1
            self.seconds.observe(time.perf_counter() - began)
            if abandoned is not None and not running.done():
                abandoned(running)

    def _call(self, work: Callable[[Client], T]) -> T:
        try:
            client: Client | None = getattr(self._local, "client", None)
            if client is None:
                client = self._open()
                self._local.client = client
                self._clients.append(client)
            return work(client)
        except (ClickHouseError, TypeError, ValueError, OverflowError, *BROKEN) as error:
            if getattr(error, "code", None) == _UNCOUNTED[0] and _UNCOUNTED[1] in str(error):
                self._have_it_counted()
            if self._asking:
                self._forget()
            raise self._translate(error) from error

    def _have_it_counted(self) -> None:
        """Have the engine count a missing file among its errors, where the process looks that makes rows again."""
        with suppress(ClickHouseError, *BROKEN):
            self._local.client.query(_COUNT.format(code=FILE_MISSING))

    def _forget(self) -> None:
        """Of an answer that failed half-way the embedded engine hands the first half to the connection's next statement
        [measured]: the next one has a new connection.
        """
        client: Client | None = getattr(self._local, "client", None)
        if client is not None:
            self._local.client = None
            self._clients.remove(client)
            client.close()

    def _open(self) -> Client:
        """A database that is missing, a wrong password, a folder that another process has: a person can repair it."""
        try:
            return self._connect()
        except (ClickHouseError, *BROKEN) as error:
            raise StoreUnavailable(str(error).strip() or type(error).__name__) from error

    def close(self) -> None:
        """Wait for what runs, then close the clients."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            client.close()


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
