"""What ingest costs: events per CPU-second of the server, as ratios to what the same machine can do at all.

Run by `make bench`. Each server is a process of its own under the same uvicorn configuration; a load generator in
another process keeps 64 or 256 connections busy for a few seconds. Repetitions of all servers are interleaved, so that
whatever else the machine does hits all alike; read the ratios, not the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import EVENTS
from tests.bench import plain
from tests.kafka.broker import Broker
from tests.kafka.jars import ROOT, NoKafka
from tests.processes import Child
from tests.service import TENANTS, Service, free_port

BATCH = 100
CONNECTIONS = (64, 256)


@dataclass(frozen=True, slots=True)
class Goal:
    """What `ours` should reach at least, as a multiple of another server's events per CPU-second."""

    events: int
    connections: int
    other: str
    ratio: float


GOALS = (
    Goal(1, 64, "empty", 0.5),
    Goal(1, 256, "empty", 0.6),
    Goal(1, 64, "plain", 4.5),
    Goal(1, 256, "plain", 4.5),
    Goal(BATCH, 64, "plain", 6.0),
    Goal(BATCH, 256, "plain", 6.0),
)


@dataclass(slots=True)
class Target:
    """A running server."""

    name: str
    port: int
    pid: int
    single: str = "/v1/events"
    batch: str = "/v1/events"


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement."""

    server: str
    events: int
    connections: int
    repetition: int
    measured: dict[str, float]

    @property
    def per_cpu_second(self) -> float:
        """Requests of any server: an empty route has no events."""
        return self.measured["per_cpu_second"]


@contextmanager
def served(folder: Path, kind: str, *arguments: str) -> Iterator[Target]:
    """One of `tests.bench.servers`."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.servers", kind, "--port", str(port), *arguments]
    child = Child(command, folder / f"{kind}.output", folder=ROOT)
    try:
        deadline = time.monotonic() + 30
        while "started" not in child.output:
            if not child.running or time.monotonic() > deadline:
                raise RuntimeError(f"{kind} did not start:\n{child.output}")
            time.sleep(0.05)
        yield Target(kind, port, child.process.pid)
    finally:
        child.stop()


@contextmanager
def sojourn(folder: Path, bootstrap: str) -> Iterator[Target]:
    """`sojourn ingest`, as people run it."""
    service = Service(folder, arguments=("ingest",), environment={"KAFKA_BOOTSTRAP_SERVERS": bootstrap})
    try:
        service.start()
        assert service.process is not None
        yield Target("ours", service.port, service.process.pid)
    finally:
        service.kill()


