"""The rolling windows beside a worker: the keeper over the store that the worker writes to, as far as it is counted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Self

from deploy.kept import KEPT
from deploy.opening import open_tenants
from deploy.refusal import CannotStart
from deploy.reported_watermark import ReportedWatermark
from deploy.store import ClickHouseStore
from query_api.rolling.keeper import Keeper
from schemas import signals
from schemas.settings import Settings
from schemas.topics import EVENTS
from stream_processors.processor import FACTS

logger = logging.getLogger(__name__)
FOLDED = {fold.table.name: fold.names for fold in FACTS}


@dataclass(slots=True)
class Keeping:
    """The keeper of one worker. It asks the store how far all workers have counted, for it has to know no more."""

    watermark: ReportedWatermark
    keeper: Keeper

    @classmethod
    def of(cls, settings: Settings, store: ClickHouseStore) -> Self | None:
        """None where nothing is to be kept, or nobody knows for whom: the worker does the rest of its work."""
        if not settings.keep_share:
            return None
        try:
            tenants = open_tenants(settings.tenants)
        except CannotStart as error:
            logger.warning("rolling windows are not published: %s", error)
            return None
        watermark = ReportedWatermark(store, EVENTS.full_name(settings.topic_prefix))
        return cls(watermark, Keeper(store, tenants, watermark, share=settings.keep_share, folded=FOLDED))

    async def tick(self) -> None:
        """Raises what the store raises."""
        await self.watermark.read()
        await self.keeper.tick()

    def told(self) -> dict[str, float]:
        """For the parent process."""
        readings = self.keeper.readings()
        told = {name: readings[signal] for name, signal in KEPT.items() if signal in readings}
        if signals.KEPT_AGE in readings:
            told["kept_age"] = readings[signals.KEPT_AGE]
        return {name: float(reading) for name, reading in told.items() if isinstance(reading, (int, float))}
