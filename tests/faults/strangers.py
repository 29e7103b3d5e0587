"""Strangers against one server: silent connections, bodies that never end and an endless header, all at once, while a
tenant posts an event every few milliseconds. How long do its answers take, alone and under fire?

    python -m tests.faults.strangers [--silent 5000] [--slow 200] [--seconds 30]

The server is ingest before a log that acknowledges within 3 ms (`tests.bench.servers memory`), so that what is measured
is the edge. Strangers connect again when they are cut, from twenty addresses. Its CPU time is printed beside the times
of answers: on a machine with other work only that says something.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from tests.bench.ingest import served
from tests.bench.load import cpu_seconds
from tests.processes import Child
from tests.service import ROOT, TENANTS, WRITE_KEY

ADDRESSES = 20
GOAL_MS = 50.0
EVENT = b'{"event":"page","messageId":"m1"}'
POST = (
    f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Write-Key: {WRITE_KEY}\r\nContent-Length: {len(EVENT)}\r\n\r\n"
).encode() + EVENT
SLOW = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n" + b" " * 900_000


@dataclass(slots=True)
class Strangers:
    """What they do, and how long the silent ones were let wait."""

    port: int
    waits: list[float] = field(default_factory=list)
    open: int = 0

    async def connect(self, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = (f"127.0.0.{2 + number % ADDRESSES}", 0)
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=address, limit=1 << 16)

    async def silent(self, number: int) -> None:
        """Connect and say nothing, or half a line."""
        reader, writer = await self.connect(number)
        began = time.monotonic()
        self.open += 1
        try:
            if number % 2:
                writer.write(b"POST /v1/events HT")
            while await reader.read(65536):
                pass
        finally:
            self.open -= 1
            self.waits.append(time.monotonic() - began)
            writer.close()

    async def slow(self, number: int) -> None:
        """Send most of a body, then one byte a second."""
        _, writer = await self.connect(number)
        try:
            writer.write(SLOW)
            while True:
                await writer.drain()
                await asyncio.sleep(1.0)
                writer.write(b" ")
        finally:
            writer.close()

    async def endless(self, number: int) -> None:
        """Send one header as fast as it is read, up to 120 MB."""
        _, writer = await self.connect(number)
        try:
            writer.write(b"GET / HTTP/1.1\r\nX-Endless: ")
            for _ in range(1_800):
                writer.write(b"a" * 65536)
                await writer.drain()
        finally:
            writer.close()

    async def again(self, attack: Callable[[int], Awaitable[None]], number: int) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                await attack(number)
            await asyncio.sleep(0.2)


async def attack(port: int, silent: int, slow: int) -> None:
    """Until killed; a line of JSON every second."""
    strangers = Strangers(port)
    running = [asyncio.create_task(strangers.again(strangers.endless, 0))]
    running += [asyncio.create_task(strangers.again(strangers.slow, n)) for n in range(slow)]
    for number in range(silent):
        running.append(asyncio.create_task(strangers.again(strangers.silent, number)))
        if number % 100 == 0:
            await asyncio.sleep(0.02)
    while running:
        waits = sorted(strangers.waits)
        longest = waits[-1] if waits else None
        print(json.dumps({"open": strangers.open, "closed": len(waits), "longest_wait": longest}), flush=True)
        await asyncio.sleep(1.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """A tenant's answers during one stretch."""

    count: int
    failed: int
    p50_ms: float
    p99_ms: float
    server_cpu: float

    def __str__(self) -> str:
        told = f"{self.count} answers, {self.failed} failed, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"
        return f"{told}; the server used {self.server_cpu * 100:.0f} % of a core"


async def post(port: int, pid: int, seconds: float) -> Measured:
    """One event every 10 ms, each fiftieth on a connection of its own: the others keep theirs."""
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    times: list[float] = []
    failed = 0
    ends, cpu, began = time.monotonic() + seconds, cpu_seconds(pid), time.monotonic()
    while time.monotonic() < ends:
        sent_at = time.perf_counter()
        try:
            async with asyncio.timeout(10):
                if connection is not None and len(times) % 50 == 0:
                    connection[1].close()
                    connection = None
                reader, writer = connection = connection or await asyncio.open_connection("127.0.0.1", port)
                writer.write(POST)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r")[0]))
                failed += b" 202 " not in head[:13]
        except (OSError, EOFError, TimeoutError):
            failed, connection = failed + 1, None
        times.append(time.perf_counter() - sent_at)
        await asyncio.sleep(0.01)
    if connection is not None:
        connection[1].close()
    used, times = (cpu_seconds(pid) - cpu) / (time.monotonic() - began), sorted(times)
    p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    return Measured(len(times), failed, p50, p99, used)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both stretches, and what became of the strangers."""

    alone: Measured
    under_fire: Measured
    strangers: dict[str, float]

    @property
    def met(self) -> bool:
        return self.under_fire.p99_ms < GOAL_MS and not self.under_fire.failed


def run(folder: Path, *, silent: int, slow: int, seconds: float) -> Outcome:
    """Measure alone, then under fire."""
    tenants = folder / "tenants.json"
    tenants.write_text(json.dumps(TENANTS))
    with served(folder, "memory", "--tenants", str(tenants)) as server:
        uvloop.run(post(server.port, server.pid, 1.0))
        alone = uvloop.run(post(server.port, server.pid, seconds / 3))
        command = [sys.executable, "-m", "tests.faults.strangers", "--attack", str(server.port)]
        command += ["--silent", str(silent), "--slow", str(slow)]
        attackers = Child(command, folder / "attack.output", folder=ROOT)
        try:
            until = time.monotonic() + 120
            while not attackers.output.strip():
                if not attackers.running or time.monotonic() > until:
                    raise RuntimeError(f"the strangers did not come:\n{attackers.output}")
                time.sleep(0.1)
            under_fire = uvloop.run(post(server.port, server.pid, seconds))
            told: dict[str, float] = json.loads(attackers.output.strip().splitlines()[-1])
        finally:
            attackers.stop()
    return Outcome(alone, under_fire, told)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--silent", type=int, default=5_000)
    parser.add_argument("--slow", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--attack", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        uvloop.run(attack(options.attack, options.silent, options.slow))
    with tempfile.TemporaryDirectory() as name:
        outcome = run(Path(name), silent=options.silent, slow=options.slow, seconds=options.seconds)
    print(f"alone:      {outcome.alone}\nunder fire: {outcome.under_fire}")
    print(f"strangers:  {outcome.strangers}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'met' if outcome.met else 'MISSED'}: p99 under fire below {GOAL_MS:g} ms, nothing failed")
    sys.exit(not outcome.met)
