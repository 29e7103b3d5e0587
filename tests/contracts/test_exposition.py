"""`/v1/prometheus`: the published values of the token's tenant, as Prometheus reads them, through the app."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from query_api.answer import body
from query_api.app import router
from query_api.exposition import VALUES, written
from query_api.parameters import parse
from query_api.problem_app import problems
from query_api.question import Cell
from schemas.metrics import METRICS
from schemas.ports import Store, StoreUnavailable
from schemas.signals import MEDIA_TYPE
from schemas.tenants import Tenants

PATH = "/v1/prometheus"
NOW = 1_764_000_000_500
TENANTS = {
    "tenants": [
        {"id": "demo", "write_keys": ["wk_demo"], "read_tokens": ["rt_demo"], "k_anon": 3},
        {"id": "other", "write_keys": ["wk_other"], "read_tokens": ["rt_other"]},
    ]
}
Sample = tuple[str, frozenset[tuple[str, str]]]
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"')
_SAMPLE = re.compile(rf"([a-zA-Z_:][\w:]*)(?:\{{((?:{_LABEL.pattern},?)*)\}})? (\S+)")
_MEANT = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}


def samples(text: str) -> dict[Sample, float]:
    """What Prometheus takes from the text; a sample given twice or without its family's type fails."""
    found: dict[Sample, float] = {}
    typed: set[str] = set()
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# "):
            _, word, name, *_ = line.split(" ")
            if word == "TYPE":
                assert name not in typed
                typed.add(name)
            continue
        read = _SAMPLE.fullmatch(line)
        assert read, line
        labels = frozenset(
            (name, re.sub(r"\\.", lambda each: _MEANT[each[0]], value)) for name, value in _LABEL.findall(read[2] or "")
        )
        assert read[1] in typed
        assert (read[1], labels) not in found, line
        found[read[1], labels] = float(read[5])
    return found


def sample(name: str, metric: str, window: str, dimension: str = "", segment: str | None = "") -> Sample:
    told = {"metric": metric, "window": window, "dimension": dimension}
    return name, frozenset((told if segment is None else told | {"segment": segment}).items())


def answered(tenants: Tenants, metric: str, cut: str, cells: list[Cell], tenant: str = "demo") -> str:
    """A body as the API makes it for the window of a day."""
    owner = tenants.by_id(tenant)
    assert owner is not None
    query = [("window", "P1D"), *([("segment", cut)] if cut else [])]
    return json.dumps(body(parse(METRICS[metric], query, owner, NOW), cells, None, NOW, owner.k_anon))


def points(*rows: tuple[str, str, str, str, int, int, str]) -> dict[str, list[Any]]:
    names = ("tenant", "metric", "window", "cut", "end", "version", "body")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


@pytest.fixture
def tenants(tmp_path: Path) -> Tenants:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps(TENANTS))
    return Tenants(path)


def served(store: Store, tenants: Tenants) -> FastAPI:
    app = FastAPI()
    app.include_router(router(store, tenants, lambda: NOW))
    problems(app)
    return app


