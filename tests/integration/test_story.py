"""Why an entity counts: its story in order, told from the declaration of each metric.

A usual run takes a metric of each shape, and of it some questions and rows, drawn by its seed.
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
from tests.rotation import of_each, some

pytestmark = pytest.mark.engine
WINDOW = {"from": "2026-11-18", "to": "2026-11-19"}
LOGS = Path(__file__).parents[1] / "logs"
DRAWN = of_each(shape, [*METRICS], "stories")


def event(name: str, time: str, **properties: object) -> dict[str, Any]:
    return {
        "messageId": f"{name}-{time}", "event": name, "timestamp": f"2026-11-18T{time}:00Z", "userId": "u1",
        "properties": properties,
    }  # fmt: skip


async def row(http: httpx.AsyncClient, metric: str, unit_id: str, **query: str) -> dict[str, Any]:
    response = await http.get(f"/v1/metrics/{metric}/explain", params={**WINDOW, "id": unit_id, **query})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["total"] == len(body["rows"]) == 1, body
    found: dict[str, Any] = body["rows"][0]
    return found


def told(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The time on the clock and what happened."""
    return [(each["at"][11:16], each["what"]) for each in found["story"]]


async def test_a_cart_tells_when_it_was_opened_left_timed_out_and_ordered(
    store: ClickHouseStore, tmp_path: Path
) -> None:
    added = [event("product_added", time, cart_id="c1", product_id=f"p{time}") for time in ("10:02", "10:05")]
    other = event("product_added", "10:03", cart_id="c2", product_id="p")
    order = event("order_completed", "11:30", cart_id="c1", order_id="o1")
    await feed(store, [{"received_at": "2026-11-18T12:00:00Z", "events": [*added, other, order]}])
    async with reader(store, tmp_path) as http:
        early = await row(http, "cart_abandonment_rate", "c1", at="2026-11-18T10:30:00Z")
        opened = [
            ("10:02", "product_added"), ("10:02", "cart opened"),
            ("10:05", "product_added"), ("10:05", "last activity"),
        ]  # fmt: skip
        assert told(early) == opened
        assert early["why"] == ("No order yet; within PT24H there may be one until 2026-11-19T10:02:00Z.")
        quiet = await row(http, "cart_abandonment_rate", "c1", at="2026-11-18T11:10:00Z")
        assert told(quiet) == [*opened, ("11:05", "timed out")]
        late = await row(http, "cart_abandonment_rate", "c1", at="2026-11-21T00:00:00Z")
        assert told(late) == [*opened, ("11:05", "timed out"), ("11:30", "order"), ("10:02", "horizon over")]
        assert late["why"] == "order PT1H28M later, within PT24H."
        assert [each["event_id"] is None for each in late["story"]] == [False, True, False, True, True, True, True]
        assert late["counted"] == "denominator"
        left = await row(http, "cart_abandonment_rate", "c2", at="2026-11-21T00:00:00Z")
        assert (left["why"], left["counted"]) == ("No order within PT24H.", "numerator")


async def test_a_ticket_tells_its_events_and_its_first_reply(store: ClickHouseStore, tmp_path: Path) -> None:
    events = [
        event("ticket_created", "09:00", ticket_id="t1"),
        event("ticket_replied", "09:01", ticket_id="t1", author_type="bot", public=True),
        event("ticket_replied", "09:10", ticket_id="t1", author_type="agent", agent_id="g1", public=True),
    ]
    await feed(store, [{"received_at": "2026-11-18T12:00:00Z", "events": events}])
    async with reader(store, tmp_path) as http:
        found = await row(http, "first_response_time", "t1", at="2026-11-18T20:00:00Z")
        assert told(found) == [
            ("09:00", "ticket_created"), ("09:00", "ticket created"), ("09:01", "ticket_replied"),
            ("09:10", "ticket_replied"), ("09:10", "first public human reply"),
        ]  # fmt: skip
        assert found["why"] == "Counts: reply at 2026-11-18T09:10:00Z."


@pytest.mark.parametrize("metric", DRAWN)
async def test_every_row_of_every_metric_has_its_story(store: ClickHouseStore, tmp_path: Path, metric: str) -> None:
    log = json.loads((LOGS / f"{metric}.json").read_text())
    await feed(store, log["deliveries"])
    explained = 0
    async with reader(store, tmp_path, log["tenant"].get("questions", ())) as http:
        asked_before = [question["query"] for question in log["questions"]]
        of_definitions = {query.get("definition", "default"): query for query in reversed(asked_before)}
        default = of_definitions.pop("default")
        others = [*of_definitions.values(), *asked_before[1:4]]
        for query in [default, *some(others, 1, f"stories {metric}")]:
            asked = {key: value for key, value in query.items() if key not in ("segment", "compare")}
            rows = (await http.get(f"/v1/metrics/{metric}/explain", params=asked)).json()["rows"]
            for each in some(rows, 2, f"stories {metric} {query}"):
                assert "story" not in each
                one = await http.get(f"/v1/metrics/{metric}/explain", params={**asked, "id": each["id"]})
                # Of some definitions a unit counts more than once: each time it is solved.
                known = [row for row in one.json()["rows"] if row["reason"] == each["reason"]]
                found = [row for row in known if row["entered"] == each["entered"]]
                assert [{key: row[key] for key in each} for row in found] == [each]
                assert found[0]["why"]
                assert found[0]["story"] == sorted(found[0]["story"], key=lambda chapter: chapter["at"])
                assert len(found[0]["story"]) >= 1
                explained += 1
    assert explained
