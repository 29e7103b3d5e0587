"""Rules that retention and churn keep, whatever the stream: their parts add up, and a merge taken back leaves no
trace. Asked over HTTP on random journeys.

A usual run takes some weeks, cuts and variants, drawn by its seed.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, filled, reader
from tests.reference.stream import Delivery, stream
from tests.rotation import of_each, some

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
SIZE = int(os.environ.get("SOJOURN_TEST_GROWTH_STREAM", "2000"))
SEED = 12
AT = "2026-11-20T00:00:00Z"
WEEKS = [
    {"from": "2026-09-14", "to": "2026-09-21", "at": AT},
    {"from": "2026-10-12", "to": "2026-10-19", "at": AT},
    {"from": "2026-10-12", "to": "2026-10-19", "at": "2026-10-16T12:00:00Z"},
    {"period": "month", "at": AT},
]
ALL: list[tuple[str, dict[str, str]]] = [
    ("retention_rate", {}),
    ("retention_rate", {"definition": "activity", "segment": "country"}),
    ("retention_rate", {"definition": "cohort", "grain": "day", "segment": "trait.plan"}),
    ("retention_rate", {"definition": "cohort", "grain": "day", "mode": "first_time", "min_occurrences": "2"}),
    ("churn_rate", {"segment": "device"}),
    ("churn_rate", {"definition": "exposure", "compare": "previous"}),
    ("churn_rate", {"definition": "net_change"}),
    ("churn_rate", {"definition": "revenue_net"}),
    ("churn_rate", {"definition": "non_contractual", "tau": "auto"}),
    ("retention", {}),
    ("retention", {"mode": "unbounded", "periods": "5", "filter": "country:ne:DE"}),
]


def merges() -> list[Delivery]:
    """Later than all else: many people become one, and are parted again."""
    names = [f"u{number}" for number in range(1, 41)]
    return [
        {
            "received_at": f"2027-03-2{day}T00:00:00Z",
            "events": [
                {
                    "messageId": f"{kind} {name}", "event": kind, "timestamp": f"2027-03-2{day}T00:00:00Z",
                    "userId": "bridge", "previousId": name,
                }
                for name in names
            ],
        }
        for day, kind in ((1, "alias"), (3, "unalias"))
    ]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(engine_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may read the journeys and the merges, which are stored once."""
    deliveries = [*stream(SEED, SIZE, GrowthJourneys), *merges()]
    async with (
        filled(engine_dsn, deliveries) as store,
        reader(store, tmp_path_factory.mktemp("retention")) as opened,
    ):
        yield opened


async def body(client: httpx.AsyncClient, metric: str, **query: str) -> dict[str, Any]:
    """Of a metric, or of another resource named as a path below /v1."""
    if "/" in metric:
        response = await client.get(f"/v1/{metric}", params=query)
        assert response.status_code == 200, response.text
        return dict(response.json())
    return dict(json.loads(await ask(client, metric, query)))


async def _bodies(
    client: httpx.AsyncClient, asked: list[tuple[str, dict[str, str]]], week: Mapping[str, str]
) -> list[Any]:
    """Of the triangle the `period` of a month is its width: it gets the dates of that week alone. Of each body all but
    what says as of when, of the window that it is compared with too.
    """
    dated, found = {key: value for key, value in week.items() if key != "period"}, []
    for metric, more in asked:
        told = await body(client, metric, **(dated if metric == "retention" else week), **more)
        compared = (told.get("comparison") or {}) | {"at": None}
        found.append({**told, "at": None, "status": None, "comparison": compared})
    return found


