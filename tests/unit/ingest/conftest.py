"""An ingest with two tenants before a log in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.service import Ingest
from schemas.tenants import Tenants
from tests.unit.ingest.memory_log import SECRET, MemoryLog

NOW = 1_795_255_200_000


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
        max_pending_bytes=100_000,
    )
