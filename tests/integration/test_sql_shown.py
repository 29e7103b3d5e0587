"""The statement that an answer shows is the one that gives its numbers, in `plan=1` and on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.store import ClickHouseStore
from tests.reference.harness import feed, reader
from tests.service import ROOT, TENANTS

pytestmark = pytest.mark.engine
DAY = {"from": "2026-11-02", "to": "2026-11-03", "at": "2026-11-05T00:00:00Z"}


async def test_the_statement_of_a_plan_counts_what_the_answer_says(store: ClickHouseStore, tmp_path: Path) -> None:
    orders = [
        {
            "event": "order_completed",
            "messageId": f"m{number}",
            "timestamp": "2026-11-02T12:00:00Z",
            "userId": f"u{number}",
            "properties": {"order_id": f"o{number}", "total": 10},
        }
        for number in range(3)
    ]
    await feed(store, [{"received_at": "2026-11-02T12:00:00Z", "events": orders}])
    async with reader(store, tmp_path) as client:
        told = (await client.get("/v1/metrics/orders", params={**DAY, "plan": "1"})).json()
    shown = told["plan"]["statement"]
    assert told["plan"]["layer"] == "facts"
    assert "\n" in shown["sql"]
    assert shown["bound"]["tenant"] == "demo"
    rows = await store.query(shown["sql"], shown["bound"])
    assert told["n"] == 3
    assert 3 in rows[0]


def test_the_command_prints_the_statement_and_its_values(tmp_path: Path) -> None:
    (tmp_path / "tenants.json").write_text(json.dumps(TENANTS))
    command = [sys.executable, "-m", "deploy.cli", "sql", "orders", "window=P7D", "filter=country:in:DE,AT"]
    environment = {**os.environ, "SOJOURN_DATA": str(tmp_path)}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert "-- {tenant} = 'test'\n" in printed
    assert "-- {filter_0} = ['DE', 'AT']\n" in printed
    assert "has({filter_0:Array(String)}" in printed
    assert "\nFROM" in printed
