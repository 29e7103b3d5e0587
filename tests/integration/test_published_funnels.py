"""Funnels that other products publish with their data, asked of ours: the numbers that their authors print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference.harness import feed, reader

pytestmark = pytest.mark.engine
# Databend, "Conversion funnel analysis" (docs.databend.com, also beside its function WINDOW_FUNNEL): nine events of
# three users, a window of an hour, and the result
#   level 2: 1 user (100126), level 3: 1 (100125), level 4: 1 (100123).
DATABEND = {
    "100123": (("login", "2022-05-14 10:01:00"), ("visit", "2022-05-14 10:02:00"), ("cart", "2022-05-14 10:04:00"),
               ("purchase", "2022-05-14 10:10:00")),
    "100125": (("login", "2022-05-15 11:00:00"), ("visit", "2022-05-15 11:01:00"), ("cart", "2022-05-15 11:02:00")),
    "100126": (("login", "2022-05-15 12:00:00"), ("visit", "2022-05-15 12:01:00")),
}  # fmt: skip
LEVELS = {2: ["100126"], 3: ["100125"], 4: ["100123"]}
# ClickHouse, windowFunnel (clickhouse.com/docs, parametric aggregate functions), mode strict_order: in the case of
# A->B->D->C it stops finding A->B->C at the D and the max event level is 2.
CLICKHOUSE = {"u": (("A", "2022-05-14 10:00:00"), ("B", "2022-05-14 10:01:00"), ("D", "2022-05-14 10:02:00"),
                    ("C", "2022-05-14 10:03:00"))}  # fmt: skip


def deliveries(users: Any) -> list[dict[str, Any]]:
    """The authors' rows as events; our purchases name their order, theirs have no field for it."""
    events = [
        {
            "messageId": f"{user}-{number}", "event": name, "userId": user,
            "timestamp": time.replace(" ", "T") + "Z", "properties": {"order_id": user},
        }
        for user, rows in users.items()
        for number, (name, time) in enumerate(rows)
    ]  # fmt: skip
    return [{"received_at": "2022-06-01T00:00:00Z", "events": events}]


async def levels(store: ClickHouseStore, folder: Path, users: Any, **query: str) -> tuple[list[int], dict[int, Any]]:
    """How many reached each step, and by level who came so far and no farther."""
    await feed(store, deliveries(users))
    asked = {"from": "2022-05-14", "to": "2022-05-16", "at": "2022-06-02T00:00:00Z", "tz": "UTC", **query}
    found: dict[int, Any] = {}
    async with reader(store, folder) as client:
        steps = (await client.get("/v1/funnels", params=asked)).json()["steps"]
        for level in range(1, len(steps) + 1):
            stage = (level + 1, "dropped") if level < len(steps) else (level, "reached")
            page = await client.get("/v1/funnels/people", params={**asked, "step": str(stage[0]), "outcome": stage[1]})
            people = [row["id"].removeprefix("u:") for row in page.json()["rows"]]
            if people:
                found[level] = people
    return [step["people"] for step in steps], found


async def test_databend_prints_one_user_at_each_of_the_levels_two_to_four(
    store: ClickHouseStore, tmp_path: Path
) -> None:
    people, found = await levels(store, tmp_path, DATABEND, steps="login,visit,cart,purchase", within="PT1H")
    assert people == [3, 3, 2, 1]
    assert found == LEVELS


@pytest.mark.parametrize(("order", "level"), [("strict", 2), ("ordered", 3)])
async def test_clickhouse_stops_at_an_event_between_only_where_order_is_strict(
    store: ClickHouseStore, tmp_path: Path, order: str, level: int
) -> None:
    _, found = await levels(store, tmp_path, CLICKHOUSE, steps="A,B,C", within="PT1H", order=order)
    assert found == {level: ["u"]}
