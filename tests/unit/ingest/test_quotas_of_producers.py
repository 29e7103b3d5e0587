"""Producers that send more than their quota: 429 with the time to wait, and only what was taken is paid for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.http import Response
from ingest.service import Ingest
from schemas.quotas import Meters
from schemas.tenants import Tenants
from tests.unit.ingest.memory_log import MemoryLog

KEY = {"x-write-key": "wk_a"}


@pytest.fixture
def tight(tmp_path: Path, log: MemoryLog) -> Ingest:
    quotas = {"events": {"per_second": 2, "burst": 10}, "bytes": {"per_second": 1000, "burst": 100_000}}
    tenant = {"id": "a", "write_keys": ["wk_a"], "quotas": quotas}
    path = tmp_path / "tight.json"
    path.write_text(json.dumps({"tenants": [tenant, {"id": "b", "write_keys": ["wk_b"]}]}))
    return Ingest(log, Tenants(path), random_id=lambda: "r", jitter=lambda: 0.0, meters=Meters(lambda: 0.0))


async def send(ingest: Ingest, count: int, path: str = "/v1/events", **headers: str) -> Response:
    items = [{"event": "page", "type": "page", "messageId": f"m{n}"} for n in range(count)]
    body = {"events": items, "batch": items, "writeKey": "wk_a"}
    return await ingest.handle("POST", path, headers, {}, json.dumps(body).encode())


@pytest.mark.parametrize(("path", "good"), [("/v1/events", 202), ("/v1/batch", 200)])
async def test_a_used_up_quota_is_429_with_the_time_to_wait(
    tight: Ingest, log: MemoryLog, path: str, good: int
) -> None:
    assert (await send(tight, 30, path, **KEY)).status == good
    refused = await send(tight, 1, path, **KEY)
    assert (refused.status, refused.headers["retry-after"]) == (429, "10")
    assert json.loads(refused.body)["code"] == "quota_exceeded"
    assert len(log.records) == 30
    assert (await send(tight, 30, path, **{"x-write-key": "wk_b"})).status == good


async def test_a_key_in_the_body_draws_on_the_same_quota(tight: Ingest) -> None:
    assert (await send(tight, 30)).status == 202
    assert (await send(tight, 1)).status == 429
    assert (tight.budget.held, tight.strangers.held) == (0, 0)


async def test_what_the_log_did_not_take_costs_nothing(tight: Ingest, log: MemoryLog) -> None:
    log.failing = True
    assert (await send(tight, 30, **KEY)).status == 503
    log.failing = False
    assert (await send(tight, 9, **KEY)).status == 202


async def test_items_that_were_refused_cost_as_much(tight: Ingest) -> None:
    bad = json.dumps([{"event": ""}] * 20).encode()
    assert (await tight.handle("POST", "/v1/events", KEY, {}, bad)).status == 422
    assert (await send(tight, 1, **KEY)).status == 429
