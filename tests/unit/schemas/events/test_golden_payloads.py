"""Every declared event has golden payloads, and each becomes the record that stands beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import schemas.events
from ingest.accept import accept
from schemas.events import EVENTS
from schemas.record import decode_records

EXAMPLES = Path(schemas.events.__file__).parent / "examples"
CASES = [
    pytest.param(case["given"], case["expected"], id=f"{path.stem}-{number}")
    for path in sorted(EXAMPLES.glob("*.json"))
    for number, case in enumerate(json.loads(path.read_text(encoding="utf-8")))
]


def test_every_event_has_a_golden_payload_and_every_payload_an_event() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(EVENTS)


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_a_golden_payload_becomes_its_record(given: dict[str, Any], expected: dict[str, Any]) -> None:
    outcome = accept(
        json.dumps(given).encode(), tenant="demo", received_at=1_795_600_000_000, random_id=lambda: "random"
    )
    assert outcome.rejected == []
    (record,) = decode_records(outcome.frame.records)
    assert {key: getattr(record, key) for key in expected} == expected


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: str(event.name))
def test_an_event_that_names_an_order_or_a_ticket_needs_its_id(event: schemas.events.Event) -> None:
    named = {"order": "order_id", "ticket": "ticket_id"}
    assert set(event.required) == {named[entity] for entity in event.entities if entity in named}
