"""Work in the background: a failure is seen, counted and survived."""

from __future__ import annotations

import asyncio

from deploy.repeating import Repeating


class Work:
    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.done = 0

    async def __call__(self) -> None:
        if self.failure:
            raise self.failure
        self.done += 1


async def test_a_failure_is_shown_until_it_is_over() -> None:
    work = Work()
    repeating = Repeating("work", work, 0.1)
    assert repeating.failing(5) == "no answer yet"
    await repeating.once()
    assert repeating.failing(5) == ""
    work.failure = OSError("gone")
    await repeating.once()
    assert (repeating.failing(5), repeating.failures) == ("gone", 1)
    work.failure = None
    await repeating.once()
    assert repeating.failing(5) == ""


async def test_silence_is_a_failure_too() -> None:
    now = 0.0
    repeating = Repeating("work", Work(), 0.1, clock=lambda: now)
    await repeating.once()
    now = 6.0
    assert repeating.failing(5) == "no answer for 6 s"


async def test_it_goes_on_after_a_failure_and_ends_on_leaving() -> None:
    recovered = asyncio.Event()
    outcomes = iter([ValueError(), OSError("gone")])
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        for failure in outcomes:
            raise failure
        recovered.set()

    async with Repeating("work", work, 0.001) as repeating:
        await asyncio.wait_for(recovered.wait(), 5)
    ended_after = calls
    await asyncio.sleep(0.01)
    assert (repeating.failures, calls) == (2, ended_after)
