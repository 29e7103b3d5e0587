"""The query side's promises over HTTP: who may read, what is cached, how every refusal looks, what OpenAPI tells."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from query_api.app import router
from query_api.count import Unit
from query_api.differences import Difference, Treatment
from query_api.models_app import add_models
from query_api.problem_app import problems
from query_api.question import Cell, Question
from query_api.service import Lag
from schemas.errors import PROBLEMS
from schemas.metrics import GROUPS, METRICS
from schemas.periods import parse_instant
from schemas.ports import Store, StoreRejected, StoreUnavailable
from schemas.tenants import Tenants

TENANTS = {
    "tenants": [
        {
            "id": "demo",
            "timezone": "Europe/Berlin",
            "write_keys": ["wk_demo"],
            "read_tokens": ["rt_demo"],
            "allowed_origins": ["https://board.example"],
            "targets": [
                {"metric": "orders", "value": 5},
                {"metric": "orders", "segment": {"country": "DE"}, "value": 1},
                {"metric": "happiness", "value": 1},
            ],
        },
        {"id": "other", "write_keys": ["wk_other"], "read_tokens": ["rt_other"], "allowed_origins": []},
    ]
}
READ = {"authorization": "Bearer rt_demo"}
PERIOD = {"period": "month"}  # a length of time may stand for another definition
UNITS = [Unit(f"c{n}", 1000 * (n // 2), "u:u1", None, None, None, None, "numerator", [], []) for n in range(5)]

GONE = StoreUnavailable("gone: DB::Exception")
DIFFERENCES = [
    Difference(
        "person",
        f"u{n}",
        "u:u1",
        1000 * (n // 2),
        f"person u{n}",
        {
            "default": Treatment("numerator", None, 1500),
            "window": Treatment("excluded", "bot", None),
            "returning": None,
        },
    )
    for n in range(5)
]


class Numbers:
    """A store that answers with numbers of its own choice, and its count and explain."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """As new: one application serves many tests, because it takes long to make."""
        self.watermark = parse_instant("2026-11-22T10:00:03.120Z", "UTC")
        self.failure: Exception | None = None
        self.cells: Sequence[Cell] = [Cell(n=3, numerator=3)]
        self.asked: list[Question] = []

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        assert parameters == {"tenant": "demo"}
        return [(7,)] if "dead_letters" in sql else [(42,)]

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError

    async def count(self, store: Store, question: Question) -> Sequence[Cell]:
        self.asked.append(question)
        if self.failure:
            raise self.failure
        return self.cells

    async def explain(
        self, store: Store, question: Question, after: tuple[int, str] | None, limit: int
    ) -> tuple[int, Sequence[Unit]]:
        self.asked.append(question)
        later = [unit for unit in UNITS if after is None or (unit.entered, unit.id) > after]
        return len(UNITS), later[:limit]

    async def differ(
        self, store: Store, questions: Sequence[Question], after: tuple[int, str] | None, limit: int
    ) -> tuple[int, Sequence[Difference]]:
        self.asked += questions
        if len(questions) < 2:
            return 0, []
        later = [each for each in DIFFERENCES if after is None or (each.entered, each.key) > after]
        return len(DIFFERENCES), later[:limit]


def built(numbers: Numbers, folder: Path) -> FastAPI:
    path = folder / "tenants.json"
    path.write_text(json.dumps(TENANTS))
    application = FastAPI()
    lag = lambda: Lag(records=5, oldest_seconds=1.5)  # noqa: E731 -- a value that is called
    application.include_router(
        router(
            numbers,
            Tenants(path),
            lambda: numbers.watermark,
            lag,
            count=numbers.count,
            explain=numbers.explain,
            differ=numbers.differ,
        )
    )
    add_models(application)
    problems(application)
    return application


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Numbers, FastAPI]:
    numbers = Numbers()
    return numbers, built(numbers, tmp_path_factory.mktemp("served"))


@pytest.fixture
def numbers(served: tuple[Numbers, FastAPI]) -> Numbers:
    served[0].forget()
    return served[0]


@pytest.fixture
def app(served: tuple[Numbers, FastAPI]) -> FastAPI:
    return served[1]


@pytest.fixture
def document(served: tuple[Numbers, FastAPI]) -> dict[str, Any]:
    """What `/openapi.json` says; it takes long to make once, and is kept."""
    return served[1].openapi()


@pytest.fixture
async def http(app: FastAPI, numbers: Numbers) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sojourn") as client:
        yield client


def is_problem(response: httpx.Response, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert (told["code"], told["status"]) == (code, response.status_code)
    assert response.status_code == PROBLEMS[code].status
    assert {"type", "title", "status", "code", "detail", "retryable", "field"} <= set(told)
    return told


@pytest.mark.parametrize("name", METRICS)
async def test_every_metric_answers(http: httpx.AsyncClient, numbers: Numbers, name: str) -> None:
    response = await http.get(f"/v1/metrics/{name}", headers=READ)
    assert response.status_code == 200, response.text
    assert response.json()["metric"] == name
    assert numbers.asked[0].tenant == "demo"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Basic !!!"}, 401),
        ({"authorization": "Bearer wk_demo"}, 403),
        ({"x-write-key": "wk_other"}, 403),
        ({"authorization": "Basic d2tfZGVtbzo="}, 403),
        ({"cookie": "sojourn_session=rt_demo"}, 401),
        ({"authorization": "bearer rt_demo"}, 200),
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/metrics", "/v1/metrics/dau", "/v1/values", "/v1/status", "/v1/metrics/dau/explain"]
)
async def test_only_a_read_token_reads(
    http: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    response = await http.get(path, headers=headers)
    assert response.status_code == status
    if status != 200:
        is_problem(response, {401: "unauthorized", 403: "forbidden"}[status])


async def test_the_etag_does_not_change_while_only_the_watermark_does(
    http: httpx.AsyncClient, numbers: Numbers
) -> None:
    query = "?at=2026-11-20T00:00:00Z&from=2026-11-18&to=2026-11-19"
    first = await http.get("/v1/metrics/orders" + query, headers=READ)
    assert first.headers["cache-control"] == "private, max-age=1"
    numbers.watermark += 60_000
    again = await http.get("/v1/metrics/orders" + query, headers={**READ, "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    numbers.cells = [Cell(n=4, numerator=4)]
    changed = await http.get("/v1/metrics/orders" + query, headers={**READ, "if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_pages_of_allowed_origins_may_read(http: httpx.AsyncClient) -> None:
    origin = {"origin": "https://board.example"}
    allowed = await http.get("/v1/metrics/dau", headers=READ | origin)
    assert allowed.headers["access-control-allow-origin"] == "https://board.example"
    other = await http.get("/v1/metrics/dau", headers=READ | {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    refused = await http.get("/v1/metrics/dau", headers=origin)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://board.example")
    asked_before = await http.options("/v1/metrics/dau", headers=origin)
    assert asked_before.status_code == 204
    assert "Authorization" in asked_before.headers["access-control-allow-headers"]


async def test_what_does_not_exist_is_a_problem(http: httpx.AsyncClient) -> None:
    is_problem(await http.get("/v1/metrics/happiness", headers=READ), "unknown_metric")
    is_problem(await http.get("/v1/metrics/happiness/explain", headers=READ), "unknown_metric")
    is_problem(await http.get("/v1/nothing", headers=READ), "not_found")
    refused = await http.post("/v1/metrics/dau", headers=READ)
    is_problem(refused, "method_not_allowed")
    assert "GET" in refused.headers["allow"]


async def test_a_refused_parameter_is_named(http: httpx.AsyncClient) -> None:
    assert (
        is_problem(await http.get("/v1/metrics/dau?colour=red", headers=READ), "unknown_parameter")["field"] == "colour"
    )
    assert is_problem(await http.get("/v1/metrics/dau?at=x", headers=READ), "invalid_parameter")["field"] == "at"
    is_problem(await http.get("/v1/metrics?x=1", headers=READ), "unknown_parameter")


async def test_a_store_that_is_away_is_503_with_a_time_to_wait(http: httpx.AsyncClient, numbers: Numbers) -> None:
    for failure, code in ((GONE, "store_unavailable"), (StoreRejected("DB::Exception: memory"), "overloaded")):
        numbers.failure = failure
        for path in ("/v1/metrics/dau", "/v1/values?metrics=dau"):
            response = await http.get(path, headers=READ)
            assert is_problem(response, code)["retryable"] is True
            assert response.headers["retry-after"] == "2"
            assert "DB::Exception" not in response.text, "what the engine says is for the log"
            assert failure is not GONE or "since 20" in response.json()["detail"]


async def test_several_metrics_each_answer_or_refuse(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1/values?metrics=dau,happiness,cart_abandonment_rate&horizon=PT1H", headers=READ)
    first, second, third = response.json()["values"]
    assert (first["code"], second["code"], third["metric"]) == (
        "unknown_parameter",
        "unknown_metric",
        "cart_abandonment_rate",
    )


async def test_an_answer_carries_the_target_of_its_tenant_and_no_other_s(
    http: httpx.AsyncClient, document: dict[str, Any], numbers: Numbers
) -> None:
    numbers.cells = [Cell(n=3, numerator=3), Cell(("DE",), n=2, numerator=2), Cell((None,), n=1, numerator=1)]
    given = (await http.get("/v1/metrics/orders?segment=country", headers=READ)).json()
    assert given["target"] == {"value": 5.0, "distance": -2.0, "met": False, "interval_excludes": None}
    assert [each["target"] and each["target"]["met"] for each in given["segments"]] == [True, None]
    schema = document["components"]["schemas"]
    assert set(given["target"]) == set(schema["Target"]["required"])
    assert set(given["segments"][0]) == set(schema["Segment"]["required"])
    numbers.cells = [Cell(n=3, numerator=3)]
    others = await http.get("/v1/metrics/orders", headers={"authorization": "Bearer rt_other"})
    assert others.json()["target"] is None


async def test_the_catalogue_names_who_published_a_band(http: httpx.AsyncClient, document: dict[str, Any]) -> None:
    told = (await http.get("/v1/metrics", headers=READ)).json()["metrics"]
    bands = {entry["name"]: entry["bands"] for entry in told}
    assert [band["name"] for band in bands["nps"]] == ["good", "excellent"]
    assert all(band["source"] for found in bands.values() for band in found)
    assert "Baymard" in document["paths"]["/v1/metrics/cart_abandonment_rate"]["get"]["description"]


async def test_status_is_the_token_s_tenant_s(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/status", headers=READ)).json() == {
        "watermark": "2026-11-22T10:00:03.120Z",
        "events_stored": 42,
        "dead_letters": 7,
        "lag_records": 5,
        "oldest_unprocessed_seconds": 1.5,
        "damages": [],
    }


async def test_pages_of_explanations_follow_each_other_as_of_one_instant(
    http: httpx.AsyncClient, numbers: Numbers
) -> None:
    path = "/v1/metrics/cart_abandonment_rate/explain?limit=2&window=P2D"
    seen: list[str] = []
    instants: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        page = (await http.get(path + (f"&cursor={cursor}" if cursor else ""), headers=READ)).json()
        seen += [row["id"] for row in page["rows"]]
        instants.add(page["at"])
        cursor = page["next_cursor"]
        numbers.watermark += 5_000
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    assert instants == {"2026-11-22T10:00:03Z"}
    assert len({(question.at, question.start) for question in numbers.asked}) == 1


@pytest.mark.parametrize("name", METRICS)
async def test_every_definition_is_compared_on_the_same_data(
    http: httpx.AsyncClient, document: dict[str, Any], numbers: Numbers, name: str
) -> None:
    response = await http.get(f"/v1/metrics/{name}/compare", params=PERIOD, headers=READ)
    assert response.status_code == 200, response.text
    told = response.json()
    assert [each["definition"] for each in told["definitions"]] == list(METRICS[name].definitions)
    assert [each["answer"]["definition"] for each in told["definitions"]] == list(METRICS[name].definitions)
    assert {question.at for question in numbers.asked} == {parse_instant("2026-11-22T10:00:03Z", "UTC")}
    schema = document["components"]["schemas"]
    assert set(told) == set(schema["DefinitionsCompared"]["required"])
    assert {key for each in told["definitions"] for key in each} == set(schema["Defined"]["required"])


async def test_pages_of_differences_follow_each_other_as_of_one_instant(
    http: httpx.AsyncClient, numbers: Numbers
) -> None:
    path = "/v1/metrics/repeat_purchase_rate/compare?limit=2&window=P2D&horizon=P7D"
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await http.get(path + (f"&cursor={cursor}" if cursor else ""), headers=READ)).json()
        assert bool(page["definitions"]) == (not cursor)
        seen += [row["id"] for row in page["rows"]]
        cursor = page["next_cursor"]
        numbers.watermark += 5_000
    assert seen == ["u0", "u1", "u2", "u3", "u4"]
    assert len({(question.at, question.start) for question in numbers.asked}) == 1
    first = (await http.get(path, headers=READ)).json()
    assert first["rows"][0]["definitions"] == {
        "default": {"counted": "numerator", "reason": None, "seconds": 1.5, "times": 1},
        "window": {"counted": "excluded", "reason": "bot", "seconds": None, "times": 1},
        "returning": None,
    }
    assert [each["left_out"] for each in first["definitions"]] == [[], ["horizon"], ["horizon"]]
    explained = await http.get("/v1/metrics/repeat_purchase_rate/explain?limit=2&window=P2D&horizon=P7D", headers=READ)
    for other in (
        path.replace("P7D", "P8D"),
        "/v1/metrics/repeat_purchase_rate/explain?limit=2&window=P2D&horizon=P7D",
    ):
        refused = await http.get(f"{other}&cursor={first['next_cursor']}", headers=READ)
        is_problem(refused, "invalid_parameter")
    is_problem(await http.get(f"{path}&cursor={explained.json()['next_cursor']}", headers=READ), "invalid_parameter")


async def test_what_no_definition_knows_is_refused(http: httpx.AsyncClient) -> None:
    path = "/v1/metrics/csat/compare"
    is_problem(await http.get(f"{path}?colour=red", headers=READ), "unknown_parameter")
    is_problem(await http.get(f"{path}?definition=mean", headers=READ), "invalid_parameter")
    is_problem(await http.get(f"{path}?at=x", headers=READ), "invalid_parameter")
    is_problem(await http.get("/v1/metrics/happiness/compare", headers=READ), "unknown_metric")


async def test_a_definition_that_cannot_answer_says_why_beside_the_others(http: httpx.AsyncClient) -> None:
    path = "/v1/metrics/conversion_rate/compare?goal=,"
    told = (await http.get(path, headers=READ)).json()["definitions"]
    assert {each["definition"]: (each["problem"] or {}).get("code") for each in told} == {
        "default": "invalid_parameter",
        "people": "invalid_parameter",
        "cart": None,
        "cart_to_checkout": None,
        "checkout_to_order": None,
    }
    assert all((each["answer"] is None) == (each["problem"] is not None) for each in told)


async def test_a_cursor_that_is_not_ours_is_refused(http: httpx.AsyncClient) -> None:
    path = "/v1/metrics/dau/explain?limit=1"
    cursor = (await http.get(path, headers=READ)).json()["next_cursor"]
    bad = [cursor[:-4] + "AAAA", cursor[4:], "x", "", "é", "W10", "a" * 5000]
    for text in bad:
        response = await http.get("/v1/metrics/dau/explain", params={"limit": 1, "cursor": text}, headers=READ)
        assert is_problem(response, "invalid_parameter")["field"] == "cursor", text
    for other in ("/v1/metrics/wau/explain?limit=1", path + "&filter=country:eq:DE", path + "&min_events=2"):
        is_problem(await http.get(f"{other}&cursor={cursor}", headers=READ), "invalid_parameter")
    stranger = {"authorization": "Bearer rt_other"}
    is_problem(await http.get(f"{path}&cursor={cursor}", headers=stranger), "invalid_parameter")


async def test_the_catalogue_is_the_registry(http: httpx.AsyncClient) -> None:
    told = (await http.get("/v1/metrics", headers=READ)).json()["metrics"]
    assert [(entry["group"], entry["name"]) for entry in told] == [
        (group, metric.name) for group, metrics in GROUPS.items() for metric in metrics
    ]
    assert len(told) == len(METRICS), "a metric stands in two groups"
    for entry in told:
        own = METRICS[entry["name"]].parameters
        assert [parameter["name"] for parameter in entry["parameters"]] == [parameter.name for parameter in own]


async def test_openapi_documents_every_metric_with_its_real_parameters(
    http: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    for name, metric in METRICS.items():
        operation = document["paths"][f"/v1/metrics/{name}"]["get"]
        told = {parameter["name"] for parameter in operation["parameters"]}
        assert {own.name for own in metric.parameters} | {"window", "at", "filter"} <= told
        assert metric.meaning in operation["description"]
        assert set(operation["responses"]) == {"200", "304", "400", "401", "403", "422", "429", "503"}
    assert "Problem" in document["components"]["schemas"]
    assert document["components"]["securitySchemes"]["readToken"]["scheme"] == "bearer"


@pytest.mark.parametrize("name", METRICS)
async def test_answers_have_the_documented_fields_and_no_others(
    http: httpx.AsyncClient, document: dict[str, Any], name: str
) -> None:
    schema = document["components"]["schemas"]["Answer"]
    given = (await http.get(f"/v1/metrics/{name}?compare=previous", headers=READ)).json()
    assert set(schema["required"]) <= set(given) <= set(schema["properties"])


@pytest.mark.parametrize("name", METRICS)
async def test_people_are_drawn_again_where_the_number_is_no_census(
    http: httpx.AsyncClient, document: dict[str, Any], numbers: Numbers, name: str
) -> None:
    for definition in METRICS[name].definitions:
        metric = METRICS[name].defined(definition)
        query = {"interval": "bootstrap", "definition": definition, **PERIOD}
        if metric.statistics:
            query["statistic"] = "mean"
        response = await http.get(f"/v1/metrics/{name}", params=query, headers=READ)
        if metric.resamples:
            assert response.status_code == 200, response.text
            assert numbers.asked[-1].interval == "bootstrap"
            told = document["paths"][f"/v1/metrics/{name}"]["get"]["parameters"]
            assert "interval" in {parameter["name"] for parameter in told}
        else:
            assert is_problem(response, "unknown_parameter")["field"] == "interval"


async def test_a_quantile_is_not_drawn_again_and_says_so(http: httpx.AsyncClient) -> None:
    path = "/v1/metrics/first_response_time?interval=bootstrap"
    assert is_problem(await http.get(path, headers=READ), "invalid_parameter")["field"] == "interval"
    assert (await http.get(f"{path}&statistic=mean", headers=READ)).status_code == 200
    refused = await http.get("/v1/metrics/nps?interval=guess", headers=READ)
    assert is_problem(refused, "invalid_parameter")["field"] == "interval"


async def test_replicates_become_the_interval_and_take_the_warning_away(
    http: httpx.AsyncClient, numbers: Numbers
) -> None:
    drawn = [number / 100 for number in range(41)]
    numbers.cells = [Cell(n=40, numerator=20, denominator=40, mature=40, persons=4, replicates=drawn)]
    given = (await http.get("/v1/metrics/reopen_rate?interval=bootstrap", headers=READ)).json()
    assert given["interval"] == {"low": 0.01, "high": 0.39, "method": "bootstrap_person", "confidence": 0.95}
    assert given["warnings"] == ["imprecise"]
    numbers.cells = [Cell(n=40, numerator=20, denominator=40, mature=40, persons=4)]
    plain = (await http.get("/v1/metrics/reopen_rate", headers=READ)).json()
    assert plain["interval"]["method"] == "wilson"
    assert "clustered" in plain["warnings"]
