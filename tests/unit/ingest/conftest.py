"""A log that keeps frames in memory and can be told to fail, and an ingest with two tenants before it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from ingest.service import Ingest
from schemas.ports import LogUnavailable
from schemas.record import Frame, Record, decode_records
from schemas.tenants import Tenants

NOW = 1_795_255_200_000
SECRET = "zendesk signing secret"


class MemoryLog:
    """Satisfies `schemas.ports.Log`: returns only once the frame is kept, else raises `LogUnavailable`."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.failing = False
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, frame: Frame) -> None:
        await self.open.wait()
        if self.failing:
            raise LogUnavailable("the disk is full", retry_after=7)
        self.frames.append(frame)

    def ready(self) -> bool:
        return not self.failing

    @property
    def records(self) -> list[Record]:
        return [record for frame in self.frames for record in decode_records(frame.records)]


@pytest.fixture
def tenants(tmp_path: Path) -> Tenants:
    path = tmp_path / "tenants.json"
    sources = [{"id": "zd1", "kind": "zendesk", "secrets": ["an older one", SECRET]}]
    demo = {"id": "demo", "write_keys": ["wk_demo"], "read_tokens": ["rt_demo"], "sources": sources}
    shop = {"id": "shop", "write_keys": ["wk_shop"], "allowed_origins": ["https://shop.example", "https://*.shop.de"]}
    path.write_text(json.dumps({"tenants": [demo, shop]}), encoding="utf-8")
    return Tenants(path)


@pytest.fixture
async def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
async def ingest(log: MemoryLog, tenants: Tenants) -> Ingest:
    return Ingest(
        log,
        tenants,
        clock=lambda: NOW,
        random_id=lambda: "random",
        jitter=lambda: 0.0,
        deadline_seconds=0.05,
        max_pending_bytes=100_000,
    )
