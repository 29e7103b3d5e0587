"""Rules that retention and churn keep, whatever the stream: their parts add up, and a merge taken back leaves no
trace. Asked over HTTP on random journeys.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, filled, reader
from tests.reference.stream import Delivery, stream

pytestmark = pytest.mark.engine
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


@asynccontextmanager
async def stored(dsn: str, deliveries: list[Delivery], folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with filled(dsn, deliveries) as store, reader(store, folder) as client:
        yield client


async def body(client: httpx.AsyncClient, metric: str, **query: str) -> dict[str, Any]:
    """Of a metric, or of another resource named as a path below /v1."""
    if "/" in metric:
        response = await client.get(f"/v1/{metric}", params=query)
        assert response.status_code == 200, response.text
        return dict(response.json())
    return dict(json.loads(await ask(client, metric, query)))


async def _bodies(client: httpx.AsyncClient, week: Mapping[str, str]) -> list[bytes]:
    """Of the triangle the `period` of a month is its width: it gets the dates of that week alone."""
    dated = {key: value for key, value in week.items() if key != "period"}
    return [await ask(client, metric, {**(dated if metric == "retention" else week), **more}) for metric, more in ALL]


async def test_the_parts_add_up(engine_dsn: str, tmp_path: Path) -> None:
    seen = dict.fromkeys(("new", "retained", "resurrected", "lost"), 0)
    async with stored(engine_dsn, stream(SEED, SIZE, GrowthJourneys), tmp_path) as client:
        for week in WEEKS:
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
                for segment in ("device", "country,channel"):
                    whole = await body(client, metric, segment=segment, limit="1000", **week, **more)
                    # Where nobody was at the start there is no segment, though somebody may have come.
                    newcomers = more.get("definition") == "net_change"
                    for count in ("n", "denominator") if newcomers else ("n", "numerator", "denominator"):
                        added = sum(part[count] for part in whole["segments"])
                        assert added == pytest.approx(whole[count], abs=1e-9), (metric, more, segment, count)
    assert all(seen.values()), seen


async def test_the_active_of_a_week_are_its_wau_and_the_size_of_its_cohort(engine_dsn: str, tmp_path: Path) -> None:
    week = {"from": "2026-10-12", "to": "2026-10-19", "at": AT}
    async with stored(engine_dsn, stream(SEED, SIZE, GrowthJourneys), tmp_path) as client:
        wau = await body(client, "wau", **{**week, "from": "2026-10-18"})
        active = await body(client, "retention_rate", definition="activity", **week)
        triangle = await body(client, "retention", period="week", periods="4", **week)
        shares = [await body(client, "retention_rate", definition="cohort", nth=str(nth), **week) for nth in range(4)]
    (row,) = triangle["cohorts"]
    assert wau["value"] == active["details"]["active"] == row["size"] == row["retained"][0] > 0
    assert [share["numerator"] for share in shares] == row["retained"]
    assert [share["value"] for share in shares] == row["rates"]
    assert [share["interval"]["low"] for share in shares] == row["low"]


async def test_the_rows_behind_a_rate_are_those_that_it_counts(engine_dsn: str, tmp_path: Path) -> None:
    week = {"from": "2026-10-12", "to": "2026-10-19", "at": "2026-10-21T12:00:00Z"}
    rates = [
        ("retention_rate", {}),
        ("retention_rate", {"definition": "activity"}),
        ("retention_rate", {"definition": "cohort", "grain": "day", "nth": "3"}),
        ("churn_rate", {}),
        ("churn_rate", {"definition": "non_contractual", "tau": "P15D"}),
    ]
    async with stored(engine_dsn, stream(SEED, SIZE, GrowthJourneys), tmp_path) as client:
        for metric, more in rates:
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


async def test_a_merge_that_was_taken_back_leaves_no_trace(engine_dsn: str, tmp_path: Path) -> None:
    deliveries = stream(SEED, SIZE, GrowthJourneys)
    names = [f"u{number}" for number in range(1, 41)]
    merges = [
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
    week = {"from": "2026-10-12", "to": "2026-10-19"}

    def counts(found: list[bytes]) -> list[Any]:
        """All but what says as of when, of the window that it is compared with too."""
        bodies = [{**json.loads(each), "at": None, "status": None} for each in found]
        return [{**each, "comparison": (each.get("comparison") or {}) | {"at": None}} for each in bodies]

    async with stored(engine_dsn, [*deliveries, *merges], tmp_path) as client:
        before, merged, parted = [
            counts(await _bodies(client, {**week, "at": f"2027-03-2{day}T12:00:00Z"})) for day in (0, 2, 3)
        ]
    assert parted == before
    changed = [asked for asked, one, other in zip(ALL, before, merged, strict=True) if one != other]
    assert {metric for metric, _ in changed} == {"retention_rate", "churn_rate", "retention"}
