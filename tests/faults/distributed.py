"""The three services under fire: every part is killed, frozen, starved and told to stop under load, and then event by
event what was counted is compared with what the producers know.

A full run (`make faults`) tries every fault five times, at random moments. What must hold is in tests/faults/kill9.py;
there also what a fault implies must have happened (events delivered again, requests without an answer), or nothing was
put to the test.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from schemas.settings import TOPIC_PREFIX
from schemas.topics import EVENTS
from tests.cluster import Cluster, Member
from tests.faults.journal import journal
from tests.faults.kill9 import CLIENTS, Ledger, Outcome, compare, counted, produce
from tests.faults.small_disk import SmallDisk
from tests.kafka.broker import Broker
from tests.kafka.frames import frames
from tests.kafka.proxy import Proxy
from tests.service import free_port
from tests.waiting import until

RETRY_SECONDS = {"full": 33, "short": 6}
MUTANT = "SOJOURN_TEST_MUTANT"
SLOW = "slow 0.15"
"""The store answers a little later, so that a kill finds batches on their way."""


@dataclass(frozen=True)
class Lengths:
    """How long the long faults last, in seconds."""

    freeze: float = 15
    refuse: float = 30
    refuse_longer: float = 42


FULL, SHORT = Lengths(), Lengths(4, 3, 9)


class FaultyCluster(Cluster):
    """A cluster whose workers write a journal or break a promise, and whose broker is reached through a proxy."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        (folder / "journal").mkdir(parents=True)
        port = free_port()
        told = {
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
            "SOJOURN_TEST_JOURNAL": str(folder / "journal"),
        }
        super().__init__(folder, environment={**environment, **told})
        self.broker = Broker(folder / "proxied", {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}"})
        self.proxy = Proxy(port, self.broker.port)
        self.members = [self.query]
        self.ingest = self.add("ingest", "tests.faults.ingest")
        self.processors = self.add("processors", "tests.faults.processors", "2")
        self._mutant = ""

    def add(self, name: str, module: str, *arguments: str) -> Member:
        """A service from a test entry point, not started."""
        added = Member(
            self._folder / name, module=module, arguments=arguments, environment=self.environment, tenants=None
        )
        self.members.append(added)
        return added

    def become(self, mutant: str) -> None:
        """Have ingest and the workers break a promise ("": none)."""
        if mutant == self._mutant:
            return
        self._mutant = mutant
        for member in (self.ingest, self.processors):
            member.kill()
            member.environment[MUTANT] = mutant
            member.spawn()
        for member in (self.ingest, self.processors):
            member.wait_until_ready(120.0)

    async def copies(self) -> int:
        """Frames that stand in the log more than once."""
        found = await frames(self.environment["KAFKA_BOOTSTRAP_SERVERS"], EVENTS.full_name(TOPIC_PREFIX.default))
        full = [tuple(frame.records) for frame in found if frame.records]
        return len(full) - len(set(full))


@dataclass
class Field:
    """The cluster and what a fault needs to do its work."""

    cluster: FaultyCluster
    chance: random.Random
    lengths: Lengths
    folder: Path
    disk: SmallDisk
    fresh: list[float] = field(default_factory=list)
    turns: int = 0

    async def moment(self) -> None:
        """A random one."""
        await asyncio.sleep(self.chance.uniform(0.3, 1.5))

    async def until_fresh(self, seconds: float = 90.0) -> None:
        """Wait until all that was received until now is counted; how long that took is written down."""
        began, now = time.monotonic(), datetime.now(UTC)
        while time.monotonic() - began < seconds:
            status = await asyncio.to_thread(self.cluster.status)
            if status and datetime.fromisoformat(status["watermark"]) > now:
                self.fresh.append(time.monotonic() - began)
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"not fresh again after {seconds:g} s: {status}\n{self.cluster.processors.output[-3000:]}")


async def _restart(member: Member) -> None:
    member.kill()
    await asyncio.to_thread(member.start)


async def kill_ingest(place: Field) -> None:
    await place.moment()
    await _restart(place.cluster.ingest)


async def kill_query(place: Field) -> None:
    await place.moment()
    await _restart(place.cluster.query)


async def kill_a_worker(place: Field) -> None:
    place.cluster.store.faults(SLOW)
    await place.moment()
    os.kill(place.chance.choice(place.cluster.processors.workers()), signal.SIGKILL)
    place.cluster.store.faults()


