"""The one module that knows Faust: reads frames from the topic, has them delivered, then acknowledges.

Faust gives partition assignment, the consumer loop, commits, timers and life cycle; no tables, windows or joins of it.
Frames are acknowledged in the order of their offsets and only after they are stored (plain iteration and `take()`
acknowledge even when the body raises). No exception leaves the loop: who gives up ends the process without
acknowledging, and the log delivers again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import faust
import msgspec
from faust.contrib.asgi import bind_to_running_loop
from mode import CrashingSupervisor

from schemas.kafka_security import KafkaSecurity
from schemas.record import Frame, UnreadableFrame, unpack
from stream_processors.delivery import Delivery, GaveUp
from stream_processors.processor import Refused, unreadable
from stream_processors.progress import Progress

logger = logging.getLogger(__name__)

FRAMES_AT_ONCE = 64
WAIT_FOR_MORE_SECONDS = 0.1
LOOK_EVERY_SECONDS = 0.5
BROKER_SECONDS = 5.0
"""How long a question to the broker may take before the look counts as failed."""

SaveProgress = Callable[[Progress], Awaitable[None]]
Keep = Callable[[], Awaitable[None]]
OWNERS_PARTITION = 0
"""The worker that reads it keeps the rolling windows: there is one at any time, and another soon after it died."""
KEEP_EVERY_SECONDS = 1.0


class Offsets(Protocol):
    """Where the partitions of the topic begin and end."""

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]: ...

    async def begins(self, partitions: Iterable[int]) -> Mapping[int, int]: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a worker reads, and as whom. `member` is unique among living processes and the same after a restart."""

    bootstrap: str
    security: KafkaSecurity
    events: str
    dead_letters: str
    group: str
    member: str
    session_seconds: float


@dataclass(slots=True)
class Report:
    """What a worker tells of itself. Times are ms; `proven_at` is the last commit or look at the broker that worked."""

    assigned: list[int] = field(default_factory=list)
    proven_at: int = 0
    counted_to: int | None = None


def credentials(security: KafkaSecurity) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """What Faust gives to its own clients of Kafka."""
    context = security.context()
    if security.has_user:
        return faust.SASLCredentials(
            username=security.username, password=security.password, mechanism=security.mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context) if context else None


class App(faust.App):
    """Without tables there is nothing to keep in a folder."""

    def _create_directories(self) -> None:
        pass


