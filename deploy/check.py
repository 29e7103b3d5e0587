"""`sojourn check`: whether any table has lost rows; reads every part, and lists each loss that is not made good.

The services look for themselves, at start and every minute, and read the parts only when there is cause
(deploy/looking.py). The one process owns its folder, so that the command is for when it is stopped; a server can be
checked while everything goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from deploy.clock import clock
from deploy.damages import Watch
from deploy.losses import WARNED_SECONDS, described
from deploy.open_store import open_store
from deploy.opening import is_embedded, lock_folder
from schemas.damage import Damage
from schemas.settings import Settings


def losses(settings: Settings, *, accept: bool = False) -> list[str]:
    """A line for each loss. `accept`: from now on they are known and no warning any more.

    Raises `CannotStart`, `StoreUnavailable`, `StoreRejected`.
    """

    async def found() -> Sequence[Damage]:
        async with AsyncExitStack() as stack:
            if is_embedded(settings):
                lock_folder(settings, stack)
            store, _ = await open_store(settings, stack)
            watch = Watch(store, clock, warned_after=0.0 if is_embedded(settings) else WARNED_SECONDS)
            await watch.look(deep=True)
            damages = watch.open
            if accept:
                await watch.close(damages)
            return damages

    return [described(each) for each in asyncio.run(found())]
