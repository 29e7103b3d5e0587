"""The dashboard over numbers that a test sets: the real routes and page behind a real server, without a store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from query_api.answer import body
from query_api.app import router
from query_api.count import Unit
from query_api.live import Live, Pace
from query_api.parameters import parse
from query_api.problem_app import problems
from query_api.question import Cell, Question, Scored
from query_api.service import Answers, Lag
from query_api.sse import Times
from query_api.story import Happened, moments
from schemas.metrics import METRICS
from schemas.periods import DAY_MS
from schemas.ports import Store, StoreUnavailable
from schemas.tenants import Tenant, Tenants
from tests.waiting import until

TOKEN = "rt_board"
TENANT = {"id": "board", "timezone": "Europe/Berlin", "write_keys": ["wk_board"], "read_tokens": [TOKEN]}
QUICK = Pace(round=0.1, linger=1.0)
MEMBERS = ("mobile", "desktop", None)


class Board:
    """What the page is shown. `size` is how many units each window has; a metric in `broken` is refused."""

    def __init__(self) -> None:
        self.size = 240
        self.stored = 5000
        self.age_ms = 400
        self.broken: set[str] = set()
        self.revisions: list[tuple[Any, ...]] = []
        self.published: dict[str, tuple[int, dict[str, Any]]] = {}
        self.counts = asyncio.Event()
        self.counts.set()
        self.url = ""
        self.live: Live | None = None

    def listening(self) -> int:
        """How many streams are open."""
        assert self.live is not None
        return self.live.listeners

    def watermark(self) -> int:
        return time.time_ns() // 1_000_000 - self.age_ms

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        if "FROM revisions" in sql:
            return self.restated(parameters or {})
        if "FROM metric_" in sql:
            return self.kept(parameters or {})
        return [(0,)] if "dead_letters" in sql else [(self.stored,)]

    def restated(self, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The revisions that are set, as the store lists them: after a place, the latest first."""
        place = asked["at"], asked["start"], asked["end"]
        later = [row for row in sorted(self.revisions, reverse=True) if row[:3] < place]
        return later[: asked["limit"]]

    def publish(self, *, size: int, age_ms: int) -> dict[str, dict[str, Any]]:
        """Publish an answer of every metric over so many units, so old; the answers."""
        watermark, tenant = self.watermark() - age_ms, Tenant.model_validate({"id": TENANT["id"]})
        for name, metric in METRICS.items():
            request = parse(metric, [("compare", "previous")], tenant, watermark)
            cells = [_cell(request.question, size, 0.5)]
            self.published[name] = watermark, body(request, cells, cells, watermark)
        return {name: content for name, (_, content) in self.published.items()}

    def kept(self, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The published answer that is set; no buckets."""
        known = self.published.get(asked.get("metric", ""))
        return [(known[0], json.dumps(known[1]))] if known and "window" in asked else []

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError

    async def count(self, store: Store, question: Question) -> Sequence[Cell]:
        if question.metric.name in self.broken:
            raise StoreUnavailable("set by the test")
        await self.counts.wait()
        days_ago = (time.time_ns() // 1_000_000 - question.start) // DAY_MS
        share = 0.4 + 0.05 * (days_ago % 5)  # other windows, other numbers; and the same whatever day it is
        whole = _cell(question, self.size, share)
        if not question.segments:
            return [whole]
        parts = [_cell(question, self.size // (place + 2), share + 0.1 * place) for place in range(len(MEMBERS))]
        others = ("DE",) * (len(question.segments) - 1)
        return [whole, *(replace(part, segment=(name, *others)) for part, name in zip(parts, MEMBERS, strict=True))]

    async def explain(
        self, store: Store, question: Question, after: tuple[int, str] | None, limit: int
    ) -> tuple[int, Sequence[Unit]]:
        all_units = [_unit(question.start, place) for place in range(45)]
        if question.unit_id:
            added = Happened(question.start, "product_added", "e1", "req1")
            told = (question.start + 5000,) * len(moments(question))
            return 1, [
                replace(unit, events=(added,), moments=told) for unit in all_units if unit.id == question.unit_id
            ]
        left = [unit for unit in all_units if after is None or (unit.entered, unit.id) > after]
        return len(all_units), left[:limit]


def _unit(start: int, place: int) -> Unit:
    entered = start + place * 60_000
    return Unit(
        id=f"c{place:03}",
        entered=entered,
        person=f"u:p{place}",
        reason=None,
        outcome_id=f"o{place}",
        outcome_at=entered + 5000,
        duration=5000,
        counted="numerator",
        event_ids=["e"],
        message_ids=["m"],
    )


def _cell(question: Question, n: int, share: float) -> Cell:
    """So many units of whatever the metric counts, those of the last two hours not settled yet."""
    hits = round(n * share)
    hour = 3_600_000
    is_open = question.end > question.at - 2 * hour
    ages = tuple(range(hour, hour + hits * 1000, 1000))
    return Cell(
        n=n,
        numerator=hits,
        denominator=n,
        mature=n - 9 if is_open else n,
        persons=max(1, n * 3 // 4),
        durations=ages,
        values={1999: n - hits, 5999: hits},
        events=dict.fromkeys(ages, 1),
        censored={2 * hour: n - hits},
        scores=[Scored("", Fraction(9), True, hits), Scored("", Fraction(4), False, n - hits)],
        classes={"buy": hits, "look": n - hits},
        headline="buy",
        excluded={"bot": 3},
        by_currency={"EUR": (hits * 4999, hits)},
    )


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Board]:
    """The board behind a port of its own."""
    board = Board()
    path = folder / "tenants.json"
    path.write_text(json.dumps({"tenants": [TENANT]}))
    tenants = Tenants(path)
    live = board.live = Live(Answers(board, board.watermark, board.count, board.explain), tenants, QUICK)
    app = FastAPI()
    app.include_router(
        router(
            board, tenants, board.watermark, lambda: Lag(0, board.age_ms / 1000), count=board.count,
            explain=board.explain, live=live, times=Times(watermark=0.2), takes_events=True,
        )
    )  # fmt: skip
    problems(app)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started, 10)
    board.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield board
    finally:
        live.close()
        server.should_exit = True
        await running
