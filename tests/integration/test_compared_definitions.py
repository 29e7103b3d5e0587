"""Every definition of a metric on the same data: its own answer, the difference, and exactly the units they part on.

A usual run takes a metric of each of three shapes, drawn by its seed, and of it one question about which definitions
differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.store import ClickHouseStore
from schemas.metrics import METRICS
from tests.reference.harness import feed, reader, shape
from tests.rotation import full, of_each, some

pytestmark = pytest.mark.engine
LOGS = Path(__file__).parents[1] / "logs"
COMPARED = some(
    of_each(shape, sorted(name for name, metric in METRICS.items() if metric.variants), "compared"), 3, "shapes"
)


async def get(client: httpx.AsyncClient, path: str, query: dict[str, Any]) -> dict[str, Any]:
    response = await client.get(f"/v1/metrics/{path}", params=query, timeout=120)
    assert response.status_code == 200, (path, query, response.text)
    body: dict[str, Any] = response.json()
    return body


async def rows(client: httpx.AsyncClient, path: str, query: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await get(client, path, {**query, "limit": limit} | ({"cursor": cursor} if cursor else {}))
        found += page["rows"]
        assert page["total"] >= len(found)
        cursor = page["next_cursor"]
    return found


def treated(row: dict[str, Any]) -> tuple[str, str | None, float | None]:
    return row["counted"], row["reason"], row["seconds"]


def main(found: list[tuple[str, str | None, float | None]]) -> Any:
    """The treatment of a unit that is shown, and how many there are: a counted one, the longest."""
    if not found:
        return None
    best = min(found, key=lambda row: (row[1] or "", row[0] != "numerator", -1 if row[2] is None else -row[2]))
    return best, len(found)


@pytest.mark.long
@pytest.mark.parametrize("metric", COMPARED)
async def test_the_rows_are_those_that_the_explanations_tell_apart(
    metric: str, store: ClickHouseStore, tmp_path: Path
) -> None:
    log = json.loads((LOGS / f"{metric}.json").read_text())
    await feed(store, log["deliveries"])
    asked = [question["query"] for question in log["questions"] if "definition" not in question["query"]]
    seen = 0
    async with reader(store, tmp_path, log["tenant"].get("questions", ())) as client:
        for query in asked[:2]:
            if seen and not full():
                break
            plain = {key: value for key, value in query.items() if key not in ("segment", "compare")}
            compared = await get(client, f"{metric}/compare", plain)
            entities: dict[str, list[str]] = {}
            units: dict[tuple[str, str], dict[str, list[Any]]] = {}
            again = some([told["definition"] for told in compared["definitions"]], 2, f"compared {metric}")
            for told in compared["definitions"]:
                name = told["definition"]
                own = {key: value for key, value in plain.items() if key not in told["left_out"]}
                if told["problem"]:
                    refused = await client.get(f"/v1/metrics/{metric}", params={**own, "definition": name})
                    assert refused.json() == told["problem"]
                    continue
                if name in again:
                    assert told["answer"] == await get(client, metric, {**own, "definition": name})
                default = compared["definitions"][0]["answer"]
                if told["answer"]["unit"] == default["unit"] and None not in (
                    told["answer"]["value"],
                    default["value"],
                ):
                    assert told["difference"] == told["answer"]["value"] - default["value"]
                else:
                    assert told["difference"] is None
                defined = METRICS[metric].defined(name)
                entity = own.get("entity", defined.options["entity"])
                entities.setdefault(entity, []).append(name)
                for row in await rows(client, f"{metric}/explain", {**own, "definition": name}, 1000):
                    assert row["entity"] == entity
                    units.setdefault((entity, row["id"]), {}).setdefault(name, []).append(treated(row))
            expected = {
                key: {name: found.get(name) for name in entities[key[0]]}
                for key, found in units.items()
                if len({main(found.get(name, [])) for name in entities[key[0]]}) > 1
            }
            given = await rows(client, f"{metric}/compare", plain, max(2, compared["total"] // 2))
            assert {(row["entity"], row["id"]) for row in given} == set(expected)
            assert [row["entered"] for row in given] == sorted(row["entered"] for row in given)
            for row in given:
                for name, found in expected[row["entity"], row["id"]].items():
                    told_here = row["definitions"][name]
                    assert (told_here is None) == (found is None)
                    assert found is None or (treated(told_here), told_here["times"]) == main(found)
            seen += len(given)
    # The other definition of nps takes the same answers, and makes another number of them.
    assert bool(seen) == (metric != "nps")
