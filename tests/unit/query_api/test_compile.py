"""Compiling: what a caller wrote is bound and never part of a statement; the tenant is in every read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from query_api.compile import Statement, counting, explaining, uses_activity_facts
from query_api.parameters import parse
from query_api.question import Question
from schemas.facts import RELATIONS, named_in
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.tables import TABLES
from schemas.tenants import Tenant

NOW = parse_instant("2026-11-20T12:00:00Z", "UTC")
EVIL = "x'; DROP TABLE events; -- {tenant:String}"
TENANT = Tenant(id="demo", timezone="Europe/Berlin", currency="EUR")


def question(name: str, **query: str) -> Question:
    return parse(METRICS[name], query.items(), TENANT, NOW).question


def statements(asked: Question) -> list[Statement]:
    return [counting(asked)[0], explaining(asked, None, 10), explaining(asked, (5, EVIL), 10)]


@pytest.mark.parametrize("name", METRICS)
def test_no_text_of_a_caller_is_in_a_statement(name: str) -> None:
    asked = question(name, segment="trait.plan_of_evil,country", filter=f"trait.tier_of_evil:nin:{EVIL},b")
    for compiled in statements(asked):
        assert "DROP" not in compiled.sql
        assert "evil" not in compiled.sql
        assert "evil" in str(compiled.parameters)


@pytest.mark.parametrize("name", METRICS)
def test_every_placeholder_is_bound_and_nothing_else_is(name: str) -> None:
    resolved = {
        "alias_nodes",
        "alias_roots",
        "undone_origins",
        "undone_targets",
        "redone_origins",
        "redone_targets",
        "redone_since",
    }
    for asked in (question(name), question(name, segment="country", filter="device:eq:")):
        for compiled in statements(asked):
            named = set(re.findall(r"\{(\w+):", compiled.sql))
            assert named - set(compiled.parameters) == (resolved if compiled.identities else set())
            assert set(compiled.parameters) <= named
            assert "$" not in compiled.sql


@pytest.mark.parametrize("name", METRICS)
def test_every_read_of_a_table_is_of_the_tenant(name: str) -> None:
    tables = "|".join(TABLES)
    for compiled in statements(question(name, segment="trait.plan")):
        reads = re.findall(rf"FROM ({tables})\b(?! *\))(.{{0,200}})", compiled.sql, re.DOTALL)
        assert reads
        for table, rest in reads:
            assert "tenant = {tenant:String}" in rest, (table, rest)


@pytest.mark.parametrize("name", METRICS)
def test_the_same_question_is_the_same_statement(name: str) -> None:
    assert statements(question(name, segment="device")) == statements(question(name, segment="device"))


@pytest.mark.parametrize("relation", RELATIONS.values(), ids=lambda relation: relation.name)
def test_a_relation_comes_after_those_it_names(relation: Any) -> None:
    order = list(RELATIONS)
    needed = [each.name for each in named_in(relation.sql)]
    assert all(order.index(name) < order.index(relation.name) for name in needed)


def test_activity_facts_answer_only_what_they_hold() -> None:
    assert uses_activity_facts(question("mau"))
    assert uses_activity_facts(question("stickiness", tz="Asia/Kathmandu"))
    for query in (
        {"segment": "country"},
        {"filter": "country:eq:DE"},
        {"events": "page_viewed"},
        {"min_events": "2"},
    ):
        assert not uses_activity_facts(question("mau", **query)), query
    assert not uses_activity_facts(question("event_count"))
