"""A store with many events of several tenants, the largest with 30 %, ending now: what the benches of reading ask.

Filling it takes minutes, so that it can be kept in a folder and used again while it is young: the rolling windows
end now, and a stock of yesterday has nothing in them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from schemas.record import Frame, encode
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.bench.journeys import QUESTIONS, Shop, records

SHARES = (0.30, 0.20, 0.15, 0.12, 0.10, 0.06, 0.04, 0.03)
LARGEST = "t0"
CHUNK = 20_000
AHEAD = 3
TOLD_EVERY = 1_000_000
YOUNG_SECONDS = 6 * 3_600


def tenants() -> dict[str, Any]:
    """The tenants file of a service on the stock."""
    own = {"timezone": "Europe/Berlin", "currency": "EUR", "allowed_origins": ["*"], "questions": list(QUESTIONS)}
    return {
        "tenants": [
            {"id": f"t{number}", "write_keys": [f"wk_t{number}"], "read_tokens": [f"rt_t{number}"], **own}
            for number, _ in enumerate(SHARES)
        ]
    }


def chunk(shop: Shop, events: int, number: int) -> tuple[int, list[bytes]]:
    """One frame's events, encoded; made by a process of its own, for it takes as long as folding them."""
    return shop.end, [encode(record) for record in records(events, shop, seed=number, first=number * CHUNK)]


def _chunks(events: int, end: int) -> Iterator[tuple[Shop, int, int]]:
    for number, share in enumerate(SHARES):
        own = int(events * share)
        shop = Shop.of(own, f"t{number}", end)
        for place, begun in enumerate(range(0, own, CHUNK)):
            yield shop, min(CHUNK, own - begun), place


async def fill(store: ClickHouseStore, events: int, end: int) -> None:
    """Fold and store about that many events."""
    processor, began, done = Processor(store), time.perf_counter(), 0
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        todo = _chunks(events, end)
        waiting = deque(loop.run_in_executor(pool, chunk, *each) for each in islice(todo, AHEAD))
        while waiting:
            received, lines = await waiting.popleft()
            waiting.extend(loop.run_in_executor(pool, chunk, *each) for each in islice(todo, 1))
            await write(processor, [Frame(received, lines)])
            done += len(lines)
            if done // TOLD_EVERY > (done - len(lines)) // TOLD_EVERY:
                print(f"{done} events, {done / (time.perf_counter() - began):.0f} a second", flush=True)


def stocked(folder: Path, events: int) -> float:
    """Fill a folder with `sojourn serve`'s store, unless it holds as many and is young; seconds that it took."""
    note = folder / "stock.json"
    if note.exists():
        told = json.loads(note.read_text())
        if told["events"] == events and time.time() - told["at"] < YOUNG_SECONDS:
            print(f"the stock in {folder} is used again")
            return 0.0
        raise SystemExit(f"{folder} holds another stock or an old one: remove it, or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tenants.json").write_text(json.dumps(tenants()))
    began = time.time()

    async def work() -> int:
        store = ClickHouseStore(f"chdb://{folder / 'store'}", insert_seconds=120)
        await store.open()
        await migrate(store)
        await fill(store, events, int(began * 1000))
        ((stored,),) = await store.query("SELECT count() FROM events")
        await store.close()
        return int(stored)

    stored, seconds = asyncio.run(work()), time.time() - began
    print(f"{stored} events of {len(SHARES)} tenants in {seconds:.0f} s ({stored / seconds:.0f} a second)")
    note.write_text(json.dumps({"events": events, "at": time.time()}))
    return seconds
