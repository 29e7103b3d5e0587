"""`sojourn ingest`: HTTP to Kafka. It never asks the store: keys come from the tenants file.

Order of a stop: readiness off, no new connections, requests in flight finish (each within the log's deadline, which is
shorter than the drain), nothing more is taken, the log sends what it holds. Every step is bounded, also when the broker
is frozen; what could not be sent was answered 503.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import uvloop

import ingest.app
from deploy import observe
from deploy.application import application
from deploy.clock import clock
from deploy.direct import DirectProtocol
from deploy.inside import Visitors
from deploy.kafka.log import Connector, KafkaLog
from deploy.kafka.producer import connect
from deploy.observe import Counting
from deploy.opening import need_kafka, open_tenants
from deploy.refusal import CannotStart
from deploy.serving import listen, serve_until_told
from ingest.dispatcher import Dispatcher
from ingest.service import Ingest
from schemas import settings as declared
from schemas import signals
from schemas.ports import Log
from schemas.quotas import Meters
from schemas.record import Frame, decode_dead_letters
from schemas.settings import Settings
from schemas.tenants import Tenants

logger = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0
"""How long the log may take to send what it still holds, once nobody waits for an answer any more."""


class RunningLog(Log, Protocol):
    """A log with a life of its own."""

    @property
    def pending_bytes(self) -> int: ...

    async def start(self) -> None: ...

    async def close(self, seconds: float) -> None: ...


class Tally:
    """Satisfies `schemas.ports.Log`: passes frames on and counts what the log has taken."""

    def __init__(self, log: Log) -> None:
        self.accepted = 0
        self.dead_letters: Counter[str] = Counter()
        self._log = log

    async def append(self, frame: Frame) -> None:
        await self._log.append(frame)
        self.accepted += len(frame.records)
        self.dead_letters.update(letter.reason for letter in decode_dead_letters(frame.dead_letters))

    def ready(self) -> bool:
        return self._log.ready()


@dataclass(slots=True)
class IngestService:
    """The running parts."""

    settings: Settings
    log: RunningLog
    tenants: Tenants
    tally: Tally = field(init=False)
    ingest: Ingest = field(init=False)
    requests: Counting = field(init=False)
    draining: bool = False
    meters: Meters = field(default_factory=Meters)

    def __post_init__(self) -> None:
        self.tally = Tally(self.log)
        self.ingest = Ingest(
            self.tally,
            self.tenants,
            clock=clock,
            max_pending_bytes=self.settings.pending_bytes,
            meters=self.meters,
        )
        app = application(
            observe.router(self.not_ready, self.readings),
            ingest.app.router(self.ingest),
            visitors=Visitors(self.settings.metrics_token, self.tenants),
        )
        self.requests = Counting(Dispatcher(app, self.ingest))

    async def not_ready(self) -> str:
        """Why no event can be taken now, or ""."""
        if self.draining:
            return "stopping"
        return "" if self.log.ready() else "the log does not take events"

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells."""
        return {
            **self.requests.readings(),
            signals.ACCEPTED: self.tally.accepted,
            signals.REJECTED: self.tally.dead_letters.total(),
            signals.DEAD_LETTERS: dict(self.tally.dead_letters),
            **self.meters.readings(),
            signals.PENDING: self.log.pending_bytes,
            signals.LOG_READY: float(self.log.ready()),
        }

    def drain(self) -> None:
        """Say that no more work should be sent here."""
        self.draining = True

    async def close(self) -> None:
        """Take nothing more and end the log; never longer than `CLOSE_SECONDS` and a little."""
        self.ingest.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS + 3):
                await self.log.close(CLOSE_SECONDS)
        except TimeoutError:
            logger.warning("the log did not close in time; the events that it held were not acknowledged")


async def serve(settings: Settings, connector: Connector) -> None:
    """Run until told to stop. Raises `CannotStart`."""
    bootstrap = need_kafka(settings)
    if settings.drain_seconds <= settings.deadline_seconds:
        raise CannotStart(
            f"{declared.DRAIN_SECONDS.variable} ({settings.drain_seconds}) has to be more than "
            f"{declared.DEADLINE_SECONDS.variable} ({settings.deadline_seconds}), or a stop cuts requests off"
        )
    async with AsyncExitStack() as stack:
        listening = listen(settings, stack)
        tenants = open_tenants(settings.tenants)
        log = KafkaLog(
            bootstrap,
            settings.topic_prefix,
            clock,
            deadline_seconds=settings.deadline_seconds,
            max_pending_bytes=settings.pending_bytes,
            connector=connector,
        )
        service = IngestService(settings, log, tenants)
        await log.start()
        stack.push_async_callback(service.close)
        await serve_until_told(
            service.requests,
            settings,
            listening,
            greeting=lambda base: f"sojourn ingest is running at {base}",
            draining=service.drain,
            protocol=partial(DirectProtocol, service.ingest, service.requests),
        )


def run(settings: Settings, connector: Connector | None = None) -> None:
    """`sojourn ingest`."""
    uvloop.run(serve(settings, connector or partial(connect, security=settings.kafka_security)))