async def make_topics(bootstrap: str) -> None:
    """The topic of frames and that of the plain route, with as many partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = (EVENTS.full_name("sojourn"), plain.TOPIC)
        await admin.create_topics([NewTopic(name, EVENTS.partitions, 1) for name in names])
    finally:
        await admin.close()


def load(target: Target, events: int, connections: int, seconds: float) -> dict[str, float]:
    """One run of the load generator. Raises `RuntimeError` if any answer was no success."""
    options: dict[str, object] = {"port": target.port, "pid": target.pid, "events": events, "seconds": seconds}
    options |= {"connections": connections, "path": target.single if events == 1 else target.batch}
    command = [sys.executable, "-m", "tests.bench.load", *(f"--{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if done.returncode:
        raise RuntimeError(f"{target.name}, {events} events, {connections} connections:\n{done.stderr[-800:]}")
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def measure(targets: list[Target], options: argparse.Namespace) -> list[Cell]:
    """Every server in turn, again and again."""
    cells = []
    for repetition in range(options.repetitions):
        for events in (1, BATCH):
            for connections in CONNECTIONS:
                for target in targets:
                    measured = load(target, events, connections, options.seconds)
                    cells.append(Cell(target.name, events, connections, repetition, measured))
    return cells


def ratio(cells: list[Cell], one: str, other: str, events: int, connections: int) -> float:
    """Median over the repetitions of the ratio within each repetition."""
    found = {
        (cell.server, cell.repetition): cell
        for cell in cells
        if (cell.events, cell.connections) == (events, connections)
    }
    repetitions = {repetition for server, repetition in found if server == one}
    return statistics.median(found[one, n].per_cpu_second / found[other, n].per_cpu_second for n in repetitions)


def table(cells: list[Cell]) -> list[dict[str, Any]]:
    """A row for each server and load: medians."""
    rows = []
    for server, events, connections in dict.fromkeys((c.server, c.events, c.connections) for c in cells):
        runs = [c.measured for c in cells if (c.server, c.events, c.connections) == (server, events, connections)]
        row: dict[str, Any] = {"server": server, "events": events, "connections": connections}
        row |= {name: round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}
        row["to_empty"] = round(ratio(cells, server, "empty", events, connections), 3)
        rows.append(row)
    return sorted(rows, key=lambda row: (row["events"], row["connections"]))


def goals(cells: list[Cell]) -> list[dict[str, Any]]:
    """Whether each goal is reached."""
    judged = []
    for goal in GOALS:
        if {"ours", goal.other} <= {cell.server for cell in cells}:
            reached = ratio(cells, "ours", goal.other, goal.events, goal.connections)
            judged.append(
                {
                    "goal": f"{goal.events} events, {goal.connections} connections: ours >= {goal.ratio}x {goal.other}",
                    "reached": round(reached, 2),
                    "met": reached >= goal.ratio,
                }
            )
    return judged


def show(rows: list[dict[str, Any]], judged: list[dict[str, Any]]) -> None:
    """The table, then the goals."""
    names = f"{'server':10}{'events':>8}{'conns':>7}{'requests/s':>12}{'per CPU-s':>11}"
    print(f"{names}{'to empty':>10}{'p50 ms':>9}{'p99 ms':>9}")
    for row in rows:
        print(
            f"{row['server']:10}{row['events']:>8}{row['connections']:>7}{row['per_second']:>12.0f}"
            f"{row['per_cpu_second']:>11.0f}{row['to_empty']:>10.3f}{row['p50_ms']:>9}{row['p99_ms']:>9}"
        )
    for each in judged:
        print(f"{'met' if each['met'] else 'MISSED':8}{each['goal']}: {each['reached']}x")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All rows, and the goals beside them."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        tenants = folder / "tenants.json"
        tenants.write_text(json.dumps(TENANTS))
        targets = [stack.enter_context(served(folder, kind)) for kind in ("empty", "fastapi")]
        targets.append(stack.enter_context(served(folder, "memory", "--tenants", str(tenants))))
        if not options.without_kafka:
            targets += with_kafka(folder, stack)
        cells = measure(targets, options)
    rows, judged = table(cells), goals(cells)
    show(rows, judged)
    return {"rows": rows, "goals": judged}


def with_kafka(folder: Path, stack: ExitStack) -> list[Target]:
    """The plain route and ours, before one broker. Raises `NoKafka` where none can run."""
    broker = Broker(folder / "kafka")
    stack.callback(broker.stop)
    broker.start()
    asyncio.run(make_topics(broker.bootstrap))
    slow = stack.enter_context(served(folder, "plain", "--kafka", broker.bootstrap))
    slow.single, slow.batch = "/single", "/batch"
    return [slow, stack.enter_context(sojourn(folder / "ours", broker.bootstrap))]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--without-kafka", action="store_true", help="leave out the two servers that need one")


if __name__ == "__main__":
    own = argparse.ArgumentParser(description=__doc__)
    add_arguments(own)
    own.add_argument("--out", type=Path)
    chosen = own.parse_args()
    try:
        result = run(chosen)
    except NoKafka as error:
        sys.exit(f"{error}; or leave Kafka out with --without-kafka")
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
