"""Turns are fair between tenants, few of one tenant, and none is lost with a caller that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from query_api.turns import Full, Turns


class Work:
    """Calls that hold their turn until they are let go, in the order in which they began."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.may_end = asyncio.Event()

    def call(self, tenant: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._hold(tenant))

    async def _hold(self, tenant: str) -> None:
        async with self.turns.turn(tenant):
            self.begun.append(tenant)
            await self.may_end.wait()


async def settle(condition: Callable[[], bool] = lambda: False) -> None:
    for _ in range(20):
        if condition():
            return
        await asyncio.sleep(0)


async def test_a_tenant_with_many_calls_is_one_in_the_rotation() -> None:
    work = Work(Turns(1, 1))
    calls = [work.call(tenant) for tenant in "aaaabbc"]
    await settle()
    work.may_end.set()
    await asyncio.gather(*calls)
    assert work.begun == list("abcabaa")


async def test_one_tenant_has_at_most_its_share_at_a_time_even_if_nobody_else_asks() -> None:
    work = Work(Turns(4, 2))
    calls = [work.call("a") for _ in range(5)]
    await settle()
    assert (work.begun, work.turns.running, work.turns.waiting) == (["a", "a"], 2, 3)
    other = work.call("b")
    await settle()
    assert work.begun == ["a", "a", "b"]
    work.may_end.set()
    await asyncio.gather(other, *calls)
    assert (work.turns.running, work.turns.waiting) == (0, 0)


async def test_one_more_than_may_wait_is_refused_and_others_are_not() -> None:
    work = Work(Turns(None, 1, most_waiting=1))
    calls = [work.call("a"), work.call("a")]
    await settle()
    with pytest.raises(Full):
        await work.turns.begin("a")
    await asyncio.wait_for(work.turns.begin("b"), 1)
    work.turns.end("b")
    work.may_end.set()
    await asyncio.gather(*calls)


async def test_a_caller_that_leaves_the_queue_takes_no_turn_with_it() -> None:
    work = Work(Turns(1, 1))
    first, second, third = (work.call("a") for _ in range(3))
    await settle()
    second.cancel()
    await settle(second.done)
    assert work.turns.waiting == 1
    work.may_end.set()
    await asyncio.gather(first, third)
    assert work.turns.running == 0


async def test_a_caller_that_leaves_just_as_its_turn_comes_hands_it_on() -> None:
    work = Work(Turns(1, 1))
    await work.turns.begin("a")
    second, third = work.call("a"), work.call("b")
    await settle()
    work.turns.end("a")  # the turn is the second's from here on, which has not run yet
    second.cancel()
    work.may_end.set()
    await asyncio.wait_for(third, 1)
    assert (work.begun, work.turns.running) == (["b"], 0)
