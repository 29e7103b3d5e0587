"""What the routes of funnels promise over HTTP: who may read, what is cached, pages of people, what OpenAPI tells."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from query_api.app import router
from query_api.funnel_count import FunnelCell, FunnelUnit, StepCount
from query_api.funnel_question import FunnelRequest
from query_api.models_app import add_models
from query_api.problem_app import problems
from schemas.errors import PROBLEMS
from schemas.metrics.funnels import FUNNELS
from schemas.periods import parse_instant
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.tenants import Tenants

LOGS = Path(__file__).parents[1] / "logs"
TENANTS = {
    "tenants": [
        {"id": "demo", "write_keys": ["wk_demo"], "read_tokens": ["rt_demo"], "allowed_origins": ["https://b.example"]},
        {"id": "other", "read_tokens": ["rt_other"]},
    ]
}
READ = {"authorization": "Bearer rt_demo"}
ROUTES = ("/v1/funnels", "/v1/funnels/people")
STEPS = "steps=product_viewed,product_added"
UNITS = [
    FunnelUnit(f"u:u{n}", 1000 * (n // 2), f"u:u{n}", "", [1000 * (n // 2), 5000], ["e1", "e2"], ["m1", "m2"], ())
    for n in range(5)
]


class Counted:
    """A store of nobody's and a count of one's own choice."""

    def __init__(self) -> None:
        self.watermark = parse_instant("2026-11-22T10:00:03.120Z", "UTC")
        self.failure: Exception | None = None
        self.people = 4
        self.asked: list[FunnelRequest] = []

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError

    async def count(self, store: Store, request: FunnelRequest) -> Sequence[FunnelCell]:
        self.asked.append(request)
        if self.failure:
            raise self.failure
        steps = [StepCount(self.people), *[StepCount(0, (), (), self.people)] * (len(request.labels) - 1)]
        total = FunnelCell((), self.people, self.people, {"bot": 1}, steps)
        named = ("DE",) * len(request.question.segments)
        return [total, FunnelCell(named, self.people, self.people, {}, steps)] if named else [total]

    async def list_units(
        self, store: Store, request: FunnelRequest, after: tuple[int, str] | None, limit: int
    ) -> tuple[int, Sequence[FunnelUnit]]:
        self.asked.append(request)
        later = [unit for unit in UNITS if after is None or (unit.entered, unit.id) > after]
        named = ("DE",) * len(request.question.segments)
        return len(UNITS), [replace(unit, segment=named) for unit in later[:limit]]


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
async def http(counted: Counted, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps(TENANTS))
    app = FastAPI()
    app.include_router(
        router(counted, Tenants(path), lambda: counted.watermark, funnel=counted.count, funnel_units=counted.list_units)
    )
    add_models(app)
    problems(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sojourn") as client:
        yield client


def is_problem(response: httpx.Response, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert (told["code"], told["status"]) == (code, response.status_code)
    assert response.status_code == PROBLEMS[code].status
    return told


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("nobody", 401), ("wk_demo", 403), ("rt_demo", 200), ("rt_other", 200)]
)
async def test_only_a_read_token_reads(http: httpx.AsyncClient, path: str, token: str, status: int) -> None:
    response = await http.get(path, headers={"authorization": f"Bearer {token}"})
    assert response.status_code == status
    if status != 200:
        is_problem(response, {401: "unauthorized", 403: "forbidden"}[status])


async def test_the_question_is_the_token_s_tenant_s(http: httpx.AsyncClient, counted: Counted) -> None:
    await http.get(f"/v1/funnels?{STEPS}", headers={"authorization": "Bearer rt_other"})
    assert counted.asked[0].question.tenant == "other"


async def test_the_etag_does_not_change_while_only_the_watermark_does(
    http: httpx.AsyncClient, counted: Counted
) -> None:
    path = f"/v1/funnels?{STEPS}&at=2026-11-20T00:00:00Z&from=2026-10-18&to=2026-10-19"
    first = await http.get(path, headers=READ)
    assert first.headers["cache-control"] == "private, max-age=1"
    counted.watermark += 60_000
    again = await http.get(path, headers={**READ, "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    counted.people += 1
    changed = await http.get(path, headers={**READ, "if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize("path", ROUTES)
async def test_a_refused_parameter_is_named(http: httpx.AsyncClient, path: str) -> None:
    for query, code, field in (
        (f"{STEPS}&colour=red", "unknown_parameter", "colour"),
        (f"{STEPS}&order=x", "invalid_parameter", "order"),
        (f"{STEPS}&step_filter=9:a:eq:b", "invalid_parameter", "step_filter"),
        (f"{STEPS}&segment=event", "unknown_segment", "segment"),
        ("hold=a", "invalid_parameter", "hold"),
    ):
        told = is_problem(await http.get(f"{path}?{query}", headers=READ), code)
        assert told["field"] == field
    refused = await http.post(path, headers=READ)
    is_problem(refused, "method_not_allowed")


async def test_a_store_that_is_away_is_503_with_a_time_to_wait(http: httpx.AsyncClient, counted: Counted) -> None:
    for failure, code in ((StoreUnavailable("gone"), "store_unavailable"), (StoreRejected("no memory"), "overloaded")):
        counted.failure = failure
        response = await http.get(f"/v1/funnels?{STEPS}", headers=READ)
        assert is_problem(response, code)["retryable"] is True
        assert response.headers["retry-after"] == "2"


async def test_pages_of_people_follow_each_other_as_of_one_instant(http: httpx.AsyncClient, counted: Counted) -> None:
    path = f"/v1/funnels/people?{STEPS}&step=2&limit=2"
    cursor: str | None = ""
    seen: list[str] = []
    while cursor is not None:
        page = (await http.get(path + (f"&cursor={cursor}" if cursor else ""), headers=READ)).json()
        seen += [row["id"] for row in page["rows"]]
        assert (page["total"], page["at"]) == (5, "2026-11-22T10:00:03Z")
        cursor = page["next_cursor"]
        counted.watermark += 5_000
    assert seen == [f"u:u{n}" for n in range(5)]
    assert len({(request.question.at, request.question.start) for request in counted.asked}) == 1


async def test_a_row_tells_when_the_step_was_reached_and_after_how_long(http: httpx.AsyncClient) -> None:
    row = (await http.get(f"/v1/funnels/people?{STEPS}&step=2", headers=READ)).json()["rows"][2]
    assert row == {
        "entity": "person", "id": "u:u2", "person": "u:u2", "entered": "1970-01-01T00:00:01Z", "level": 2,
        "outcome": "product_added", "outcome_id": "e2", "outcome_at": "1970-01-01T00:00:05Z", "seconds": 4.0,
        "counted": "numerator", "reason": None, "segment": {}, "event_ids": ["e1", "e2"], "message_ids": ["m1", "m2"],
    }  # fmt: skip


async def test_a_cursor_opens_only_the_question_that_it_was_given_for(http: httpx.AsyncClient) -> None:
    path = f"/v1/funnels/people?{STEPS}&step=2&limit=1"
    cursor = (await http.get(path, headers=READ)).json()["next_cursor"]
    others = (path + "&outcome=dropped", path.replace("step=2", "step=1"), path + "&within=P1D")
    for other in (*others, path.replace(STEPS, f"{STEPS},signed_up"), path + "&step_filter=1:a:eq:b"):
        refused = await http.get(f"{other}&cursor={cursor}", headers=READ)
        assert is_problem(refused, "invalid_parameter")["field"] == "cursor", other
    stranger = {"authorization": "Bearer rt_other"}
    is_problem(await http.get(f"{path}&cursor={cursor}", headers=stranger), "invalid_parameter")
    assert (await http.get(f"{path}&cursor={cursor}", headers=READ)).status_code == 200


@pytest.mark.parametrize("query", ["", f"?{STEPS}&segment=country&order=unordered"])
async def test_answers_have_the_documented_fields_and_no_others(http: httpx.AsyncClient, query: str) -> None:
    document = (await http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    body = (await http.get(f"/v1/funnels{query}", headers=READ)).json()
    assert set(body) == set(schemas["Funnel"]["properties"])
    assert set(body) >= set(schemas["Answer"]["required"]) - {"value", "target", "band"}  # there is no number
    assert "value" not in body
    for step in body["steps"]:
        assert set(step) == set(schemas["FunnelStep"]["properties"])
    for segment in body["segments"]:
        assert set(segment) == set(schemas["FunnelSegment"]["properties"])
    page = (await http.get(f"/v1/funnels/people{query}", headers=READ)).json()
    assert set(page) == set(schemas["FunnelPeople"]["properties"])


@pytest.mark.parametrize("path", ROUTES)
async def test_openapi_documents_the_real_parameters(http: httpx.AsyncClient, path: str) -> None:
    operation = (await http.get("/openapi.json")).json()["paths"][path]["get"]
    told = {parameter["name"] for parameter in operation["parameters"]}
    own = {parameter.name for parameter in FUNNELS.parameters}
    assert own | {"step_filter", "window", "from", "to", "period", "at", "tz", "segment", "filter", "limit"} <= told
    assert set(operation["responses"]) == {"200", "304", "400", "401", "403", "422", "429", "503"}


def test_every_parameter_is_set_in_some_hand_worked_question_and_matters() -> None:
    asked = [
        question
        for name in ("funnels", "funnels_journey")
        for question in json.loads((LOGS / f"{name}.json").read_text())["questions"]
    ]
    for name in ({parameter.name for parameter in FUNNELS.parameters} | {"step_filter"}) - {"steps"}:
        found = [
            (question["expected"], other["expected"])
            for question in asked
            for other in asked
            if name in question["query"]
            and other["query"] == {key: value for key, value in question["query"].items() if key != name}
        ]
        assert any(one.get(key) != other.get(key) for one, other in found for key in ("steps", "segments")), name
