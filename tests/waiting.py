"""Waiting in a test for what becomes true by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float) -> float:
    """Return once the condition holds, with the seconds that it took. Raises `TimeoutError`."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        if loop.time() - began > seconds:
            raise TimeoutError(f"not within {seconds:g} s")
        await asyncio.sleep(0.01)
    return loop.time() - began