class Down:
    """A store that is away."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        raise StoreUnavailable("gone")

    async def insert(self, table: str, columns: Mapping[str, Any]) -> None:
        raise NotImplementedError


@pytest.fixture
async def without_store(tenants: Tenants) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(served(Down(), tenants))
    async with httpx.AsyncClient(transport=transport, base_url="http://sojourn") as client:
        yield client


@pytest.mark.engine
async def test_the_newest_published_values_of_the_token_s_tenant_are_told(store: Store, tenants: Tenants) -> None:
    rate = [Cell(n=40, numerator=10, denominator=40), Cell(("DE",), n=30, numerator=9, denominator=30)]
    rate += [Cell((None,), n=8, numerator=1, denominator=8), Cell(("FR",), n=2, numerator=0, denominator=2)]
    total = answered(tenants, "referral_rate", "", rate[:1])
    by_country = answered(tenants, "referral_rate", "country", rate)
    await store.insert(
        "metric_points",
        points(
            ("demo", "orders", "P1D", "", 0, NOW - 9_000, answered(tenants, "orders", "", [Cell(n=5, numerator=5)])),
            ("demo", "orders", "P1D", "", 0, NOW, answered(tenants, "orders", "", [Cell(n=7, numerator=7)])),
            ("demo", "orders", "P1D", "", NOW, NOW + 1, answered(tenants, "orders", "", [Cell(n=9, numerator=9)])),
            ("demo", "referral_rate", "PT1H", "", 0, NOW, total),
            ("demo", "referral_rate", "PT1H", "country", 0, NOW, by_country),
            ("demo", "long_gone", "P1D", "", 0, NOW, total),
            ("other", "visits", "P1D", "", 0, NOW, answered(tenants, "visits", "", [Cell(n=1, numerator=1)], "other")),
        ),
    )
    transport = httpx.ASGITransport(served(store, tenants))
    async with httpx.AsyncClient(transport=transport, base_url="http://sojourn") as http:
        response = await http.get(PATH, headers={"authorization": "Bearer rt_demo"})
        others = await http.get(PATH, headers={"authorization": "Bearer rt_other"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    told = samples(response.text)
    assert told[sample("sojourn_value", "orders", "P1D")] == 7
    assert told[sample("sojourn_value_version_seconds", "orders", "P1D", "", None)] == NOW / 1000
    given = json.loads(total)
    for name, number in (
        ("sojourn_value", given["value"]),
        ("sojourn_value_low", given["interval"]["low"]),
        ("sojourn_value_high", given["interval"]["high"]),
        ("sojourn_value_units", 40),
        ("sojourn_value_maturity", given["maturity"]),
    ):
        assert told[sample(name, "referral_rate", "PT1H")] == number, name
    assert told[sample("sojourn_value_units", "referral_rate", "PT1H", "country", "DE")] == 30
    countries = {dict(labels)["segment"] for name, labels in told if name == "sojourn_value"}
    assert countries == {"", "DE"}, "with too few units behind them, FR and the unknown ones are not shown"
    assert not [labels for _, labels in told if ("metric", "long_gone") in labels or ("metric", "visits") in labels]
    assert {dict(labels)["metric"] for _, labels in samples(others.text)} == {"visits"}


def test_names_of_segments_come_back_as_they_are_and_unknown_is_the_empty_one(tenants: Tenants) -> None:
    odd = ['a"b', "back\\slash", "two\nlines", "\\n", 'x",metric="y', "ü{}", None]
    cells = [Cell(n=9, numerator=9), *(Cell((name,), n=9 - place, numerator=place) for place, name in enumerate(odd))]
    told = samples(written([("visits", "P1D", "channel", NOW, answered(tenants, "visits", "channel", cells, "other"))]))
    assert {dict(labels)["segment"] for name, labels in told if name == "sojourn_value"} == {name or "" for name in odd}
    assert {dict(labels)["dimension"] for _, labels in told} == {"channel"}


def test_numbers_that_are_absent_have_no_sample(tenants: Tenants) -> None:
    nothing = answered(tenants, "referral_rate", "", [Cell()], "other")
    assert json.loads(nothing)["value"] is None
    told = samples(written([("referral_rate", "P7D", "", NOW, nothing)]))
    assert "sojourn_value" not in {name for name, _ in told}
    assert told[sample("sojourn_value_units", "referral_rate", "P7D")] == 0
    assert samples(written([])) == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"authorization": "Bearer nobody"}, 401), ({"authorization": "Bearer wk_demo"}, 403)],
)
async def test_only_a_read_token_reads(without_store: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    assert (await without_store.get(PATH, headers=headers)).status_code == status


async def test_a_scrape_fails_while_the_store_is_away_and_takes_no_parameter(without_store: httpx.AsyncClient) -> None:
    read = {"authorization": "Bearer rt_demo"}
    away = await without_store.get(PATH, headers=read)
    assert (away.status_code, away.json()["code"]) == (503, "store_unavailable")
    refused = await without_store.get(f"{PATH}?window=P1D", headers=read)
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_parameter")


def test_openapi_says_what_is_told(tenants: Tenants) -> None:
    told = served(Down(), tenants).openapi()["paths"][PATH]["get"]
    assert all(f"`{signal.name}{{" in told["description"] for signal in VALUES)
    assert "text/plain" in told["responses"]["200"]["content"]
    assert set(told["responses"]) == {"200", "400", "401", "403", "422", "429", "503"}
    assert told["security"] == [{"readToken": []}]
