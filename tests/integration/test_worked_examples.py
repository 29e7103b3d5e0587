"""The worked example of each metric's declaration: sent as written there, it comes back as promised there."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.store import ClickHouseStore
from ingest.accept import accept
from query_api.app import router
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.tenants import Tenants
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.rotation import some

pytestmark = pytest.mark.engine
NOW = parse_instant("2026-12-24T10:00:00Z", "UTC")


async def reader(store: ClickHouseStore, folder: Path, events: Any) -> httpx.AsyncClient:
    """A client of a service that has these events, each of them twice."""
    path = folder / "tenants.json"
    path.write_text(json.dumps({"tenants": [{"id": "demo", "currency": "EUR", "read_tokens": ["rt"]}]}))
    numbers = itertools.count()
    taken = accept(
        json.dumps({"events": list(events)}).encode(),
        tenant="demo",
        received_at=NOW,
        random_id=lambda: str(next(numbers)),
    )
    assert not taken.rejected
    await write(Processor(store), [taken.frame, taken.frame])
    app = FastAPI()
    app.include_router(router(store, Tenants(path), lambda: NOW))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://sojourn", headers={"authorization": "Bearer rt"}
    )


def holds(given: Any, expected: Any) -> bool:
    """Whether all that is expected is there; more may be."""
    if isinstance(expected, dict):
        return all(holds(given[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(given) == len(expected) and all(map(holds, given, expected))
    return bool(given == expected)


@pytest.mark.parametrize("name", METRICS)
async def test_the_example_of_a_declaration_is_true(store: ClickHouseStore, tmp_path: Path, name: str) -> None:
    example = METRICS[name].example
    assert example is not None
    async with await reader(store, tmp_path, example.events) as http:
        given = (await http.get(f"/v1/metrics/{name}", params=dict(example.query))).json()
        assert holds(given, example.expected), given
        query = {key: value for key, value in example.query.items() if key != "segment"}
        explained = (await http.get(f"/v1/metrics/{name}/explain", params=query)).json()
        assert explained["total"] == len(explained["rows"])
        counted = [row for row in explained["rows"] if row["counted"] != "excluded"]
        assert len(counted) == given["n"]
        assert all(row["message_ids"] for row in counted)


@pytest.mark.parametrize("name", some([*METRICS], 10, "pages"))
async def test_pages_of_one_row_list_the_same_as_one_page(store: ClickHouseStore, tmp_path: Path, name: str) -> None:
    example = METRICS[name].example
    assert example is not None
    path = f"/v1/metrics/{name}/explain"
    async with await reader(store, tmp_path, example.events) as http:
        whole = (await http.get(path, params=dict(example.query))).json()
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await http.get(path, params={**example.query, "limit": "1", **cursor})).json()
            assert page["total"] == whole["total"]
            rows += page["rows"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert rows == whole["rows"]
