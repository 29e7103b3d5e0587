"""Facts that were folded before their table had all of its columns: read as they were, right once folded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from stream_processors.rebuild import rebuild, runs
from tests.reference.agreement import differences
from tests.reference.harness import ask, feed, reader

LOGS = Path(__file__).parents[1] / "logs"
LATER = 4_000_000_000_000
ADDED = {
    "carts": ("cart_abandonment_rate_reuse", ("merges",)),
    "answers": ("nps_by_field", ("completions",)),
    "orders": ("revenue_by_field", ("currencies", "states")),
}
"""Fact: a log whose answers need the columns that were added to it, and these."""


@pytest.mark.engine
@pytest.mark.parametrize("fact", ADDED)
async def test_a_fact_that_got_columns_is_folded_again_by_itself(
    fact: str, store: ClickHouseStore, tmp_path: Path
) -> None:
    name, columns = ADDED[fact]
    log = json.loads((LOGS / f"{name}.json").read_text())
    assert not (await runs(store))[fact].is_done
    await feed(store, log["deliveries"])
    for column in columns:
        await store.command(f"ALTER TABLE {fact} CLEAR COLUMN {column} SETTINGS mutations_sync = 2")
    async with reader(store, tmp_path) as client:

        async def wrong() -> list[Any]:
            """Where the first answer that is not the expected one differs."""
            for question in log["questions"]:
                body = json.loads(await ask(client, log["metric"], question["query"]))
                if found := differences(question["expected"], body):
                    return found
            return []

        assert await wrong()
        assert fact in await rebuild(store, LATER)
        assert not await wrong()


_OLD_READING = """INSERT INTO tickets SELECT tenant, id, actor, country, channel, device, priority,
    arrayMap(x -> (x.1, x.2, x.3, x.4, toUInt8(1), toUInt8(bitAnd(x.6, 127)), x.7, x.8), transitions)
  FROM tickets"""
"""As an older version read the same events: it took every status that it did not know for open."""


@pytest.mark.engine
async def test_of_two_readings_of_an_event_the_newer_one_counts(store: ClickHouseStore, tmp_path: Path) -> None:
    log = json.loads((LOGS / "backlog_states.json").read_text())
    assert not (await runs(store))["tickets"].is_done
    await feed(store, log["deliveries"])
    await store.command(_OLD_READING)
    async with reader(store, tmp_path) as client:
        for question in log["questions"]:
            assert not differences(question["expected"], json.loads(await ask(client, "backlog", question["query"])))