async def kill_both_workers(place: Field) -> None:
    """Every second time their parent with them."""
    place.cluster.store.faults(SLOW)
    await place.moment()
    place.turns += 1
    if place.turns % 2:
        for pid in place.cluster.processors.workers():
            os.kill(pid, signal.SIGKILL)
        place.cluster.store.faults()
    else:
        place.cluster.processors.kill()
        place.cluster.store.faults()
        await asyncio.to_thread(place.cluster.processors.start, 120.0)


async def kill_broker(place: Field) -> None:
    await place.moment()
    place.cluster.broker.kill()
    await asyncio.sleep(place.chance.uniform(0, 2))
    await asyncio.to_thread(place.cluster.broker.start)


async def kill_store(place: Field) -> None:
    await place.moment()
    place.cluster.store.kill()
    await asyncio.sleep(place.chance.uniform(0, 2))
    await asyncio.to_thread(place.cluster.store.start)


async def freeze_broker(place: Field) -> None:
    await place.moment()
    place.cluster.broker.freeze()
    await asyncio.sleep(place.lengths.freeze)
    place.cluster.broker.thaw()


async def lose_produce_answers(place: Field) -> None:
    """The broker has the record and nobody learns of it."""
    await place.moment()
    proxy = place.cluster.proxy
    proxy.lose = 3
    await until(lambda: proxy.lose == 0, 30.0)


async def _refuse(place: Field, seconds: float) -> None:
    await place.moment()
    place.cluster.store.faults("refuse 243")
    await asyncio.sleep(seconds)
    place.cluster.store.faults()


async def refuse_inserts(place: Field) -> None:
    await _refuse(place, place.lengths.refuse)


async def refuse_inserts_longer_than_the_budget(place: Field) -> None:
    await _refuse(place, place.lengths.refuse_longer)


async def lose_answers_of_inserts(place: Field) -> None:
    await place.moment()
    place.cluster.store.faults("reset")
    await asyncio.sleep(1.0)
    place.cluster.store.faults()


async def join_and_leave(place: Field) -> None:
    await place.moment()
    place.turns += 1
    joiner = place.cluster.add(f"joiner{place.turns}", "tests.faults.processors", "1")
    await asyncio.to_thread(joiner.start, 120.0)
    await place.moment()
    assert joiner.child is not None
    code = await asyncio.to_thread(joiner.child.stop, 40.0)
    assert code == 0, joiner.output


async def terminate_everything(place: Field) -> None:
    place.cluster.store.faults(SLOW)
    await place.moment()
    members = (place.cluster.ingest, place.cluster.processors, place.cluster.query)
    children = [member.child for member in members if member.child is not None]
    codes = await asyncio.gather(*(asyncio.to_thread(child.stop, 40.0) for child in children))
    assert codes == [0, 0, 0], codes
    place.cluster.store.faults()
    await asyncio.gather(*(asyncio.to_thread(member.start, 120.0) for member in members))


async def fill_the_disk(place: Field) -> None:
    await place.moment()
    await asyncio.to_thread(place.disk.fill)
    await asyncio.sleep(place.lengths.refuse / 3)
    place.disk.empty()


@dataclass(frozen=True)
class Fault:
    """What is done, and what it must have caused (or must not) for the run to count."""

    name: str
    once: Callable[[Field], Awaitable[None]]
    unanswered: bool = False
    redelivered: bool | None = None
    unavailable: bool = False


FAULTS: dict[str, Fault] = {
    each.once.__name__: each
    for each in (
        Fault("kill -9 of ingest", kill_ingest, unanswered=True),
        Fault("kill -9 of a worker", kill_a_worker, redelivered=True),
        Fault("kill -9 of both workers", kill_both_workers, redelivered=True),
        Fault("kill -9 of the broker", kill_broker),
        Fault("kill -9 of the store", kill_store),
        Fault("kill -9 of query", kill_query),
        Fault("broker frozen", freeze_broker, unavailable=True),
        Fault("store refuses inserts", refuse_inserts, redelivered=False),
        Fault("store refuses longer than the budget", refuse_inserts_longer_than_the_budget, redelivered=True),
        Fault("answers to inserts lost", lose_answers_of_inserts),
        Fault("answers to produce requests lost", lose_produce_answers),
        Fault("a worker joins and leaves", join_and_leave),
        Fault("SIGTERM of everything", terminate_everything, redelivered=False),
        Fault("disk of the store full", fill_the_disk),
    )
}


