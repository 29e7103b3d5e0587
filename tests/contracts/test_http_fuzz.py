"""Whatever a caller writes: never a 5xx, only documented statuses, content types and bodies."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import ingest.app
from ingest.service import Ingest
from query_api.app import router
from query_api.count import Unit
from query_api.funnel_count import FunnelCell, FunnelUnit, StepCount
from query_api.funnel_question import FunnelRequest
from query_api.problem_app import problems
from query_api.question import Cell, Question
from query_api.sse import Times
from query_api.story import moments
from schemas.ports import Store
from schemas.record import Frame
from schemas.tenants import Tenants
from tests import rotation


class Empty:
    """A store with nothing in it."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        if sql.startswith("SELECT formatQuery"):
            return [((parameters or {})["statement"],)]
        return [(0,)] if sql.startswith("SELECT uniqExact") else []

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError


class Taking:
    """A log that takes everything and keeps nothing."""

    async def append(self, frame: Frame) -> None:
        return None

    def ready(self) -> bool:
        return True


async def count(store: Store, question: Question) -> Sequence[Cell]:
    return [Cell(), *([Cell(segment=("x",) * len(question.segments), n=1)] if question.segments else [])]


async def explain(
    store: Store, question: Question, after: tuple[int, str] | None, limit: int
) -> tuple[int, Sequence[Unit]]:
    told = [question.start for _ in moments(question)]
    return 1, [Unit("c1", question.start, "", None, None, None, None, "numerator", [], [], moments=told)]


async def funnel(store: Store, request: FunnelRequest) -> Sequence[FunnelCell]:
    steps, segments = (StepCount(),) * len(request.labels), request.question.segments
    return [FunnelCell(steps=steps), *([FunnelCell(("x",) * len(segments), 1, 0, {}, steps)] if segments else [])]


async def funnel_units(
    store: Store, request: FunnelRequest, after: tuple[int, str] | None, limit: int
) -> tuple[int, Sequence[FunnelUnit]]:
    start, segments = request.question.start, request.question.segments
    return 1, [FunnelUnit("u:1", start, "u:1", "", [start], ["e"], [], ("x",) * len(segments))]


def application() -> FastAPI:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tenants.json")
        path.write_text(
            json.dumps({"tenants": [{"id": "demo", "read_tokens": ["rt_demo"], "write_keys": ["wk_demo"]}]})
        )
        tenants = Tenants(path, clock=lambda: 0.0)  # no time passes: never read again
    app = FastAPI()
    read = router(
        Empty(),
        tenants,
        lambda: 1_764_000_000_000,
        count=count,
        explain=explain,
        funnel=funnel,
        funnel_units=funnel_units,
        times=Times(longest=0),  # a stream that is over as soon as it has begun
    )
    app.include_router(read)
    app.include_router(ingest.app.router(Ingest(Taking(), tenants)))
    problems(app)
    return app


def operations() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for result in schemathesis.openapi.from_asgi("/openapi.json", application()).get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        found[operation.label] = operation
    return found


OPERATIONS = operations()
EXAMPLES = 50 if rotation.full() else 4
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_query_breaks_the_contract(label: str) -> None:
    key = "wk_demo" if label.startswith("POST") else "rt_demo"

    @seed(rotation.seed())
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    ask()