async def test_the_parts_add_up(client: httpx.AsyncClient) -> None:
    seen = dict.fromkeys(("new", "retained", "resurrected", "lost"), 0)
    for week in (WEEKS[0], *some(WEEKS[1:], 1, "weeks")):
        active = await body(client, "retention_rate", definition="activity", **week)
        parts = active["details"]
        assert parts["active"] == parts["new"] + parts["retained"] + parts["resurrected"], week
        assert parts["retained"] + parts["lost"] == active["denominator"], week
        assert parts["retained"] == active["numerator"]
        seen = {key: count + parts[key] for key, count in seen.items()}

        kept = await body(client, "retention_rate", **week)
        lost = await body(client, "churn_rate", definition="named", **week)
        assert kept["numerator"] + lost["numerator"] == kept["denominator"] == lost["denominator"] > 0, week
        assert kept["details"]["lost"] == lost["numerator"]
        change = await body(client, "churn_rate", definition="net_change", **week)
        assert change["denominator"] == kept["denominator"]

        for metric, more in (
            ("retention_rate", {}),
            ("retention_rate", {"definition": "activity"}),
            ("retention_rate", {"definition": "cohort", "grain": "day"}),
            ("churn_rate", {"definition": "exposure"}),
            ("churn_rate", {"definition": "net_change"}),
        ):
            for segment in some(("device", "country,channel"), 1, f"cuts {metric} {more} {week}"):
                whole = await body(client, metric, segment=segment, limit="1000", **week, **more)
                # Where nobody was at the start there is no segment, though somebody may have come.
                newcomers = more.get("definition") == "net_change"
                for count in ("n", "denominator") if newcomers else ("n", "numerator", "denominator"):
                    added = sum(part[count] for part in whole["segments"])
                    assert added == pytest.approx(whole[count], abs=1e-9), (metric, more, segment, count)
    assert all(seen.values()), seen


async def test_the_active_of_a_week_are_its_wau_and_the_size_of_its_cohort(client: httpx.AsyncClient) -> None:
    week = {"from": "2026-10-12", "to": "2026-10-19", "at": AT}
    wau = await body(client, "wau", **{**week, "from": "2026-10-18"})
    active = await body(client, "retention_rate", definition="activity", **week)
    triangle = await body(client, "retention", period="week", periods="4", **week)
    shares = [await body(client, "retention_rate", definition="cohort", nth=str(nth), **week) for nth in range(4)]
    (row,) = triangle["cohorts"]
    assert wau["value"] == active["details"]["active"] == row["size"] == row["retained"][0] > 0
    assert [share["numerator"] for share in shares] == row["retained"]
    assert [share["value"] for share in shares] == row["rates"]
    assert [share["interval"]["low"] for share in shares] == row["low"]


async def test_the_rows_behind_a_rate_are_those_that_it_counts(client: httpx.AsyncClient) -> None:
    week = {"from": "2026-10-12", "to": "2026-10-19", "at": "2026-10-21T12:00:00Z"}
    rates: list[tuple[str, dict[str, str]]] = [
        ("retention_rate", {}),
        ("retention_rate", {"definition": "activity"}),
        ("retention_rate", {"definition": "cohort", "grain": "day", "nth": "3"}),
        ("churn_rate", {}),
        ("churn_rate", {"definition": "non_contractual", "tau": "P15D"}),
    ]
    for metric, more in of_each(lambda each: each[0], rates, "rows behind"):
        whole = await body(client, metric, **week, **more)
        listed = await body(client, f"metrics/{metric}/explain", limit="1000", **week, **more)
        rows = listed["rows"]
        assert len(rows) == listed["total"] == whole["n"] + sum(whole["excluded"].values()), (metric, more)
        assert sum(row["counted"] == "numerator" for row in rows) == whole["numerator"] > 0, (metric, more)
        assert all(row["message_ids"] for row in rows), (metric, more)
        assert len({(row["id"], row["entered"]) for row in rows}) == len(rows)
        if metric == "churn_rate":
            left = [row["outcome_at"] for row in rows if row["counted"] == "numerator"]
            assert all(whole["window"]["start"] <= each < whole["window"]["end"] for each in left)


async def test_a_merge_that_was_taken_back_leaves_no_trace(client: httpx.AsyncClient) -> None:
    week = {"from": "2026-10-12", "to": "2026-10-19"}
    asked = of_each(lambda each: each[0], ALL, "merges taken back", 2)
    before, merged, parted = [
        await _bodies(client, asked, {**week, "at": f"2027-03-2{day}T12:00:00Z"}) for day in (0, 2, 3)
    ]
    assert parted == before
    changed = [name for (name, _), one, other in zip(asked, before, merged, strict=True) if one != other]
    assert {*changed} == {"retention_rate", "churn_rate", "retention"}
