"""Many readers of one stream: what they cost the server, and how late they hear of an event.

Each event is sent a second after the one before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.goals import STREAM_DELAY, percentile, verdict
from tests.bench.load import cpu_seconds
from tests.service import READ_TOKEN, Service
from tests.waiting import until

EVERY = 1.0
_VALUE = b'"value":'


class Readers:
    """All readers: when each of them heard of which value."""

    def __init__(self) -> None:
        self.heard: dict[int, list[float]] = {}
        self.lost = 0

    async def read(self, port: int) -> None:
        """One reader, until it is cancelled."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        path = "/v1/stream?metrics=event_count&window=PT1H"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {READ_TOKEN}\r\n\r\n".encode())
        try:
            while line := await reader.readline():
                if line.startswith(b"data:") and _VALUE in line:
                    value = int(float(line.partition(_VALUE)[2].partition(b",")[0]))
                    self.heard.setdefault(value, []).append(time.perf_counter())
            self.lost += 1
        finally:
            writer.close()


async def measure(service: Service, options: argparse.Namespace) -> dict[str, Any]:
    """Connect all, send an event a second, and see who hears of it when."""
    assert service.process is not None
    readers, pid = Readers(), service.process.pid
    tasks = [asyncio.create_task(readers.read(service.port)) for _ in range(options.readers)]
    await until(lambda: len(readers.heard.get(0, ())) >= options.readers, 60)
    sent: dict[int, float] = {}
    cpu, began = cpu_seconds(pid), time.perf_counter()
    for number in range(1, options.messages + 1):
        sent[number] = time.perf_counter()
        await asyncio.to_thread(service.send, {"event": "Product Viewed", "messageId": f"m{number}", "userId": "u"})
        await asyncio.sleep(max(0.0, EVERY - (time.perf_counter() - sent[number])))
    await asyncio.sleep(2 * EVERY)
    cpu, took = cpu_seconds(pid) - cpu, time.perf_counter() - began
    for task in tasks:
        task.cancel()
    delays = [at - sent[value] for value, times in readers.heard.items() for at in times if value in sent]
    print(
        f"{options.readers} readers heard of {len(delays) / options.readers:.1f} of {options.messages} events a second "
        f"apart, {readers.lost} were lost; {cpu / took:.2f} CPU-seconds of the server a second; "
        f"delay p50 {percentile(delays, 0.5):.2f} s"
    )
    goals = verdict({STREAM_DELAY: percentile(delays, 0.99)})
    return {"cpu_per_second": cpu / took, "messages": len(delays), "delays": delays, "goals": goals}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """On a service of one process without events of the last hour."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder) / "data")
        try:
            service.start(120)
            return asyncio.run(measure(service, options))
        finally:
            service.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--messages", type=int, default=30, help="events that each reader may hear of")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    result = run(chosen)
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
