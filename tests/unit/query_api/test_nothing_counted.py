"""Where the store has no rows at all every metric still has an answer, cut by segments or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from query_api.count import count
from query_api.parameters import parse
from schemas.metrics import METRICS
from schemas.tenants import Tenants
from tests.reference.harness import TENANT


class Empty:
    async def query(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        return []

    async def insert(self, table: str, columns: Any) -> None:
        raise NotImplementedError

    async def command(self, sql: str, parameters: Any = None) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("name", METRICS)
async def test_no_rows_are_an_answer(name: str, tmp_path: Path) -> None:
    (tmp_path / "tenants.json").write_text(json.dumps({"tenants": [TENANT]}))
    (tenant,) = Tenants(tmp_path / "tenants.json").all
    for definition in METRICS[name].definitions:
        question = parse(METRICS[name], [("definition", definition)], tenant, 1_790_000_000_000).question
        (total,) = await count(Empty(), question)
        assert (total.n, dict(total.excluded)) == (0, {})
