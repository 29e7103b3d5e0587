"""How long each metric takes from facts on a large tenant: a table, and the question that is worst.

Run by `make bench`. The events are generated straight into records (ingest is not what is measured here) and folded
by the real processors; every metric and some funnels are asked over a day and over 28 days, total and with one segment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from query_api.count import count
from query_api.funnel_count import FunnelCell, count_funnel
from query_api.funnel_question import parse_funnel
from query_api.question import Cell, Question
from schemas.metrics import METRICS
from schemas.metrics.metric import DEFAULT, Kind, Metric, Shape
from schemas.periods import DAY_MS, format_instant, parse_duration
from schemas.record import Frame, Record, encode
from schemas.tenants import Tenant
from stream_processors.processor import Processor

END_MS = 1_795_000_000_000
DAYS = 60
BATCH = 20_000
_CART = "product_added,checkout_started,order_completed"
FUNNELS: Mapping[str, Mapping[str, str]] = {
    "funnels: from the cart": {"steps": _CART},
    "funnels: from a visit": {"steps": f"page_viewed,{_CART}"},
    "funnels: strict": {"steps": _CART, "order": "strict"},
    "funnels: unordered": {"steps": _CART, "order": "unordered"},
    "funnels: the journey": {},
}
_COUNTRIES = ("DE", "AT", "CH", "FR", "")
_DEVICES = ("mobile", "desktop", "tablet")


def _record(rng: random.Random, number: int, moment: int, name: str, person: int, **properties: Any) -> Record:
    known = person % 5 == 0
    return Record(
        tenant="bench",
        source="native",
        event_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        message_id=f"m{number}",
        name=name,
        raw_name=name,
        time=moment,
        received_at=moment + 500,
        hash=number,
        user_id=f"u{person}" if known else "",
        anonymous_id=f"a{person}",
        session_id=f"s{person}-{moment // 7_200_000}",
        country=_COUNTRIES[person % 5],
        device=_DEVICES[person % 3],
        channel="web",
        traits={"plan": "pro" if person % 7 else "free"} if known else {},
        properties=msgspec.Raw(msgspec.json.encode(properties)),
    )


def records(events: int, seed: int = 1) -> Iterator[Record]:
    """`events` records over 60 days: 78 % visits, the rest carts, orders and tickets."""
    rng = random.Random(seed)
    people = max(1000, events // 20)
    number = 0
    while number < events:
        moment = END_MS - rng.randrange(DAYS * DAY_MS)
        person = rng.randrange(people)
        kind = rng.random()
        steps: list[tuple[int, str, dict[str, Any]]]
        if kind < 0.93:
            steps = [(0, "page_viewed", {"path": "/"})]
        elif kind < 0.985:
            cart = f"c{number}"
            steps = [(0, "product_added", {"cart_id": cart, "product_id": "p1", "quantity": 1})]
            steps += [(60_000, "checkout_started", {"cart_id": cart, "checkout_id": f"k{number}"})]
            if rng.random() < 0.3:
                steps += [(120_000, "order_completed", {"order_id": f"o{number}", "total": 19.9, "cart_id": cart})]
        else:
            ticket = f"t{number}"
            wait = int(rng.lognormvariate(16, 1.5))
            steps = [
                (0, "ticket_created", {"ticket_id": ticket, "priority": "normal"}),
                (
                    wait // 3,
                    "ticket_replied",
                    {"ticket_id": ticket, "author_type": "agent", "agent_id": f"g{wait % 9}"},
                ),
                (wait, "ticket_solved", {"ticket_id": ticket}),
            ]
        for delay, name, properties in steps:
            number += 1
            yield _record(rng, number, moment + delay, name, person, **properties)


async def fill(store: ClickHouseStore, events: int) -> float:
    """Fold the events into the store; seconds."""
    processor, began, lines = Processor(store), time.perf_counter(), []
    for record in records(events):
        lines.append(encode(record))
        if len(lines) == BATCH:
            await processor.write([Frame(END_MS, lines)])
            lines = []
    await processor.write([Frame(END_MS, lines)])
    return time.perf_counter() - began


def question(metric: Metric, days: int, segments: tuple[str, ...]) -> Question:
    """The metric with its defaults over the last `days`; states keep their own span."""
    parameters: dict[str, Any] = {}
    metric = metric.defined(DEFAULT)
    for each in metric.parameters:
        value: Any = each.default
        if value is not None and each.kind is Kind.DURATION:
            value = parse_duration(value)
        elif value is not None and each.kind is Kind.INTEGER:
            value = int(value)
        elif value is not None and each.kind is Kind.NAMES:
            value = tuple(value.split(","))
        elif each.kind is Kind.BOOLEAN:
            value = value == "true"
        parameters[each.name] = value
    span = days
    if metric.shape in (Shape.DISTINCT, Shape.STICKINESS):
        span = int(parameters.get("days") or metric.options["days"])
    asked = Question(metric, "bench", "EUR", "UTC", END_MS - span * DAY_MS, END_MS, END_MS, parameters)
    return replace(asked, segments=segments)


async def measure(store: ClickHouseStore, rounds: int) -> list[dict[str, Any]]:
    """Median and worst milliseconds of every question."""
    rows = []
    for name, metric in METRICS.items():
        for days in (1, 28):
            for segments in ((), ("country",)):
                asked = question(metric, days, segments)
                rows.append(await _timed(partial(count, store, asked), rounds, name, days, segments))
    return rows


async def measure_funnels(store: ClickHouseStore, rounds: int) -> list[dict[str, Any]]:
    """The same of funnels: from a rare event, from a frequent one, in any order, and the journey."""
    tenant, rows = Tenant(id="bench", timezone="UTC"), []
    for name, query in FUNNELS.items():
        for days in (1, 28):
            for segments in ((), ("country",)):
                window = [("window", f"P{days}D"), ("at", format_instant(END_MS)), *(("segment", s) for s in segments)]
                asked = parse_funnel([*query.items(), *window], tenant, END_MS)
                rows.append(await _timed(partial(count_funnel, store, asked), rounds, name, days, segments))
    return rows


async def _timed(
    ask: Callable[[], Awaitable[Sequence[Cell | FunnelCell]]],
    rounds: int,
    name: str,
    days: int,
    segments: Sequence[str],
) -> dict[str, Any]:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        cells = await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return {
        "metric": name,
        "days": days,
        "segment": ",".join(segments),
        "n": cells[0].n,
        "median_ms": round(statistics.median(taken), 1),
        "worst_ms": round(max(taken), 1),
    }


async def main(events: int, rounds: int, out: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ClickHouseStore(f"chdb://{folder}/store")
        await store.open()
        await migrate(store)
        seconds = await fill(store, events)
        stored = (await store.query("SELECT count() FROM events"))[0][0]
        print(f"{stored} events folded and stored in {seconds:.0f} s ({stored / seconds:.0f} events/s)")
        rows = await measure(store, rounds) + await measure_funnels(store, rounds)
        await store.close()
    print(f"{'metric':28}{'days':>5}{'segment':>10}{'n':>10}{'median ms':>12}{'worst ms':>11}")
    for row in rows:
        print(
            f"{row['metric']:28}{row['days']:>5}{row['segment']:>10}{row['n']:>10}{row['median_ms']:>12}{row['worst_ms']:>11}"
        )
    worst = max(rows, key=lambda row: row["median_ms"])
    print(
        f"worst: {worst['metric']} over {worst['days']} days by {worst['segment'] or 'nothing'}: "
        f"{worst['median_ms']} ms"
    )
    if out:
        out.write_text(json.dumps({"events": stored, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.events, options.rounds, options.out)))
