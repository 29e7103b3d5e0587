"""One worker process, started by `sojourn processors`: the store, a delivery and Faust put together.

It tells its parent how it is, a JSON line a second, over the socket whose number it is given, and ends at once when the
socket does: an orphan would keep the identity of the worker that is started in its place.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import uvloop

from deploy import garbage, logs
from deploy.cli import GAVE_UP
from deploy.clock import clock
from deploy.damages import Watch
from deploy.kafka.offsets import TopicOffsets
from deploy.keeping import Keeping
from deploy.looking import Looking
from deploy.losses import WARNED_SECONDS
from deploy.store import ClickHouseStore
from schemas import settings
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.settings import Settings
from schemas.topics import DEAD_LETTERS, EVENTS, processors_group
from stream_processors.delivery import Delivery, GaveUp
from stream_processors.processor import Processor, Refused
from stream_processors.progress import TABLE, Progress
from stream_processors.worker import Subscription, Worker

logger = logging.getLogger(__name__)

REPORT_SECONDS = 1.0
STOP_SECONDS = 15.0
"""With the broker away a stop can last for minutes; what was not acknowledged is delivered again anyway."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the fault tests put themselves: around the store, the delivery and the loop."""

    store: Callable[[ClickHouseStore], Store] = lambda store: store
    delivery: type[Delivery] = Delivery
    worker: type[Worker] = Worker


@dataclass(slots=True)
class Owned:
    """What one worker does for all: looks for lost rows, and keeps the rolling windows while no fact lacks any."""

    looking: Looking
    keeping: Keeping | None

    async def tick(self) -> None:
        """Raises what the store raises."""
        await self.looking.tick()
        if self.keeping is not None and self.looking.watch.facts_are_whole:
            await self.keeping.tick()


async def work(read: Settings, member: str, parent: socket.socket, edges: Edges) -> None:
    """Work until SIGTERM. Raises `GaveUp`, `StoreUnavailable`, `StoreRejected`."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    store = ClickHouseStore(
        read.store_dsn, query_seconds=read.query_seconds, query_threads=1, insert_threads=read.query_threads
    )
    await store.open()
    processor = Processor(edges.store(store))
    partitions = EVENTS.partitions

    async def save(progress: Progress) -> None:
        await store.insert(TABLE.name, progress.columns(partitions))

    subscription = Subscription(
        bootstrap=read.kafka,
        security=read.kafka_security,
        events=EVENTS.full_name(read.topic_prefix),
        dead_letters=DEAD_LETTERS.full_name(read.topic_prefix),
        group=processors_group(read.topic_prefix),
        member=member,
        session_seconds=read.session_seconds,
    )

    async def publish(refused: Sequence[Refused]) -> None:
        await worker.publish(refused)

    delivery = edges.delivery(
        processor,
        publish,
        retry_seconds=read.retry_seconds,
        undecodable_ratio=read.undecodable_ratio,
    )
    keeping = Keeping.of(read, store)
    offsets = TopicOffsets(read.kafka, subscription.events, read.kafka_security)
    forget = keeping.keeper.forget if keeping else lambda: None
    watch = Watch(store, clock, forget, warned_after=WARNED_SECONDS)
    owned = Owned(Looking(store, watch), keeping)
    worker = edges.worker(subscription, delivery, offsets, save, clock, keep=owned.tick)
    telling = asyncio.create_task(_tell(parent, worker, delivery, processor, store, keeping=keeping))
    watchdog = asyncio.create_task(_bounded(stop))
    await worker.run(stop)
    telling.cancel()
    watchdog.cancel()
    await store.close()


async def _bounded(stop: asyncio.Event) -> None:
    await stop.wait()
    await asyncio.sleep(STOP_SECONDS)
    logger.error("stopping took longer than %g s", STOP_SECONDS)
    os._exit(GAVE_UP)


async def _tell(
    parent: socket.socket,
    worker: Worker,
    delivery: Delivery,
    processor: Processor,
    store: ClickHouseStore,
    *,
    keeping: Keeping | None,
) -> None:
    reader, writer = await asyncio.open_connection(sock=parent)
    alone = asyncio.ensure_future(reader.read())
    while not alone.done():
        told = {
            **asdict(worker.report),
            "events": delivery.events,
            "frames": delivery.frames,
            "retries": delivery.retries,
            "dead_letters": dict(delivery.dead_letters),
            "decode_seconds": delivery.decode_seconds,
            "fold_seconds": processor.fold_seconds,
            "stored_after": asdict(delivery.stored_after),
            "cpu_seconds": time.process_time(),
            "inserts": store.inserts,
            "failures": store.failures,
            **(keeping.told() if keeping else {}),
        }
        writer.write(json.dumps(told).encode() + b"\n")
        await asyncio.wait({alone}, timeout=REPORT_SECONDS)
    os._exit(GAVE_UP)  # the parent is gone


async def _until_the_end(read: Settings, member: str, parent: socket.socket, edges: Edges) -> None:
    """Work, then leave from within the loop: unwinding Faust could still acknowledge, and a thread could hold it up."""
    code = 0
    garbage.seldom()
    try:
        await work(read, member, parent, edges)
    except (GaveUp, StoreUnavailable, StoreRejected, OSError) as error:
        logger.error("gave up: %s", error)  # noqa: TRY400 -- a trace says nothing more
        code = GAVE_UP
    except Exception:
        logger.exception("the worker ended in a way that nobody thought of")
        code = GAVE_UP
    logging.shutdown()
    os._exit(code)


def main(member: str, descriptor: int, edges: Edges | None = None) -> None:
    """Run; the process ends with 0 or 70."""
    read = settings.read(os.environ)
    logs.configure(member, read.log_format)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # Faust's consumer thread makes a loop of its own
    parent = socket.socket(fileno=descriptor)
    asyncio.run(_until_the_end(read, member, parent, edges or Edges()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
