"""The one-process mode: ingest, folds and queries in one event loop, the log in memory, chDB in the data folder.

Order of a start: port, folder, store, migrations, facts of what the archive holds behind the mark of what is folded (a
death between archive and facts loses nothing), then HTTP; beside it, facts that are younger than the archive are built
from it. Order of a stop: readiness off, no new connections, requests in flight finish, the log writes what waits, the
store closes.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import uvloop

import ingest.app
import query_api.app
from deploy import keys, observe
from deploy.application import application
from deploy.clock import clock
from deploy.damages import Watch
from deploy.demo.beside import Beside
from deploy.direct import DirectProtocol
from deploy.in_process_log import InProcessLog, Write
from deploy.inside import Visitors
from deploy.keeping import FOLDED
from deploy.looking import GLANCE_SECONDS, Looking
from deploy.observe import Counting
from deploy.open_store import open_store
from deploy.opening import lock_folder, make_tenants, open_tenants
from deploy.questions import Rest, admission, fair
from deploy.rebuild import AGAIN_SECONDS, Missing
from deploy.refusal import CannotStart
from deploy.repeating import Repeating
from deploy.serving import listen, serve_until_told
from deploy.store import ClickHouseStore
from deploy.welcome import welcome
from ingest.dispatcher import Dispatcher
from ingest.service import Ingest
from query_api.live import Live
from query_api.rolling.keeper import TICK_SECONDS, Keeper
from query_api.service import Lag
from schemas import signals
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.quotas import Meters
from schemas.record import Frame, decode_dead_letters
from schemas.settings import KAFKA, Settings
from schemas.signals import Histogram
from stream_processors.folded import Folded
from stream_processors.processor import Processor
from stream_processors.refold import refold
from stream_processors.refusing import write

logger = logging.getLogger(__name__)
MANY_PENDING = 2_000
"""Events that wait for the store when a history is loaded rather than lived."""
MARK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the fault tests put themselves: around the store, and between log and processor."""

    store: Callable[[ClickHouseStore], Store] = lambda store: store
    write: Callable[[Write], Write] = lambda write: write


