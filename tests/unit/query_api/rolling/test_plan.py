"""Which layer answers: a pure function of the question, of what is kept, and of how old an answer may be."""

from __future__ import annotations

import pytest

from query_api.parameters import parse
from query_api.rolling.plan import Asked, Kept, Place, asked, choose, edges_of, is_usual, place
from schemas.errors import Problem
from schemas.metrics import METRICS
from schemas.periods import DAY_MS, HOUR_MS
from schemas.tenants import Tenant

TENANT = Tenant(id="demo", timezone="Europe/Berlin", currency="EUR")
NOW = 1_764_000_000_000
OLD = Asked([], 10_000, shows_plan=False)
CARTS = METRICS["cart_abandonment_rate"]


def layer(wanted: Asked, kept: Kept, edges: tuple[int, ...] = ()) -> str:
    return choose(wanted, kept, NOW, edges).layer


def test_without_an_age_the_facts_answer_whatever_is_kept() -> None:
    kept = Kept(point=NOW, buckets=NOW, edges=frozenset({1, 2}))
    assert layer(Asked([], 0, shows_plan=False), kept, (1, 2)) == "facts"


def test_a_question_that_names_its_instant_is_answered_as_of_it() -> None:
    assert layer(Asked([("at", "2026-11-25T00:00:00Z")], 10_000, shows_plan=False), Kept(point=NOW)) == "facts"


@pytest.mark.parametrize(("age", "found"), [(0, "points"), (10_000, "points"), (10_001, "facts")])
def test_a_point_answers_while_it_is_young_enough(age: int, found: str) -> None:
    assert layer(OLD, Kept(point=NOW - age)) == found


def test_buckets_answer_where_they_make_up_the_window() -> None:
    kept = Kept(buckets=NOW, edges=frozenset({0, 10, 20}))
    assert layer(OLD, kept, (0, 20)) == "buckets"
    assert layer(OLD, kept, (5, 20)) == "facts"
    assert layer(OLD, kept) == "facts"
    assert layer(OLD, Kept(buckets=NOW - 10_001, edges=frozenset({0, 20})), (0, 20)) == "facts"


def test_the_plan_says_as_of_when_and_why() -> None:
    plan = choose(OLD, Kept(point=NOW), NOW, ())
    assert plan.shown() == {
        "layer": "points",
        "version": "2025-11-24T16:00:00Z",
        "why": "this answer is published, and young enough",
    }
    assert choose(OLD, Kept(), NOW, ()).shown()["version"] is None


def test_the_words_of_a_query_are_told_apart_from_those_about_the_layers() -> None:
    wanted = asked([("window", "P7D"), ("max_age", "PT10S"), ("plan", "1")])
    assert wanted == Asked([("window", "P7D")], 10_000, shows_plan=True)
    assert asked([]) == Asked([], 0, shows_plan=False)


@pytest.mark.parametrize(
    "query", [[("max_age", "10")], [("max_age", "P2D")], [("plan", "yes")], [("plan", "1"), ("plan", "1")]]
)
def test_an_age_or_a_plan_that_cannot_be_is_refused_by_name(query: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem) as refused:
        asked(query)
    assert refused.value.field == query[0][0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, Place(CARTS.name, "P1D")),
        ({"window": "PT24H", "compare": "previous"}, Place(CARTS.name, "P1D")),
        ({"window": "P4W", "segment": "device"}, Place(CARTS.name, "P28D", "device")),
        ({"window": "P2D"}, None),
        ({"segment": "trait.plan"}, None),
        ({"segment": "country,device"}, None),
        ({"filter": "country:eq:DE"}, None),
        ({"horizon": "PT1H"}, None),
        ({"tz": "UTC"}, None),
    ],
)
def test_only_what_is_published_has_a_place(query: dict[str, str], found: Place | None) -> None:
    assert place(CARTS, list(query.items())) == found


@pytest.mark.parametrize(
    ("query", "usual"),
    [
        ({"window": "P3D"}, True),
        ({"segment": "country"}, True),
        ({"horizon": "PT24H"}, True),
        ({"horizon": "PT1H"}, False),
        ({"definition": "items"}, False),
        ({"filter": "country:eq:DE"}, False),
        ({"segment": "country,device"}, False),
        ({"segment": "trait.plan"}, False),
        ({"interval": "bootstrap"}, False),
    ],
)
def test_buckets_hold_the_usual_units_alone(query: dict[str, str], usual: bool) -> None:
    assert is_usual(parse(CARTS, query.items(), TENANT, NOW).question, TENANT) is usual


def test_what_does_not_add_up_has_no_buckets() -> None:
    assert not is_usual(parse(METRICS["dau"], [], TENANT, NOW).question, TENANT)


def test_a_question_cuts_the_time_where_its_windows_begin_and_end() -> None:
    request = parse(CARTS, [("window", "PT6H"), ("compare", "previous")], TENANT, NOW)
    assert sorted(set(edges_of(request))) == [NOW - 12 * HOUR_MS, NOW - 6 * HOUR_MS, NOW]
    assert edges_of(parse(CARTS, [], TENANT, NOW)) == [NOW - DAY_MS, NOW]
