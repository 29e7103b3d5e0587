"""The four ways to leave self-service add up, on random streams of calls, menus, chats and tickets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.store import ClickHouseStore
from tests.reference.experience_stream import experience
from tests.reference.harness import ask, feed, reader
from tests.rotation import some
from tests.streams.experience import CONTAINED
from tests.streams.moments import AFTER, WHOLE

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("seed", range(2))
async def test_the_four_ways_to_leave_self_service_add_up(seed: int, store: ClickHouseStore, tmp_path: Path) -> None:
    await feed(store, experience(seed, 1500))
    variations: tuple[dict[str, str], ...] = (
        {},
        {"engagement": "PT5M"},
        {"goals": "call_started"},
        {"filter": "channel:eq:chat"},
        {"at": "2026-10-26T12:00:00Z"},
    )
    async with reader(store, tmp_path) as client:
        for more in [variations[0], *some(variations[1:], 1, f"containment {seed}")]:
            query = {**AFTER, **WHOLE, **more}
            body = json.loads(await ask(client, CONTAINED, query))
            naive = json.loads(await ask(client, CONTAINED, {**query, "definition": "naive"}))
            details = body["details"]
            ways = {way: details[way] for way in ("completed", "abandoned", "transferred", "technical")}
            assert sum(ways.values()) == body["n"] > 0, (query, details)
            assert body["numerator"] == ways["completed"] - details["repeated"]
            assert naive["numerator"] == body["n"] - ways["transferred"]
