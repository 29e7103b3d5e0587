"""`sojourn query`: a ClickHouse server to HTTP. It needs neither Kafka nor a worker to run; without a worker that has
ever reported there is no watermark, and then it says so instead of giving numbers.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import uvloop

import query_api.app
from deploy import observe
from deploy.application import application
from deploy.clock import clock
from deploy.inside import Visitors
from deploy.kafka.lag import WatchedLag, watched
from deploy.losses import READ_SECONDS, Reported
from deploy.observe import Counting
from deploy.opening import need_server, open_tenants
from deploy.questions import Rest, admission, fair, open_for_questions
from deploy.repeating import Repeating
from deploy.reported_watermark import NOBODY, ReportedWatermark
from deploy.serving import listen, serve_until_told
from deploy.store import ClickHouseStore
from query_api.live import Live
from query_api.service import Lag
from schemas import signals
from schemas.quotas import Meters
from schemas.settings import Settings
from schemas.tenants import Tenants
from schemas.topics import EVENTS

logger = logging.getLogger(__name__)
WATERMARK_SECONDS = 0.25
PATIENCE_SECONDS = 5.0
"""A store that has not answered the reading of the watermark for this long is as good as gone."""


@dataclass(slots=True)
class QueryService:
    """The running parts."""

    store: ClickHouseStore
    watermark: ReportedWatermark
    watching: Repeating
    damages: Reported
    requests: Counting = field(init=False)
    meters: Meters = field(default_factory=Meters)
    draining: bool = False
    watched_lag: WatchedLag | None = None
    live: Live | None = None

    def watermark_age(self) -> float:
        """Seconds. Raises `Problem` while there is no watermark."""
        return max(0.0, (clock() - self.watermark()) / 1000)

    @property
    def lag_records(self) -> int | None:
        """None while it is unknown."""
        return self.watched_lag.records if self.watched_lag else None

    def lag(self) -> Lag:
        """What is not counted yet; how many records is unknown while Kafka does not say it."""
        return Lag(self.lag_records, self.watermark_age())

    async def not_ready(self) -> str:
        """Why no number can be given now, or ""."""
        if self.draining:
            return "stopping"
        if failing := self.watching.failing(PATIENCE_SECONDS):
            # What the engine says of it is logged; a stranger, who can ask this, may not read it.
            known = self.watermark.advice or ("it answers with an error" if self.watching.failure else failing)
            return f"the watermark cannot be read from the store: {known}"
        return NOBODY if self.watermark.at is None else ""

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells; what is unknown is left out."""
        told: dict[signals.Signal, signals.Reading] = {
            **self.requests.readings(),
            **self.store.readings(),
            **(self.live.readings() if self.live else {}),
            **self.damages.readings(),
            **self.meters.readings(),
            signals.WATERMARK_FAILURES: self.watching.failures,
        }
        if self.watermark.at is not None:
            told[signals.WATERMARK_AGE] = self.watermark_age()
        if self.lag_records is not None:
            told[signals.LAG] = self.lag_records
        return told

    def application(self, tenants: Tenants, settings: Settings) -> Counting:
        """Everything behind the port."""
        asked = fair(self.store, self.store, settings)
        self.live = query_api.app.live_numbers(asked, tenants, self.watermark, self.damages)
        self.requests = Counting(
            application(
                observe.router(self.not_ready, self.readings, damages=self.damages.lines),
                query_api.app.router(
                    asked,
                    tenants,
                    self.watermark,
                    self.lag,
                    live=self.live,
                    admission=admission(settings, self.meters),
                    beside=self.store.status,
                    damages=self.damages,
                ),
                visitors=Visitors(settings.metrics_token, tenants),
            )
        )
        return self.requests

    def drain(self) -> None:
        """Say that no more work should be sent here, and end the streams."""
        self.draining = True
        if self.live is not None:
            self.live.close()


async def serve(settings: Settings) -> None:
    """Run until told to stop. Raises `CannotStart`."""
    need_server(settings)
    async with AsyncExitStack() as stack:
        listening = listen(settings, stack)
        tenants = open_tenants(settings.tenants)
        # Not opened and not migrated here: this service only reads, and starts whether or not the store answers.
        store = open_for_questions(settings)
        stack.push_async_callback(_close, store, settings.drain_seconds)
        watermark = ReportedWatermark(store.probes, EVENTS.full_name(settings.topic_prefix))
        watching = Repeating("the watermark", watermark.read, WATERMARK_SECONDS)
        damages = Reported(store)
        service = QueryService(store, watermark, watching, damages)
        await stack.enter_async_context(watching)
        await stack.enter_async_context(Repeating("reading of lost rows", damages.read, READ_SECONDS))
        if settings.kafka:
            service.watched_lag = await watched(settings.kafka, settings.topic_prefix, settings.kafka_security, stack)

        rest = Rest()
        stack.callback(rest.end)

        def greeting(base: str) -> str:
            rest.begin()
            return f"sojourn query is running at {base}"

        await serve_until_told(
            service.application(tenants, settings),
            settings,
            listening,
            greeting=greeting,
            draining=service.drain,
        )


async def _close(store: ClickHouseStore, seconds: float) -> None:
    """A query that hangs in a dead store must not hold up the end of a process that only reads."""
    try:
        async with asyncio.timeout(seconds):
            await store.close()
    except TimeoutError:
        logger.warning("the store did not answer any more; ended without waiting for it")
        os._exit(0)  # threads cannot be cancelled, and the interpreter would wait for them


def run(settings: Settings) -> None:
    """`sojourn query`."""
    # It tells every attempt; `Repeating` tells once that the lag cannot be measured, and why.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    uvloop.run(serve(settings))
