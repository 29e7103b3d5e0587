"""A load generator as a process of its own: many keep-alive connections, each with one request under way.

Requests are built beforehand and every response is read to its end and its status checked, at a cost that stays below
that of any server here. It prints one JSON object: how many were answered in the window, and the times they took.
`python -m tests.bench.load` is started by the benches; the request comes from `tests.bench.bodies`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from itertools import count
from pathlib import Path
from typing import Any, cast

import uvloop

from tests.bench.bodies import MARK, requests

STAT_SECONDS = 0.01
"""The unit of CPU time in `/proc/<pid>/stat` on Linux."""


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used so far, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * STAT_SECONDS


class Client(asyncio.Protocol):
    """One connection: sends, reads the whole response, sends again, `every` so many seconds at most. `times` is None
    while nothing is measured.
    """

    numbers = count(time.time_ns())
    """Of what is sent anew each time, in all connections together."""

    def __init__(self, bodies: list[bytes], at: int, statuses: tuple[bytes, ...], every: float = 0.0) -> None:
        self._every = every
        self._bodies = bodies
        self._at = at
        self._statuses = statuses
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.times: list[float] | None = None
        self.wrong: list[bytes] = []
        self.stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(b"content-length: ", 0, head) + 16
        if at < 16:
            self._fail()
            return
        size = head + 4 + int(self._buffer[at : self._buffer.find(b"\r", at)])
        if len(self._buffer) < size:
            return
        if len(self._buffer) > size or self._buffer[9:12] not in self._statuses:
            self._fail()
            return
        self._buffer = b""
        if self.times is not None:
            self.times.append(time.perf_counter() - self._sent_at)
        if self._every:
            wait = self._sent_at + self._every - time.perf_counter()
            asyncio.get_running_loop().call_later(max(0.0, wait), self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopping:
            self.wrong.append(b"connection lost")

    def close(self) -> None:
        self.stopping = True
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        assert self._transport is not None
        if self.stopping:
            return
        self._at = (self._at + 1) % len(self._bodies)
        self._sent_at = time.perf_counter()
        self._transport.write(self._bodies[self._at].replace(MARK, b"%016x" % next(self.numbers)))

    def _fail(self) -> None:
        self.wrong.append(self._buffer[:300])
        self.close()


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Warm up, then measure for `seconds`. Raises `RuntimeError` at the first answer that is no success."""
    loop = asyncio.get_running_loop()
    bodies = requests(options.path, options.events, anew=options.anew)
    every = options.connections / options.rate if options.rate else 0.0
    statuses = tuple(status.encode() for status in options.status.split(","))
    clients: list[Client] = []
    for number in range(options.connections):
        _, client = await loop.create_connection(
            lambda number=number: Client(bodies, number, statuses, every),  # type: ignore[misc]
            "127.0.0.1",
            options.port,
        )
        clients.append(client)
    await asyncio.sleep(options.warm)
    for client in clients:
        client.times = []
    began, cpu = time.perf_counter(), cpu_seconds(options.pid)
    await asyncio.sleep(options.seconds)
    times = sorted(each for client in clients for each in client.times or ())
    took, cpu = time.perf_counter() - began, cpu_seconds(options.pid) - cpu
    for client in clients:
        client.close()
    wrong = [each for client in clients for each in client.wrong]
    if wrong or not times:
        raise RuntimeError(f"{len(wrong)} answers were wrong, the first: {wrong[0].decode() if wrong else 'none came'}")
    return {
        "requests": len(times),
        "per_second": len(times) / took,
        "per_cpu_second": len(times) / cpu,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--path", default="/v1/events")
    parser.add_argument("--events", type=int, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--status", default="200,202")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second (default: as fast as it goes)")
    parser.add_argument("--anew", action="store_true", help="every request is a new event of now")
    parser.add_argument("--warm", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    print(json.dumps(uvloop.run(run(parser.parse_args()))))
