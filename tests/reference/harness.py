"""The product in one process, fed and asked by its real parts: accept, fold, store, then HTTP over ASGI."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from deploy.store import ClickHouseStore
from ingest.accept import accept
from query_api.app import router
from query_api.problem_app import problems
from schemas.metrics import METRICS
from schemas.metrics.metric import Shape
from schemas.record import Frame
from schemas.tenants import Tenants
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.databases import lent
from tests.reference.copies import instant

WATERMARK = "2026-12-24T10:00:00.120Z"
TENANT = {"id": "demo", "timezone": "Europe/Berlin", "currency": "EUR", "read_tokens": ["rt"]}


def frame(delivery: Mapping[str, Any]) -> Frame:
    """One batch as it would have been taken at its time; a batch of which anything is refused is a mistake here."""
    received = instant(delivery["received_at"])
    assert received is not None
    numbers = itertools.count()
    body: dict[str, Any] = {"events": delivery["events"]}
    taken = accept(
        json.dumps(body).encode(),
        tenant="demo",
        received_at=received,
        random_id=lambda: str(next(numbers)),
        sent_at=delivery.get("sent_at"),
        zone=str(TENANT["timezone"]),
    )
    assert not taken.rejected, taken.rejected
    return taken.frame


async def feed(store: ClickHouseStore, deliveries: Iterable[Mapping[str, Any]], at_once: int = 20) -> None:
    """Store the deliveries as they come, so many at once."""
    writes, frames = Processor(store), map(frame, deliveries)
    while some := list(itertools.islice(frames, at_once)):
        await write(writes, some)


def served(api: APIRouter) -> FastAPI:
    """An application of these routes as they are: `include_router` makes each again, as slowly as it was made."""
    app = FastAPI()
    app.router.routes.extend(api.routes)
    problems(app)
    return app


@asynccontextmanager
async def reader(
    store: ClickHouseStore, folder: Path, questions: Sequence[Mapping[str, Any]] = (), **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may read what is stored; the tenant's surveys ask these questions, it has these other settings."""
    path, watermark = folder / "tenants.json", instant(WATERMARK)
    path.write_text(
        json.dumps({"tenants": [{**TENANT, **({"questions": questions} if questions else {}), **settings}]})
    )
    assert watermark is not None
    app = served(router(store, Tenants(path), lambda: watermark))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://sojourn", headers={"authorization": "Bearer rt"}
    ) as client:
        yield client


def path(metric: str) -> str:
    """Where it is asked for: funnels and the retention triangle have routes of their own."""
    return f"/v1/{metric}" if metric in {"funnels", "retention"} else f"/v1/metrics/{metric}"


def shape(metric: str) -> Shape:
    """Kind of number that a metric is, of which each run takes some."""
    return METRICS[metric].shape


async def ask(client: httpx.AsyncClient, metric: str, query: Mapping[str, Any]) -> bytes:
    """The body of an answer."""
    response = await client.get(path(metric), params=dict(query), timeout=120)
    assert response.status_code == 200, (metric, query, response.text)
    return response.content


async def answers(
    store: ClickHouseStore,
    folder: Path,
    asked: Iterable[tuple[str, Mapping[str, Any]]],
    questions: Sequence[Mapping[str, Any]] = (),
) -> list[bytes]:
    """The bodies of answers to (metric, query)."""
    async with reader(store, folder, questions) as client:
        return [await ask(client, metric, query) for metric, query in asked]


@dataclass(frozen=True, slots=True)
class Filled:
    """A store in which something has happened, and a client that may read it."""

    store: ClickHouseStore
    client: httpx.AsyncClient


@asynccontextmanager
async def filled_and_read(
    dsn: str, folder: Path, deliveries: Iterable[Mapping[str, Any]], questions: Sequence[Mapping[str, Any]]
) -> AsyncIterator[Filled]:
    """Only these deliveries, as a tenant whose surveys ask these questions reads them."""
    async with filled(dsn, deliveries) as store, reader(store, folder, questions) as client:
        yield Filled(store, client)


@asynccontextmanager
async def filled(dsn: str, deliveries: Iterable[Mapping[str, Any]]) -> AsyncIterator[ClickHouseStore]:
    """A database with only these deliveries."""
    async with lent(dsn) as store:
        await feed(store, deliveries)
        yield store
