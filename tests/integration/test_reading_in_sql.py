"""Statements read archived properties as folds do: told in SQL is `fields.text` and `fields.word` in Python."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from schemas import currencies
from schemas.events import in_sql, words
from schemas.events.fields import flag, text, word
from schemas.words import Vocabulary

VOCABULARIES = [*vars(words).values(), currencies.CURRENCIES]
TEMPLATES = ["<%= id\n %>", "%uid%", "[a_b]", "*|A|*", "{id}", "%7Bid%7D", ":id", "$id", "__ID__", "%s", "\\(id)"]
LIKE_TEMPLATES = ["[1001]", "{6F9619FF}", "#1001", ":1", "$device:f1a2", "a%b%", "a:id", "x[y]", "[id]\n.", "_ga"]
TEXTS = [
    "x",
    " Yes ",
    "NPS",
    "undefined",
    "{{ id }}",
    "${id}",
    "  ",
    "null",
    "1001",
    "on - hold",
    "9.0",
    "ÄÖ",
    *TEMPLATES,
]
TEXTS += LIKE_TEMPLATES
VALUES: list[Any] = [None, "", True, False, [], {}, 0, 1, 5, 1001, 1001.0, 1e3, 1.5, -2.5, *TEXTS]


async def asked(store: ClickHouseStore, expression: str, values: list[Any]) -> list[Any]:
    """`expression` over rows whose column `properties` holds each value."""
    rows = "SELECT arrayJoin(arrayEnumerate({values:Array(String)})) AS n, {values:Array(String)}[n] AS properties"
    found = await store.query(f"SELECT {expression} FROM ({rows}) ORDER BY n", {"values": values})
    return [value for (value,) in found]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("key", "event"),
    [("call_id", "call_started"), ("survey_type", "survey_question_answered"), ("taxonomy", "visit_purpose_answered")],
)
async def test_a_statement_reads_a_property_as_a_fold_does(store: ClickHouseStore, key: str, event: str) -> None:
    properties = [{key: value} for value in VALUES] + [{key: "", "callId": 7.0, "surveyType": "Csat"}]
    vocabulary = in_sql.declared(key, event)
    expected = [word(each, key, vocabulary) if vocabulary else text(each, key) for each in properties]
    assert await asked(store, in_sql.told(key, event), [json.dumps(each) for each in properties]) == expected


@pytest.mark.engine
async def test_a_statement_reads_a_flag_as_a_fold_does(store: ClickHouseStore) -> None:
    properties = [{"inferred": value} for value in VALUES]
    found = await asked(
        store, in_sql.told_true("inferred", "visit_purpose_answered"), [json.dumps(each) for each in properties]
    )
    assert [bool(each) for each in found] == [flag(each, "inferred") is True for each in properties]


@pytest.mark.engine
async def test_a_statement_reads_words_as_a_fold_does(store: ClickHouseStore) -> None:
    for vocabulary in VOCABULARIES:
        if isinstance(vocabulary, Vocabulary):
            spelt = [*vocabulary.spellings, *(f" {each.upper()} " for each in vocabulary.spellings), *TEXTS]
            found = await asked(store, vocabulary.in_sql("properties"), spelt)
            assert found == [vocabulary.read(each) for each in spelt], vocabulary.name