@dataclass(slots=True)
class Service:
    """The running parts."""

    settings: Settings
    engine: ClickHouseStore
    store: Store
    edges: Edges
    requests: Counting = field(init=False)
    draining: bool = False
    meters: Meters = field(default_factory=Meters)
    store_failure: str = ""
    """What was logged of the present outage."""
    accepted: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    stored_after: Histogram = field(default_factory=Histogram)
    live: Live | None = None
    keeper: Keeper | None = None
    log: InProcessLog = field(init=False)
    folded: Folded = field(init=False)

    def __post_init__(self) -> None:
        self.log = InProcessLog(
            self.edges.write(self._write),
            clock,
            settle=self._settle,
            deadline_seconds=self.settings.deadline_seconds,
            max_pending_bytes=self.settings.pending_bytes,
        )
        self.folded = Folded(self.store, self.log.settled)

    async def _write(self, frames: Sequence[Frame]) -> dict[bytes, str]:
        await self.folded.begin(min(frame.received_at for frame in frames))
        refused = await write(Processor(self.store), frames)
        self.accepted += sum(len(frame.records) for frame in frames) - len(refused)
        self.dead_letters.update(each.letter.reason for each in refused)
        for frame in frames:
            self.dead_letters.update(letter.reason for letter in decode_dead_letters(frame.dead_letters))
            self.stored_after.observe((clock() - frame.received_at) / 1000)
        self.folded.wrote(sum(len(frame.records) for frame in frames))
        return {each.original: each.letter.message for each in refused}

    async def _settle(self, since: int) -> None:
        await refold(self.store, since)

    async def mark_the_end(self) -> None:
        """After the last write: the next start has nothing to fold again, unless the store is away already."""
        with suppress(StoreUnavailable, StoreRejected):
            await self.folded.raise_mark()

    def lag(self) -> Lag:
        """What the log still holds back from the numbers."""
        return Lag(self.log.pending_records(), (clock() - self.log.watermark()) / 1000)

    async def not_ready(self) -> str:
        """Why the service cannot do its work now, or ""."""
        if self.draining:
            return "stopping"
        if not self.log.ready():
            return "the log does not take frames"
        try:
            await self.engine.probes.query("SELECT 1")
        except (StoreUnavailable, StoreRejected) as error:
            if str(error) != self.store_failure:
                logger.warning("the store does not answer: %s", error)
            self.store_failure = str(error)
            return "the store does not answer"
        self.store_failure = ""
        return ""

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells."""
        return {
            **self.requests.readings(),
            **self.engine.readings(),
            **(self.live.readings() if self.live else {}),
            **(self.keeper.readings() if self.keeper else {}),
            signals.ACCEPTED: self.accepted,
            signals.REJECTED: self.dead_letters.total(),
            signals.DEAD_LETTERS: dict(self.dead_letters),
            **self.meters.readings(),
            signals.PENDING: self.log.pending_bytes,
            signals.LOG_READY: float(self.log.ready()),
            signals.LAG: self.log.pending_records(),
            signals.STORED_AFTER: self.stored_after,
            signals.WATERMARK_AGE: (clock() - self.log.watermark()) / 1000,
        }

    def drain(self) -> None:
        """Say that no more work should be sent here, and end the streams."""
        self.draining = True
        if self.live is not None:
            self.live.close()


async def serve(settings: Settings, edges: Edges) -> None:
    """Run until told to stop. Raises `CannotStart`."""
    if settings.kafka:
        raise CannotStart(
            f"{KAFKA.variable} is set, but this is the mode without Kafka: unset it, or run `sojourn ingest`, "
            "`sojourn processors` and `sojourn query`"
        )
    async with AsyncExitStack() as stack:
        listening = listen(settings, stack)
        lock_folder(settings, stack)  # also with a ClickHouse server: the watermark is this process's own
        engine, _ = await open_store(settings, stack)
        created = make_tenants(settings.tenants)
        tenants = open_tenants(settings.tenants)
        service = Service(settings, engine, edges.store(engine), edges)
        watch = Watch(engine, clock)
        looking = Looking(engine, watch)
        await watch.look()  # before anything is written: new parts may take the numbers of those that are gone
        await _catch_up(service.folded, watch)
        stack.push_async_callback(watch.last_look)
        stack.push_async_callback(service.mark_the_end)
        marking = Repeating("the mark of what is folded", service.folded.raise_mark, MARK_SECONDS)
        await stack.enter_async_context(marking)
        asked = fair(engine, service.store, settings)
        missing = Missing(service.store)
        await stack.enter_async_context(Repeating("facts out of the archive", missing.build, AGAIN_SECONDS))
        if settings.keep_share:
            service.keeper = Keeper(
                asked,
                tenants,
                service.log.watermark,
                share=settings.keep_share,
                is_busy=lambda: service.log.pending_records() > MANY_PENDING,
                folded=FOLDED,
            )
            watch.recount = service.keeper.forget
            keeping = partial(_kept_while_whole, watch, service.keeper)
            await stack.enter_async_context(Repeating("the rolling windows", keeping, TICK_SECONDS))
        await stack.enter_async_context(Repeating("looking for lost rows", looking.tick, GLANCE_SECONDS))
        producers = Ingest(service.log, tenants, clock=clock, meters=service.meters)
        service.live = query_api.app.live_numbers(asked, tenants, service.log.watermark, watch)
        app = application(
            observe.router(service.not_ready, lambda: {**service.readings(), **watch.readings()}, damages=watch.lines),
            query_api.app.router(
                asked,
                tenants,
                service.log.watermark,
                service.lag,
                live=service.live,
                takes_events=True,
                admission=admission(settings, service.meters),
                beside=engine.status,
                damages=watch,
            ),
            ingest.app.router(producers),
            visitors=Visitors(settings.metrics_token, tenants),
        )
        service.requests = Counting(Dispatcher(app, producers))
        stack.push_async_callback(service.log.close, settings.drain_seconds)
        rest = Rest()
        stack.callback(rest.end)
        demo = Beside()
        stack.callback(demo.wait)

        def greeting(base: str) -> str:
            rest.begin()
            if settings.demo:
                demo.start(base)
            shown = created and not keys.goes_to_the_journal(sys.stdout)
            return welcome(base, tenants.all[0] if shown else None, keys.command(), datetime.now(UTC))

        def draining() -> None:
            service.drain()
            demo.stop()

        await serve_until_told(
            service.requests,
            settings,
            listening,
            greeting=greeting,
            draining=draining,
            protocol=partial(DirectProtocol, producers, service.requests),
        )


async def _catch_up(folded: Folded, watch: Watch) -> None:
    """A start does not fail because of a part that cannot be read: one of the mark leaves its table, one of the archive
    is reported. Raises `StoreUnavailable`.
    """
    try:
        await folded.catch_up()
    except StoreRejected:
        await watch.look(deep=True)
        try:
            await folded.catch_up()
        except StoreRejected as error:
            logger.error(  # noqa: TRY400 -- a trace says nothing more
                "the end of the archive cannot be folded again: %s; restore a backup, then run `sojourn rebuild facts "
                "--again`, as facts of the last events may be missing after a crash",
                str(error)[:200],
            )


async def _kept_while_whole(watch: Watch, keeper: Keeper) -> None:
    """Nothing is published of facts that have lost rows."""
    if watch.facts_are_whole:
        await keeper.tick()


def run(settings: Settings, edges: Edges | None = None) -> None:
    """`sojourn serve`."""
    uvloop.run(serve(settings, edges or Edges()))
