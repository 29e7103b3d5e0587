"""How long each metric takes from facts on a large tenant: a table, and the question that is worst.

Run by `make bench`. The events are generated straight into records (ingest is not what is measured here) and folded
by the real processors; every metric and some funnels are asked over a day and over 28 days, total and with one segment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deploy.migrate import migrate
from deploy.store import ClickHouseStore
from query_api.count import count
from query_api.funnel_count import FunnelCell, count_funnel
from query_api.funnel_question import parse_funnel
from query_api.parameters import parse
from query_api.question import Cell, Question
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric
from schemas.periods import format_instant
from schemas.ports import StoreUnavailable
from schemas.record import Frame, encode
from schemas.tenants import SurveyQuestion, Tenant
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.bench.journeys import END_MS, QUESTIONS, TENANT, records

BATCH = 20_000
_CART = "product_added,checkout_started,order_completed"
FUNNELS: Mapping[str, Mapping[str, str]] = {
    "funnels: from the cart": {"steps": _CART},
    "funnels: from a visit": {"steps": f"page_viewed,{_CART}"},
    "funnels: strict": {"steps": _CART, "order": "strict"},
    "funnels: unordered": {"steps": _CART, "order": "unordered"},
    "funnels: the journey": {},
}
TENANT_ASKED = Tenant(id=TENANT, questions=tuple(SurveyQuestion.model_validate(each) for each in QUESTIONS))


async def fill(store: ClickHouseStore, events: int) -> float:
    """Fold the events into the store; seconds."""
    processor, began, lines = Processor(store), time.perf_counter(), []
    for record in records(events):
        lines.append(encode(record))
        if len(lines) == BATCH:
            await write(processor, [Frame(END_MS, lines)])
            lines = []
    await write(processor, [Frame(END_MS, lines)])
    return time.perf_counter() - began


def question(metric: Metric, days: int, segments: tuple[str, ...]) -> Question:
    """The metric with its defaults over the last `days`, read as over HTTP; states keep their own span."""
    query = [("window", f"P{days}D"), ("at", format_instant(END_MS))]
    query += [("segment", ",".join(segments))] if segments else []
    return parse(metric, query, TENANT_ASKED, END_MS).question


async def measure(store: ClickHouseStore, rounds: int) -> list[dict[str, Any]]:
    """Median and worst milliseconds of every question."""
    rows = []
    for name, metric in METRICS.items():
        for days in (1, 28):
            for segments in ((), _cut(metric)):
                asked = question(metric, days, segments)
                rows.append(await _timed(partial(count, store, asked), rounds, name, days, segments))
    return rows


async def measure_funnels(store: ClickHouseStore, rounds: int) -> list[dict[str, Any]]:
    """The same of funnels: from a rare event, from a frequent one, in any order, and the journey."""
    tenant, rows = TENANT_ASKED, []
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
    taken, n = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        try:
            n = (await ask())[0].n
        except StoreUnavailable as error:
            print(f"{name} over {days} days by {','.join(segments) or 'nothing'}: {error}")
        taken.append((time.perf_counter() - began) * 1000)
    return {
        "metric": name,
        "days": days,
        "segment": ",".join(segments),
        "n": n,
        "median_ms": round(statistics.median(taken), 1),
        "worst_ms": round(max(taken), 1),
    }


def _cut(metric: Metric) -> tuple[str, ...]:
    """One segment: the country, else the first that it has."""
    return ("country",) if "country" in metric.segments else metric.segments[:1]


async def main(events: int, rounds: int, out: Path | None) -> int:
    """0, or 1 if a metric had nothing to count: its time says nothing."""
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
    idle = sorted({row["metric"] for row in rows} - {row["metric"] for row in rows if row["n"]})
    if idle:
        print(f"nothing to count (tests/bench/journeys.py makes no events for them): {', '.join(idle)}")
    return int(bool(idle))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.events, options.rounds, options.out)))
