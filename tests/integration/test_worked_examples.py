"""The worked example of each metric's declaration: sent as written there, it comes back as promised there.

Each example is a tenant of one store, so that none sees another's events. A usual run reads the pages of some.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ingest.accept import accept
from query_api.app import router
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric
from schemas.periods import parse_instant
from schemas.record import Frame
from schemas.tenants import Tenants
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.reference.harness import filled, served, shape
from tests.rotation import of_each, some

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
NOW = parse_instant("2026-12-24T10:00:00Z", "UTC")
PAGED = some(of_each(shape, [*METRICS], "pages"), 6, "shapes of pages")
"""Metrics whose rows are read one by one, too."""


@dataclass
class Service:
    """One that has every example, each sent twice."""

    http: httpx.AsyncClient

    async def get(self, name: str, path: str, query: Mapping[str, Any]) -> Any:
        """As the tenant of this metric's example reads it."""
        headers = {"authorization": f"Bearer rt-{name}"}
        return (await self.http.get(f"/v1/metrics/{path}", params=dict(query), headers=headers)).json()


def _frame(name: str, metric: Metric) -> Frame:
    numbers = itertools.count()
    assert metric.example is not None
    body = json.dumps({"events": list(metric.example.events)}).encode()
    taken = accept(body, tenant=name, received_at=NOW, random_id=lambda: str(next(numbers)))
    assert not taken.rejected
    return taken.frame


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(engine_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    path = tmp_path_factory.mktemp("examples") / "tenants.json"
    tenants = [{"id": name, "currency": "EUR", "read_tokens": [f"rt-{name}"]} for name in METRICS]
    path.write_text(json.dumps({"tenants": tenants}))
    frames = [_frame(name, metric) for name, metric in METRICS.items()]
    async with filled(engine_dsn, ()) as store:
        await write(Processor(store), [*frames, *frames])
        app = served(router(store, Tenants(path), lambda: NOW))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sojourn") as http:
            yield Service(http)


def holds(given: Any, expected: Any) -> bool:
    """Whether all that is expected is there; more may be."""
    if isinstance(expected, dict):
        return all(holds(given[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(given) == len(expected) and all(map(holds, given, expected))
    return bool(given == expected)


@pytest.mark.parametrize("name", METRICS)
async def test_the_example_of_a_declaration_is_true(service: Service, name: str) -> None:
    example = METRICS[name].example
    assert example is not None
    given = await service.get(name, name, example.query)
    assert holds(given, example.expected), given
    query = {key: value for key, value in example.query.items() if key != "segment"}
    explained = await service.get(name, f"{name}/explain", query)
    assert explained["total"] == len(explained["rows"])
    counted = [row for row in explained["rows"] if row["counted"] != "excluded"]
    assert len(counted) == given["n"]
    assert all(row["message_ids"] for row in counted)
    if name in PAGED:
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await service.get(name, f"{name}/explain", {**query, "limit": "1", **cursor})
            assert page["total"] == explained["total"]
            rows += page["rows"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert rows == explained["rows"], "pages of one row list the same as one page"
