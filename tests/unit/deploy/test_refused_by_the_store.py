"""One process: what the store refuses for good is a dead letter; its sender hears of it and nobody else is affected."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from deploy.embedded import Edges, Service
from deploy.store import ClickHouseStore
from ingest.http import Response
from ingest.service import Ingest
from schemas import settings
from schemas.tenants import Tenants
from tests.unit.stream_processors.memory_store import Memory

TENANTS = {"tenants": [{"id": name, "timezone": "UTC", "write_keys": [f"wk_{name}"]} for name in ("a", "b")]}


def _service(store: Memory, tmp_path: Path) -> tuple[Service, Ingest]:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps(TENANTS))
    engine = ClickHouseStore(f"chdb://{tmp_path / 'never opened'}")
    service = Service(settings.read({}), engine, store, Edges())
    return service, Ingest(service.log, Tenants(path))


async def _post(ingest: Ingest, tenant: str, *ids: str) -> Response:
    items = [{"event": "Seen", "messageId": each, "userId": "u"} for each in ids]
    body = json.dumps({"events": items}).encode()
    return await ingest.handle("POST", "/v1/events", {"authorization": f"Bearer wk_{tenant}"}, {}, body)


def _answer(response: Response) -> tuple[int, Any]:
    return response.status, json.loads(response.body)


async def test_what_the_store_refuses_is_rejected_and_its_neighbours_are_counted(tmp_path: Path) -> None:
    store = Memory(poison="bad")
    service, ingest = _service(store, tmp_path)
    mixed, other = await asyncio.gather(_post(ingest, "a", "1", "bad", "2"), _post(ingest, "b", "3"))
    status, told = _answer(mixed)
    assert (status, told["accepted"]) == (202, 2)
    (refused,) = told["rejected"]
    assert (refused["index"], refused["messageId"], refused["code"]) == (1, "bad", "unstorable_record")
    assert _answer(other) == (202, {"accepted": 1, "rejected": []})
    assert sorted(row[6] for row in store.rows["events"]) == ["1", "2", "3"]
    assert [(row[0], row[2], row[6]) for row in store.rows["dead_letters"]] == [("a", "unstorable_record", "bad")]
    assert (service.accepted, dict(service.dead_letters)) == (3, {"unstorable_record": 1})
    assert service.log.ready()


async def test_a_request_of_nothing_else_is_answered_that_nothing_was_accepted(tmp_path: Path) -> None:
    _, ingest = _service(Memory(poison="bad"), tmp_path)
    status, told = _answer(await _post(ingest, "a", "bad"))
    assert (status, told["code"], told["retryable"], told["accepted"]) == (422, "no_valid_event", False, 0)


async def test_a_store_that_refuses_even_dead_letters_is_an_outage(tmp_path: Path) -> None:
    _, ingest = _service(Memory(refuses=True), tmp_path)
    status, told = _answer(await _post(ingest, "a", "1"))
    assert (status, told["retryable"]) == (503, True)
