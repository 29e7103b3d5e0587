"""Producers in use: which one is, how the next takes its place, and what is on its way with each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any

from deploy.kafka.open_frame import Batch
from deploy.kafka.producer import NotConnected, Producer

logger = logging.getLogger(__name__)

RECONNECT_SECONDS = 0.5
RETIREMENT_SECONDS = 10.0
"""How long a replaced producer may go on with what it has on its way."""
CLOSE_SECONDS = 0.5


class Link:
    """Which partitions of a producer have an unacknowledged record, or must not be used with it any more."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.partitions = producer.partitions()
        self.busy: set[int] = set()
        self.flights: set[Flight] = set()
        self._turn = 0

    def free(self) -> int | None:
        """The next partition in turn that may be used, if there is one."""
        for _ in self.partitions:
            self._turn = (self._turn + 1) % len(self.partitions)
            if self.partitions[self._turn] not in self.busy:
                return self.partitions[self._turn]
        return None


class Flight:
    """A record on its way; `fly` sends it, in a task of its own."""

    __slots__ = ("batch", "link", "partition", "task")

    def __init__(
        self, batch: Batch, link: Link, partition: int, fly: Callable[[Flight], Coroutine[Any, Any, None]]
    ) -> None:
        self.batch = batch
        self.link = link
        self.partition = partition
        self.task = asyncio.create_task(fly(self), context=Context())  # of many requests, no one's context


class Connections:
    """The present producer, if there is one, the next, and those that end. `connected` and `failed` are told."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Producer]],
        connected: Callable[[Link], None],
        failed: Callable[[str], None],
    ) -> None:
        self.link: Link | None = None
        self.made_at = float("-inf")
        self._connect = connect
        self._connected = connected
        self._failed = failed
        self._connecting: asyncio.Task[None] | None = None
        self._retiring: dict[Link, asyncio.Task[None]] = {}

    def renew(self) -> None:
        """Put a new producer in the place of the present one, which goes on until then; try until it succeeds."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._run(), name="kafka log: connect", context=Context())

    def drop(self) -> None:
        """Use the present producer no more, and make a new one."""
        if self.link is not None:
            self._retire(self.link)
            self.link = None
        self.renew()

    async def close(self) -> None:
        """End all producers, whatever they are doing; bounded by about `CLOSE_SECONDS`."""
        links = [*self._retiring, *([self.link] if self.link else [])]
        tasks = [*self._retiring.values(), *([self._connecting] if self._connecting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(link.producer.close(CLOSE_SECONDS) for link in links))

    async def _run(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self.made_at + RECONNECT_SECONDS - asyncio.get_running_loop().time())
            self.made_at = asyncio.get_running_loop().time()
            try:
                link = Link(await self._connect())
                break
            except NotConnected as error:
                if str(error) != told:
                    told = str(error)
                    logger.warning("%s; trying again", told)
                self._failed(told)
        if self.link is not None:
            self._retire(self.link)
        self.link = link
        self.made_at = asyncio.get_running_loop().time()
        self._connected(link)

    def _retire(self, link: Link) -> None:
        self._retiring[link] = asyncio.create_task(self._end(link), name="kafka log: retire", context=Context())

    async def _end(self, link: Link) -> None:
        if flying := [flight.task for flight in link.flights]:
            await asyncio.wait(flying, timeout=RETIREMENT_SECONDS)
        await link.producer.close(CLOSE_SECONDS)
        self._retiring.pop(link, None)
