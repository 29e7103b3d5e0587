"""Every declared event: a golden payload beside it, in any spelling, becomes the record that is written there."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from ingest.accept import accept
from schemas.events import EVENTS, canonical, lookup
from schemas.record import Record, decode_records

EXAMPLES = files("schemas.events").joinpath("examples")
NOW = 1_795_600_000_000


def taken(event: dict[str, Any]) -> Record:
    outcome = accept(json.dumps(event).encode(), tenant="t", received_at=NOW, random_id=lambda: "random")
    assert not outcome.rejected, outcome.rejected
    (record,) = decode_records(outcome.frame.records)
    return record


def golden(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(EXAMPLES.joinpath(f"{name}.json").read_text("utf-8"))
    return found


def test_every_event_has_golden_payloads_and_every_golden_payload_an_event() -> None:
    assert {file.name.removesuffix(".json") for file in EXAMPLES.iterdir()} == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_a_golden_payload_becomes_its_record(name: str) -> None:
    for example in golden(name):
        record = taken(example["given"])
        assert {field: getattr(record, field) for field in example["expected"]} == example["expected"]


@pytest.mark.parametrize("name", EVENTS)
def test_any_spelling_is_the_same_event(name: str) -> None:
    words = name.split("_")
    spellings = {
        name,
        name.upper(),
        " ".join(words),
        " ".join(word.capitalize() for word in words),
        words[0] + "".join(word.capitalize() for word in words[1:]),
        "".join(word.capitalize() for word in words),
        "-".join(words),
        *lookup(name).aliases,
    }
    assert {spelling: canonical(spelling) for spelling in spellings} == dict.fromkeys(spellings, name)


@pytest.mark.parametrize("name", EVENTS)
def test_a_required_field_that_is_missing_refuses_only_the_event(name: str) -> None:
    given = golden(name)[0]["given"]
    for field in lookup(name).required:
        broken = {**given, "properties": {**given["properties"], field: ""}}
        body = json.dumps({"events": [broken, {"event": "page", "messageId": "good"}]}).encode()
        outcome = accept(body, tenant="t", received_at=NOW, random_id=lambda: "random")
        assert outcome.accepted == 1
        assert [(bad["index"], bad["code"], bad["field"]) for bad in outcome.rejected] == [
            (0, "missing_property", f"properties.{field}")
        ]


@pytest.mark.parametrize("alias", ["Added Product", "add_to_cart", "AddedToCart", "Product Added", "product_added"])
def test_spellings_of_an_added_product(alias: str) -> None:
    assert canonical(alias) == "product_added"


def test_an_unknown_name_is_a_custom_event_that_a_person_did() -> None:
    record = taken({"event": "Wizard Finished!", "messageId": "m"})
    assert (record.name, record.raw_name) == ("wizard_finished", "Wizard Finished!")
    assert (lookup(record.name).family, lookup(record.name).actor) == ("custom", "person")
