"""Admits questions: few of a tenant run and few wait, their statements take turns with those of other tenants, and a
question whose caller has left or whose time is over is cancelled, down to the engine.

Every question goes through here, whatever it is about; what is asked of the store in its name goes through `FairStore`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from query_api.turns import Full, Turns
from schemas.errors import Problem
from schemas.ports import Queries, Store
from schemas.quotas import Meters
from schemas.tenants import Tenant

T = TypeVar("T")
RETRY_AFTER = 5
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class CallerGone(Exception):
    """The caller closed the connection before there was an answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Questions of one tenant that run and that wait; how long one may wait, and then take (seconds)."""

    running: int = 4
    waiting: int = 32
    wait_seconds: float = 30.0
    seconds: float = 120.0


@dataclass(slots=True)
class Admission:
    """The turns of whole questions."""

    limits: Limits = field(default_factory=Limits)
    meters: Meters = field(default_factory=Meters)
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = Turns(None, self.limits.running, self.limits.waiting)

    def pay(self, tenant: Tenant, token: str) -> None:
        """Count one question against the quotas of the tenant and of the read token ("": a session). Raises `Problem`
        quota_exceeded.
        """
        meter = self.meters.of(tenant, token)
        if meter is not None:
            meter.check("questions")
            meter.take("questions", 1)

    async def answered(self, tenant: str, ask: Callable[[], Awaitable[T]], receive: Receive | None = None) -> T:
        """The answer to a question, in the tenant's turn. Raises `Problem` quota_exceeded or question_too_large,
        `CallerGone` once `receive` says so, and what `ask` raises.
        """
        question = self._in_turn(tenant, ask)
        return await (question if receive is None else _unless_gone(question, receive))

    async def _in_turn(self, tenant: str, ask: Callable[[], Awaitable[T]]) -> T:
        limits = self.limits
        try:
            async with asyncio.timeout(limits.wait_seconds):
                await self.turns.begin(tenant)
        except (Full, TimeoutError):
            raise Problem(
                "quota_exceeded",
                f"{limits.running} questions of this tenant are being answered and others wait; ask again later",
                retry_after=RETRY_AFTER,
            ) from None
        try:
            async with asyncio.timeout(limits.seconds):
                return await ask()
        except TimeoutError:
            raise too_large(f"it took longer than {limits.seconds:g} s") from None
        finally:
            self.turns.end(tenant)


def too_large(reason: str) -> Problem:
    """The refusal of a question that needs more than one may."""
    return Problem("question_too_large", f"{reason}; ask for a shorter window, fewer steps or segments")


async def _unless_gone(question: Awaitable[T], receive: Receive) -> T:
    asking = asyncio.ensure_future(question)
    gone = asyncio.ensure_future(disconnected(receive))
    try:
        await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        raise CallerGone
    finally:
        gone.cancel()
        if not asking.done():
            asking.cancel()
            await asyncio.wait({asking})


async def disconnected(receive: Receive) -> None:
    """Return once the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True)
class FairStore:
    """The store as questions see it: statements take turns by the tenant that they bind, which the compiler puts into
    every one of them; those of no tenant are the service's and take turns as one more. Rows go to `rows`.
    """

    questions: Queries
    rows: Store
    turns: Turns

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        async with self.turns.turn(str((parameters or {}).get("tenant", ""))):
            return await self.questions.query(sql, parameters)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        await self.rows.insert(table, columns)


def statement_turns(threads: int) -> Turns:
    """Turns at a store that runs so many statements at once: one tenant has at most half of them, so that another never
    waits for statements of one tenant only.
    """
    return Turns(threads, max(1, threads // 2))
