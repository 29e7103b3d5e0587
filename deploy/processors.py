"""`sojourn processors`: keeps N worker processes running and tells the outside how they are.

A worker that dies is started anew under the same name, so that the broker gives it its partitions back without a
rebalance; one that dies again and again is started less often. Lag is measured here, from outside the workers: one that
hangs would not tell. A worker ends with this process, however this one ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import uvloop

from deploy import observe
from deploy.application import application
from deploy.clock import clock
from deploy.inside import Visitors
from deploy.kafka.lag import WatchedLag, watched
from deploy.kept import KEPT
from deploy.observe import Counting
from deploy.opening import need_kafka, need_server
from deploy.serving import listen, serve_until_told
from schemas import signals
from schemas.settings import Settings
from schemas.signals import SECONDS, Histogram

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
HEALTHY_SECONDS = 30.0
"""A worker that lived this long had a good start: the next pause is the first one again."""
STOP_SECONDS = 20.0
"""More than a worker gives itself; then it is killed, which loses nothing."""
SILENCE_MS = 5_000
"""A worker reports every second."""
UNPROVEN_MS = 10_000
"""How old the last commit, or the last answer of the broker, may be."""


@dataclass(slots=True)
class Slot:
    """One worker's place: the process comes and goes, the name stays."""

    name: str
    module: str
    process: asyncio.subprocess.Process | None = None
    told: dict[str, Any] = field(default_factory=dict)
    told_at: int = 0
    starts: int = 0
    totals: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    stopping: bool = False

    async def keep(self) -> None:
        """Start it, and again whenever it ends, until `stop`."""
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = await self._live()
            if self.stopping:
                return
            logger.warning("%s ended with %s, starting it again in %g s", self.name, code, pause)
            await asyncio.sleep(pause)
            pause = FIRST_PAUSE if time.monotonic() - began > HEALTHY_SECONDS else min(pause * 2, LONGEST_PAUSE)

    async def _live(self) -> int:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.module, self.name, str(theirs.fileno()), pass_fds=[theirs.fileno()]
            )
        self.starts += 1
        reader, writer = await asyncio.open_connection(sock=ours)
        while line := await reader.readline():
            self._keep_counters(json.loads(line))
        writer.close()
        code = await self.process.wait()
        self.told, self.told_at = {}, 0
        return code

    def _keep_counters(self, told: dict[str, Any]) -> None:
        """Add what was counted since the last report, so that the counters of a process that ends are kept."""
        before = _counters(self.told)
        for name, now in _counters(told).items():
            self.totals[name] += now - before.get(name, 0)
        self.told, self.told_at = told, clock()

    async def stop(self) -> None:
        """End the process, gracefully and then not."""
        self.stopping = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    def not_ready(self) -> str:
        """Why this worker cannot do its work now, or ""."""
        now = clock()
        if now - self.told_at > SILENCE_MS:
            return f"{self.name} does not report"
        if not self.told["assigned"]:
            return f"{self.name} has no partitions (yet, or do the topics not exist: `sojourn topics`)"
        if not self.told["proven_at"]:
            return f"{self.name} has had no answer from the broker yet"
        if now - self.told["proven_at"] > UNPROVEN_MS:
            return f"{self.name} has had no answer from the broker for {(now - self.told['proven_at']) / 1000:.0f} s"
        return ""


def _counters(told: dict[str, Any]) -> dict[str, float]:
    """Everything in a report that only grows."""
    names = (
        "events",
        "frames",
        "retries",
        "inserts",
        "failures",
        "decode_seconds",
        "fold_seconds",
        "cpu_seconds",
        *KEPT,
    )
    letters = {f"letters:{reason}": count for reason, count in told.get("dead_letters", {}).items()}
    stored = told.get("stored_after", {"counts": (), "total": 0.0})
    buckets = {f"stored:{place}": count for place, count in enumerate(stored["counts"])}
    return {name: told.get(name, 0) for name in names} | letters | buckets | {"stored_seconds": stored["total"]}


@dataclass(slots=True)
class Processors:
    """All workers of this process."""

    slots: list[Slot]
    lag: WatchedLag
    draining: bool = False

    async def not_ready(self) -> str:
        """Why not all of the work can be done now, or ""."""
        if self.draining:
            return "stopping"
        return "; ".join(filter(None, (slot.not_ready() for slot in self.slots)))

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells."""
        total: defaultdict[str, float] = defaultdict(float)
        for slot in self.slots:
            for name, count in slot.totals.items():
                total[name] += count
        letters = {name.removeprefix("letters:"): n for name, n in total.items() if name.startswith("letters:")}
        told: dict[signals.Signal, signals.Reading] = {
            signals.PROCESSED: total["events"],
            signals.FRAMES: total["frames"],
            signals.DEAD_LETTERS: letters,
            signals.INSERTS: total["inserts"],
            signals.FAILURES: total["failures"],
            signals.RETRIES: total["retries"],
            signals.STORED_AFTER: Histogram(
                [int(total[f"stored:{place}"]) for place in range(len(SECONDS) + 1)], total["stored_seconds"]
            ),
            signals.WORKER_CPU: {slot.name: slot.totals["cpu_seconds"] for slot in self.slots},
            signals.DECODE_SECONDS: total["decode_seconds"],
            signals.FOLD_SECONDS: total["fold_seconds"],
            signals.WORKER_STARTS: {slot.name: slot.starts for slot in self.slots},
            signals.PARTITIONS: {slot.name: len(slot.told.get("assigned", ())) for slot in self.slots},
        }
        told |= {signal: total[name] for name, signal in KEPT.items()}
        kept = [age for slot in self.slots if (age := slot.told.get("kept_age")) is not None]
        if kept:
            told[signals.KEPT_AGE] = min(kept)  # of several, all but the owner's are from before
        if self.lag.records is not None:
            told[signals.LAG] = self.lag.records
        ages = [clock() - at for slot in self.slots if (at := slot.told.get("counted_to")) is not None]
        if len(ages) == len(self.slots):
            told[signals.WATERMARK_AGE] = max(ages) / 1000
        return told

    def drain(self) -> None:
        """Say that no more work is done here; a worker that was told to end as well is not started again."""
        self.draining = True
        for slot in self.slots:
            slot.stopping = True


async def serve(settings: Settings, workers: int, module: str) -> None:
    """Run until told to stop; `module` is what a worker process runs. Raises `CannotStart`."""
    kafka = need_kafka(settings)
    need_server(settings)
    async with AsyncExitStack() as stack:
        listening = listen(settings, stack)
        port = listening.getsockname()[1]
        # The port makes names unique on a host: only one process can listen on it.
        names = [f"{socket.gethostname()}-{port}-{number}" for number in range(workers)]
        lag = await watched(kafka, settings.topic_prefix, settings.kafka_security, stack)
        processors = Processors([Slot(name, module) for name in names], lag)
        requests = Counting(
            application(
                observe.router(processors.not_ready, lambda: {**requests.readings(), **processors.readings()}),
                visitors=Visitors(settings.metrics_token),
            )
        )
        keeping = [asyncio.create_task(slot.keep()) for slot in processors.slots]
        try:
            await serve_until_told(
                requests,
                settings,
                listening,
                greeting=lambda base: f"sojourn processors is running at {base} with {workers} workers",
                draining=processors.drain,
            )
        finally:
            await asyncio.gather(*(slot.stop() for slot in processors.slots))
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)


def run(settings: Settings, workers: int, module: str = "deploy.worker") -> None:
    """`sojourn processors`."""
    uvloop.run(serve(settings, workers, module))
