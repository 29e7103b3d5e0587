"""A new version opens a folder whose archive is older than its facts: it serves, and builds them beside that."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.service import ROOT, Service

# Every run asks that such facts are built (tests/integration/test_rebuild.py), and that facts are built while a service
# answers (tests/faults/test_damage.py).
pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.long, pytest.mark.full]
OLDER = """
import asyncio, sys
from deploy.store import ClickHouseStore

async def forget() -> None:
    store = ClickHouseStore(sys.argv[1])
    await store.open()
    await store.command("DROP TABLE subscription_events SYNC")
    await store.command("DROP TABLE rebuilds SYNC")
    await store.command("DELETE FROM schema_migrations WHERE id >= 5")
    await store.close()

asyncio.run(forget())
"""
"""Makes of a folder what a version that had no subscriptions would have left."""
WINDOW = {"from": "2026-03-01", "to": "2026-04-01", "at": "2026-05-01T00:00:00Z"}


def trials() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(40):
        told = {
            "userId": f"u{number}",
            "properties": {"subscription_id": f"b{number}", "amount": 10, "currency": "EUR"},
        }
        begun = {"event": "trial_started", "timestamp": f"2026-03-{number % 28 + 1:02}T10:00:00Z"}
        found.append({"messageId": f"t{number}", **begun, **told})
        if number % 4 == 0:
            paid = {"event": "subscription_started", "timestamp": f"2026-03-{number % 28 + 1:02}T12:00:00Z"}
            found.append({"messageId": f"s{number}", **paid, **told})
    return found


def test_a_fact_that_is_younger_than_the_archive_is_built_while_the_service_answers(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    try:
        service.start(120)
        assert service.send({"events": trials()}).status_code == 202
        before = service.metric("trial_to_paid_rate", **WINDOW)
        assert (before["numerator"], before["n"]) == (10, 40)
        service.terminate(60)
        dsn = f"chdb://{service.folder}/store"
        subprocess.run([sys.executable, "-c", OLDER, dsn], cwd=ROOT, check=True, timeout=120)
        service.start(120)
        deadline = time.monotonic() + 60
        while (after := service.metric("trial_to_paid_rate", **WINDOW))["n"] < 40 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert {**after, "watermark": ""} == {**before, "watermark": ""}
    finally:
        service.kill()
