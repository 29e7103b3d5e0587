"""A change between two cohorts is one of behaviour, not of their ages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.harness import feed, reader

pytestmark = pytest.mark.engine
ORDERS = {
    "earlier": ("2026-09-02", "2026-09-10"),
    "later on": ("2026-09-03", "2026-10-10"),  # bought again when the earlier cohort was older than the present one is
    "once": ("2026-09-04",),
    "now": ("2026-10-01", "2026-10-09"),
    "now once": ("2026-10-02",),
    "now too": ("2026-10-03",),
}
PRESENT = {"from": "2026-09-29", "to": "2026-10-27"}
EARLIER = {"from": "2026-09-01", "to": "2026-09-29"}


def _events() -> list[dict[str, Any]]:
    return [
        {
            "event": "order_completed",
            "messageId": f"{person} {day}",
            "timestamp": f"{day}T12:00:00Z",
            "userId": person,
            "properties": {"order_id": f"{person} {day}", "total": 10},
        }
        for person, days in ORDERS.items()
        for day in days
    ]


async def test_a_cohort_of_28_days_is_compared_as_of_the_age_of_the_present_one(
    store: ClickHouseStore, tmp_path: Path
) -> None:
    deliveries = [{"received_at": "2026-11-02T12:00:00Z", "events": _events()}]
    await feed(store, deliveries)
    async with reader(store, tmp_path, timezone="UTC") as client:

        async def asked(**query: str) -> dict[str, Any]:
            response = await client.get("/v1/metrics/repeat_purchase_rate", params=query)
            assert response.status_code == 200, response.text
            told: dict[str, Any] = response.json()
            return told

        now = "2026-10-28T00:00:00Z"
        present = await asked(**PRESENT, at=now, compare="previous")
        compared = present["comparison"]
        assert compared["at"] == "2026-09-30T00:00:00Z"
        then, known_now = await asked(**EARLIER, at=compared["at"]), await asked(**EARLIER, at=now)
        assert (then["numerator"], known_now["numerator"]) == (1, 2)
        assert compared["value"] == then["value"] != known_now["value"]
        assert present["value"] == pytest.approx(compared["value"])
        assert compared["significant"] is False
        question = understood("repeat_purchase_rate", {**PRESENT, "at": now, "compare": "previous"}, "UTC")
        judged = Reference(deliveries).answer(question)["comparison"]
        assert compared["value"] == pytest.approx(judged["value"])
        assert compared["difference"] == pytest.approx(judged["difference"])
