"""Fair turns: tenants take the places of something scarce in rotation, and one tenant only a few of them at a time.

A tenant with a thousand calls waiting is one in the rotation, like a tenant with a single call. Nothing here knows what
a turn is for: a question as a whole takes one, and so does each of its statements at the store.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Full(Exception):
    """As many calls of this tenant wait as may."""


@dataclass(slots=True)
class _Lane:
    """The calls of one tenant."""

    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """`at_once` turns (None: any number), of which one tenant has at most `of_one`; of one tenant at most
    `most_waiting` calls wait (None: any number).
    """

    def __init__(self, at_once: int | None, of_one: int, most_waiting: int | None = None) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._most_waiting = most_waiting
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()
        self.running = 0

    @property
    def waiting(self) -> int:
        """How many calls wait, of all tenants."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """One turn of a tenant, for as long as the block lasts. Raises `Full`."""
        await self.begin(tenant)
        try:
            yield
        finally:
            self.end(tenant)

    async def begin(self, tenant: str) -> None:
        """Return once it is this call's turn; `end` has to follow. Raises `Full`."""
        lane = self._lanes.setdefault(tenant, _Lane())
        if not lane.waiting and self._is_free(lane):
            self._start(tenant, lane)
            return
        if self._most_waiting is not None and len(lane.waiting) >= self._most_waiting:
            raise Full
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # its turn had come just before
                self.end(tenant)
            elif turn in lane.waiting:
                lane.waiting.remove(turn)
                self._forget(tenant, lane)
            raise

    def end(self, tenant: str) -> None:
        """The turn is over: the next tenant's may begin."""
        lane = self._lanes[tenant]
        self._lanes.move_to_end(tenant)  # behind those who came while it ran
        lane.running -= 1
        self.running -= 1
        self._forget(tenant, lane)
        self._next()

    def _is_free(self, lane: _Lane) -> bool:
        return lane.running < self._of_one and (self._at_once is None or self.running < self._at_once)

    def _start(self, tenant: str, lane: _Lane) -> None:
        self._lanes.move_to_end(tenant)
        lane.running += 1
        self.running += 1

    def _next(self) -> None:
        """Give the free turns away, one a tenant, in rotation."""
        while name := next((name for name, lane in self._lanes.items() if lane.waiting and self._is_free(lane)), None):
            lane = self._lanes[name]
            turn = lane.waiting.popleft()
            if not turn.done():
                self._start(name, lane)
                turn.set_result(None)
            self._forget(name, lane)

    def _forget(self, tenant: str, lane: _Lane) -> None:
        if not lane.running and not lane.waiting:
            self._lanes.pop(tenant, None)
