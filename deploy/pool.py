"""Threads that call the engine, each with a client: the client is synchronous and serialises calls on its own lock
(measured: 2.4 times the queries of a shared one).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.engine_errors import BROKEN, FILE_MISSING, translate
from schemas.ports import StoreUnavailable
from schemas.signals import Histogram

T = TypeVar("T")
MAX_WAITING = 256
"""Calls that may wait for a thread of one pool; the next one is refused, so that memory stays bounded."""
_UNCOUNTED = 1001, "No such file or directory"
"""A removed file of marks: an exception of the standard library, of which the engine keeps no count [measured]."""
_COUNT = (
    "SELECT throwIf(1, 'a file of a part is missing', toInt16({code})) SETTINGS allow_custom_error_code_in_throwif = 1"
)


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