class Worker:
    """One Faust worker: `run` lasts until it is told to stop or cannot go on."""

    def __init__(
        self,
        subscription: Subscription,
        delivery: Delivery,
        offsets: Offsets,
        save: SaveProgress,
        clock: Callable[[], int],
        *,
        keep: Keep | None = None,
    ) -> None:
        self._subscription = subscription
        self._delivery = delivery
        self._offsets = offsets
        self._save = save
        self._clock = clock
        self._keep = keep
        self._keeping: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._failure = ""
        self.progress = Progress(subscription.events)
        self.report = Report()
        self.app = self._faust()
        self.gave_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def _faust(self) -> App:
        asked = self._subscription
        app = App(
            asked.group,
            broker=[f"kafka://{server}" for server in asked.bootstrap.split(",")],
            broker_credentials=credentials(asked.security),
            store="memory://",
            agent_supervisor=CrashingSupervisor,
            stream_buffer_maxsize=256,
            stream_wait_empty=True,  # safe because a delivery is bounded in time
            broker_commit_interval=1.0,
            broker_commit_every=500,
            broker_session_timeout=asked.session_seconds,
            broker_heartbeat_interval=min(3.0, asked.session_seconds / 4),
            broker_rebalance_timeout=60.0,
            broker_request_timeout=max(90.0, asked.session_seconds * 2),  # Faust refuses a shorter one
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=4 << 20,
            consumer_metadata_max_age_ms=10_000,
            consumer_group_instance_id=asked.member,
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
        )
        topic = app.topic(asked.events, value_type=bytes, value_serializer="raw", key_serializer="raw")

        async def frames(stream: Any) -> None:
            async for events in stream.noack().noack_take(FRAMES_AT_ONCE, within=WAIT_FOR_MORE_SECONDS):
                await self._take(events)

        app.agent(topic, name=f"{asked.group}.frames", concurrency=1)(frames)
        app.timer(KEEP_EVERY_SECONDS)(self._keep_windows)
        return app

    async def _keep_windows(self) -> None:
        """What the timer does, if the last time is over: it must not be held up."""
        is_owner = OWNERS_PARTITION in self.report.assigned and not self.app.rebalancing
        if self._keep is not None and is_owner and (self._keeping is None or self._keeping.done()):
            self._keeping = asyncio.create_task(self._guarded_keep(self._keep))

    @staticmethod
    async def _guarded_keep(keep: Keep) -> None:
        """An exception must not end the worker."""
        try:
            await keep()
        except Exception as error:  # noqa: BLE001 -- whatever it was: the next tick is a second away
            logger.warning("keeping the rolling windows failed: %r", error)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`. Raises `GaveUp`; after it nothing more may be acknowledged."""
        bind_to_running_loop(self.app)
        self.app.finalize()
        stopped = asyncio.create_task(stop.wait())
        starting = asyncio.ensure_future(self.app.start())
        await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return  # nothing was read yet, and a start that waits for the broker cannot be hurried
        starting.result()
        looking = asyncio.create_task(self._look_now_and_then())
        try:
            while not stopped.done():
                ends: list[asyncio.Future[Any]] = [stopped, self.gave_up]
                await asyncio.wait(ends, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                if self.gave_up.done():
                    raise GaveUp(self.gave_up.result())
                if self.app.crashed:
                    raise GaveUp(f"Faust crashed: {self.app.crash_reason!r}")
        finally:
            looking.cancel()
            stopped.cancel()
        self._delivery.stopping = True
        await self.app.stop()

    async def publish(self, refused: Sequence[Refused]) -> None:
        """Dead letters to their topic: the original bytes, and in headers why and where. Raises `ConnectionError`."""
        try:
            await asyncio.gather(*map(self._publish_one, refused))
        except Exception as error:
            raise ConnectionError(f"the topic of dead letters did not take them: {error!r}") from error

    async def _publish_one(self, refused: Refused) -> None:
        told = msgspec.structs.asdict(refused.letter)
        del told["payload"]  # the value of the record has it whole
        headers = {name: str(value).encode() for name, value in told.items()}
        await self.app.producer.send_and_wait(
            self._subscription.dead_letters, None, refused.original, None, None, headers
        )

    async def _take(self, events: Sequence[Any]) -> None:
        """Deliver, acknowledge in order, commit; on giving up wait for the end of the process."""
        frames: list[Frame] = []
        unread: list[Refused] = []
        for event in events:
            read = _read(event.message)
            if isinstance(read, Frame):
                frames.append(read)
            else:
                unread.append(read)
        await self._deliver(frames, unread)
        await self._acknowledge(events)
        self.progress.stored(frames)
        await self._guarded_look()

    async def _deliver(self, frames: Sequence[Frame], unread: Sequence[Refused]) -> None:
        try:
            await self._delivery.deliver(frames, unread)
        except Exception as error:
            if not isinstance(error, GaveUp):
                logger.exception("a batch of %d frames failed in a way that nobody thought of", len(frames))
            await self._give_up(str(error) or repr(error))

    async def _acknowledge(self, events: Sequence[Any]) -> None:
        for event in events:
            event.ack()
        if await self.app.commit({self._subscription.events}):
            self.report.proven_at = self._clock()

    async def _give_up(self, reason: str) -> None:
        if not self.gave_up.done():
            self.gave_up.set_result(reason)
        await asyncio.Event().wait()  # the process ends; returning would acknowledge

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if not self._looking.locked():
                await self._guarded_look()

    async def _guarded_look(self) -> None:
        """A look that fails leaves the watermark where it is; it must not take the worker with it."""
        async with self._looking:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 -- whatever it was: the next look is half a second away
                if (failure := repr(error)) != self._failure:
                    logger.warning("looking how far the partitions are counted failed: %s", failure)
                self._failure = failure
            else:
                self._failure = ""

    async def _look(self) -> None:
        consumer: Any = self.app.consumer
        topic = self._subscription.events
        assigned = sorted(tp.partition for tp in consumer.assignment() if tp.topic == topic)
        self.report.assigned = assigned
        # Only here does Faust keep from which committed offset it has started.
        committed = {
            tp.partition: offset or 0 for tp, offset in consumer._committed_offset.items() if tp.topic == topic
        }
        self.progress.assigned({partition: committed.get(partition, 0) for partition in assigned})
        if not assigned or self.app.rebalancing:
            return
        at = self._clock()  # before the question: what comes after it is not part of the answer
        async with asyncio.timeout(BROKER_SECONDS):
            ends = await self._offsets.ends(assigned)
            # A partition that seems behind may only have lost its begin to the retention.
            begins = await self._offsets.begins(behind) if (behind := self.progress.behind(ends)) else {}
        self.report.proven_at = at
        self.progress.looked(at, ends, begins)
        self.report.counted_to = self.progress.counted_to
        await self._save(self.progress)


def _read(message: Any) -> Frame | Refused:
    """The frame in a record of the log, or what to tell of it if it is none."""
    value = message.value or b""
    headers = message.headers or []
    pairs = [*headers.items()] if isinstance(headers, Mapping) else [*headers]
    try:
        return unpack(value, pairs, message.topic, message.partition, message.offset)
    except UnreadableFrame as error:
        at = round((message.timestamp or 0) * 1000)
        return unreadable(Frame(at, [], [], message.topic, message.partition, message.offset), value, str(error))
