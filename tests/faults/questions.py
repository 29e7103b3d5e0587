"""One tenant asks fifty heavy questions at once, another one its own: `python -m tests.faults.questions`.

Every heavy question is asked again as soon as it is answered, refused ones after the time that the refusal names. Half
of the callers leave in the middle once, so that what they asked has to end in the engine. Beside it another tenant asks
for `dau`, one question after the other, and a probe for `/readyz`, both before and meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.bench.goals import percentile
from tests.bench.stock import stocked
from tests.service import Service

HEAVY = (
    "/v1/retention?period=day&periods=28",
    "/v1/metrics/cart_abandonment_rate?window=P28D&segment=country&compare=previous",
    "/v1/funnels?steps=page_viewed,product_added,order_completed&window=P28D",
    "/v1/metrics/visits?window=P28D&segment=device",
    "/v1/metrics/conversion_rate/series?window=P28D&step=P1D",
)
AT_ONCE = 50
PATIENCE = 120.0


@dataclass(slots=True)
class Outcome:
    """Seconds of each answer, and how the heavy questions were answered."""

    alone: list[float] = field(default_factory=list)
    meanwhile: list[float] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    heavy: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    left_running: int = 0

    @property
    def ratio(self) -> float:
        """The other tenant's p95 in multiples of its p95 alone."""
        return percentile(self.meanwhile, 0.95) / percentile(self.alone, 0.95)

    def table(self) -> str:
        lines = [
            f"{name:9} {len(times):5} answers, p50 {percentile(times, 0.5) * 1000:6.0f} ms, "
            f"p95 {percentile(times, 0.95) * 1000:6.0f} ms, longest {max(times) * 1000:6.0f} ms"
            for name, times in (("dau alone", self.alone), ("dau", self.meanwhile), ("/readyz", self.probes))
        ]
        left = f"{self.left_running} statements left 10 s after all callers had gone"
        told = f"heavy questions {dict(self.heavy)}, of the other tenant failed {dict(self.failed)}"
        return "\n".join([*lines, f"p95 {self.ratio:.2f} times its own alone", told, left])


def headers(tenant: str) -> dict[str, str]:
    return {"authorization": f"Bearer rt_{tenant}"}


async def timed(ask: Callable[[], Awaitable[httpx.Response]], times: list[float], failed: Counter[str]) -> None:
    began = time.perf_counter()
    try:
        answer = await ask()
        if answer.status_code != 200:
            failed[str(answer.status_code)] += 1
    except httpx.TransportError as error:
        failed[type(error).__name__] += 1
    times.append(time.perf_counter() - began)


async def ask_heavily(client: httpx.AsyncClient, number: int, outcome: Outcome) -> None:
    """Without end; every other caller gives up on its first question after a second."""
    patience = 1.0 if number % 2 else PATIENCE
    while True:
        try:
            answer = await client.get(HEAVY[number % len(HEAVY)], headers=headers("t0"), timeout=patience)
        except httpx.TransportError as error:
            outcome.heavy[type(error).__name__] += 1
        else:
            outcome.heavy[str(answer.status_code)] += 1
            await asyncio.sleep(float(answer.headers.get("retry-after", 0)))
        patience = PATIENCE


async def left_running(client: httpx.AsyncClient) -> int:
    """Questions of the store that still run some seconds after every caller has left."""
    running = 0
    for _ in range(40):
        await asyncio.sleep(0.25)
        text = (await client.get("/metrics")).text
        running = int(float(re.findall(r'sojourn_store_calls_waiting\{call="query"\} (\S+)', text)[0]))
        if not running:
            break
    return running


async def measured(url: str, seconds: float, rounds: int) -> Outcome:
    """What the other tenant saw, alone and for so long beside the heavy questions."""
    outcome = Outcome()
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=url, limits=limits) as heavy,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as other,
    ):

        async def dau(times: list[float]) -> None:
            await timed(lambda: other.get("/v1/metrics/dau", headers=headers("t1")), times, outcome.failed)

        for _ in range(3):
            await dau([])
        for _ in range(rounds):
            await dau(outcome.alone)
        callers = [asyncio.create_task(ask_heavily(heavy, number, outcome)) for number in range(AT_ONCE)]
        await asyncio.sleep(1)
        ends = time.monotonic() + seconds

        async def probe() -> None:
            while time.monotonic() < ends:
                await timed(lambda: other.get("/readyz"), outcome.probes, outcome.failed)
                await asyncio.sleep(0.1)

        probing = asyncio.create_task(probe())
        while time.monotonic() < ends:
            await dau(outcome.meanwhile)
        await probing
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        outcome.left_running = await left_running(other)
    return outcome


def run(folder: Path, events: int, seconds: float, rounds: int) -> Outcome:
    """Fill a store with the tenants' events, serve it, and measure."""
    stocked(folder, events)
    service = Service(folder, tenants=None, environment={"SOJOURN_KEEP_SHARE": "0"})
    service.start(120)
    try:
        return asyncio.run(measured(service.url, seconds, rounds))
    finally:
        with contextlib.suppress(Exception):
            service.terminate()
        service.kill()


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument(
        "--events", type=int, default=600_000, help="of eight tenants, the largest 30 %% (default: 600000)"
    )
    read.add_argument("--seconds", type=float, default=60, help="how long the heavy questions go on (default: 60)")
    read.add_argument("--rounds", type=int, default=40, help="answers of the other tenant alone (default: 40)")
    read.add_argument("--folder", type=Path, default=None, help="where the store is, to be used again")
    given = read.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        print(run(given.folder or Path(temporary) / "stock", given.events, given.seconds, given.rounds).table())


if __name__ == "__main__":
    main()
