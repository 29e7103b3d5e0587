"""What decides is checked: every property that a fold reads is declared on its event with a type, so that ingest has
read it before, and has refused or warned of what cannot be read. The list is taken from the folds themselves: they are
given properties that note what they are asked for. Statements name an event and a declared field of it, or are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import schemas.events
from ingest.accept import accept
from schemas.events import EVENTS, in_sql, lookup
from schemas.events.fields import spellings
from schemas.record import Record, decode_records
from stream_processors.incoming import understood
from stream_processors.processor import FACTS

EXAMPLES = Path(schemas.events.__file__).parent / "examples"


class Noting(dict[str, Any]):
    """Properties that note under which names they were looked for."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        super().__init__(members)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)


def asked_by_folds(record: Record, properties: Mapping[str, Any]) -> set[str]:
    noting = Noting(properties)
    event = understood(record, noting)
    for fact in FACTS:
        if fact.names is None or record.name in fact.names:
            list(fact.rows(event))
    return noting.asked


def _sample(name: str, key: str) -> Iterator[Any]:
    """Values under which a fold may go another way."""
    vocabulary = EVENTS[name].marks[key].vocabulary
    yield from vocabulary.words if vocabulary and len(vocabulary.words) < 20 else ()
    yield from ("x", 1, 0, True, False)


def _variants(name: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {}
    yield dict(given)
    every = {key: next(_sample(name, key)) for key in EVENTS[name].types}
    yield every
    for key in EVENTS[name].types:
        yield {name: value for name, value in every.items() if name != key}
        yield from ({**every, key: value} for value in _sample(name, key))


CASES = [
    pytest.param(json.loads(path.read_text(encoding="utf-8"))[0]["given"], id=path.stem)
    for path in sorted(EXAMPLES.glob("*.json"))
]


@pytest.mark.parametrize("given", CASES)
def test_every_property_that_a_fold_reads_is_declared_on_its_event(given: dict[str, Any]) -> None:
    outcome = accept(json.dumps(given).encode(), tenant="t", received_at=1_795_600_000_000, random_id=lambda: "r")
    (record,) = decode_records(outcome.frame.records)
    asked: set[str] = set()
    for properties in _variants(record.name, given.get("properties", {})):
        asked |= asked_by_folds(record, properties)
    declared = {spelling for key in lookup(record.name).types for spelling in spellings(key)}
    assert asked <= declared, sorted(asked - declared)


@pytest.mark.parametrize(
    ("key", "events", "why"),
    [
        ("colour", ("product_added",), "product_added does not declare colour"),
        ("order_id", ("product_added",), "product_added does not declare order_id"),
        ("colour", (), "declared by no event"),
        ("type", (), "name its events"),
    ],
)
def test_a_statement_cannot_read_what_is_not_declared(key: str, events: tuple[str, ...], why: str) -> None:
    with pytest.raises(LookupError, match=why):
        in_sql.told(key, *events)