@dataclass(frozen=True)
class Result:
    """One fault, done so many times."""

    fault: Fault
    times: int
    outcome: Outcome
    redelivered: int
    reinserted: int
    copies: int
    fresh: list[float]

    def complaints(self) -> list[str]:
        """What speaks against it."""
        found = [f"{self.outcome.violations} violations"] if self.outcome.violations else []
        found += [f"{self.copies} frames stand in the log twice"] if self.copies else []
        for wanted, happened, what in (
            (self.fault.unanswered or None, self.outcome.unanswered > 0, "requests without an answer"),
            (self.fault.unavailable or None, self.outcome.unavailable > 0, "503 answers"),
            (self.fault.redelivered, self.redelivered > 0, "events delivered again"),
        ):
            if wanted is not None and wanted != happened:
                found.append(f"{'no' if wanted else 'unexpectedly'} {what}")
        return found


async def strike(place: Field, fault: Fault, times: int, mutant: str = "") -> Result:
    """Load, and the fault so many times in it; then the comparison. A mutant's promises are broken meanwhile."""
    await asyncio.to_thread(place.cluster.become, mutant)
    place.fresh, before = [], journal(place.folder / "journal")
    copies = await place.cluster.copies()
    began, ledger, stop = datetime.now(UTC), Ledger(), asyncio.Event()  # nothing of the fault before is on its way
    async with AsyncExitStack() as stack:
        clients = [
            asyncio.create_task(produce(place.cluster.ingest, ledger, stop, random.Random(place.chance.random())))
            for _ in range(CLIENTS)
        ]
        stack.callback(lambda: [client.cancel() for client in clients])
        await until(lambda: bool(ledger.acknowledged), 60.0)  # else the fault strikes where nothing is under way
        for _ in range(times):
            await fault.once(place)
            await place.until_fresh()
        stop.set()
        await asyncio.gather(*clients)
    await asyncio.to_thread(place.cluster.settle, 60.0)
    found, orders = await counted(place.cluster.query, began)
    after = journal(place.folder / "journal")
    return Result(
        fault,
        times,
        compare(ledger, found, orders, times),
        after.redelivered - before.redelivered,
        after.reinserted - before.reinserted,
        await place.cluster.copies() - copies,
        place.fresh,
    )


def table(results: list[Result]) -> str:
    """One line a fault."""
    head = (
        "fault",
        "times",
        "sent",
        "acked",
        "refused",
        "unanswered",
        "503",
        "redelivered",
        "re-inserted",
        "in log twice",
        "counted",
    )
    bad = ("missing", "twice", "refused+counted", "never sent", "facts apart", "fresh s (max)")
    lines = ["  ".join(f"{name:>{max(11, len(name))}}" if name != "fault" else f"{name:<38}" for name in (*head, *bad))]
    for each in results:
        told = each.outcome
        cells = (each.times, told.sent, told.acknowledged, told.refused, told.unanswered, told.unavailable)
        rest = (each.redelivered, each.reinserted, each.copies, told.counted)
        wrong = (told.missing, told.twice, told.counted_though_refused, told.never_sent, told.facts_apart)
        fresh = f"{statistics.median(each.fresh):.1f} ({max(each.fresh):.1f})"
        names = (*head[1:], *bad)
        values = [
            f"{value:>{max(11, len(name))}}" for name, value in zip(names, (*cells, *rest, *wrong, fresh), strict=True)
        ]
        lines.append("  ".join([f"{each.fault.name:<38}", *values]))
    return "\n".join(lines)


@asynccontextmanager
async def under_fire(folder: Path, *, short: bool, seed: int, disk_mb: int = 2000) -> AsyncIterator[Field]:
    """A cluster in an empty folder, on which one fault after the other is tried."""
    environment = {"SOJOURN_RETRY_SECONDS": str(RETRY_SECONDS["short" if short else "full"])}
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(SmallDisk(folder / "store", disk_mb))
        cluster = FaultyCluster(folder, environment)
        await cluster.proxy.start()
        stack.push_async_callback(cluster.proxy.close)
        stack.callback(cluster.stop)
        await asyncio.to_thread(cluster.start)
        yield Field(cluster, random.Random(seed), SHORT if short else FULL, folder, disk)
