"""Ingest as one would first write it: FastAPI, a pydantic model, and aiokafka, waiting for `acks=all`.

What `tests.bench.ingest` compares ours with. It checks no key, no origin, no limits and no properties, and writes one
record of Kafka an event; nothing else was made slow on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel

TOPIC = "plain"


class Event(BaseModel):
    """The envelope of docs/protocols.md#native-format."""

    messageId: str  # noqa: N815 -- as it is sent
    event: str
    timestamp: datetime
    userId: str | None = None  # noqa: N815
    anonymousId: str | None = None  # noqa: N815
    sessionId: str | None = None  # noqa: N815
    context: dict[str, Any] = {}
    properties: dict[str, Any] = {}


class Batch(BaseModel):
    """Many of them."""

    events: list[Event]


def app(bootstrap: str) -> FastAPI:
    """`POST /single` with one event and `POST /batch` with many."""
    producers: list[AIOKafkaProducer] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        producers.append(AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all"))
        await producers[0].start()
        yield
        await producers[0].stop()

    routes = FastAPI(lifespan=lifespan)

    @routes.post("/single", status_code=202)
    async def single(event: Event) -> dict[str, int]:
        await producers[0].send_and_wait(TOPIC, event.model_dump_json().encode())
        return {"accepted": 1}

    @routes.post("/batch", status_code=202)
    async def batch(batch: Batch) -> dict[str, int]:
        sent = [await producers[0].send(TOPIC, event.model_dump_json().encode()) for event in batch.events]
        await asyncio.gather(*sent)
        return {"accepted": len(sent)}

    return routes
