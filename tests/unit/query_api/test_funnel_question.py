"""What may be asked of a funnel, and that each refusal names the parameter to blame."""

from __future__ import annotations

import re

import pytest

from query_api.compile import Statement
from query_api.funnel_count import counting_funnel, listing_funnel
from query_api.funnel_question import parse_funnel, parse_people
from schemas.errors import Problem
from schemas.metrics.journey import LIMITS, STAGES
from schemas.periods import DAY_MS, parse_instant
from schemas.tables import TABLES
from schemas.tenants import Tenant

NOW = parse_instant("2026-11-20T12:00:00Z", "UTC")
EVIL = "x'; DROP TABLE events; -- {tenant:String}"
TENANT = Tenant(id="demo", timezone="Europe/Berlin", currency="EUR")
STEPS = ("steps", "Product Viewed, add_to_cart,order_completed")
RESOLVED = {
    "alias_nodes", "alias_roots", "undone_origins", "undone_targets", "redone_origins", "redone_targets",
    "redone_since",
}  # fmt: skip
Pairs = list[tuple[str, str]]
ASKED: list[Pairs] = [
    [],
    [("entry", "any"), ("segment", "trait.plan_of_evil")],
    [STEPS],
    [STEPS, ("order", "strict"), ("filter", f"trait.tier_of_evil:nin:{EVIL}"), ("breakdown", "last")],
    [STEPS, ("order", "unordered"), ("segment", "country,trait.plan_of_evil")],
    [STEPS, ("hold", "evil_key"), ("exclude", "evil_event"), ("strict_increase", "true"), ("step_within", "PT1H")],
    [STEPS, ("counting", "attempts"), ("step_filter", f"1:evil_key:eq:{EVIL}"), ("step_filter", "3:total:nin:1,2")],
    [("steps", "evil_event,evil_event"), ("order", "unordered"), ("step_filter", "1:evil_key:eq:1")],
]


def statements(query: Pairs) -> list[Statement]:
    asked = parse_people([*query, ("outcome", "dropped"), ("step", "2")], TENANT, NOW)[0]
    return [counting_funnel(asked), listing_funnel(asked, None, 10), listing_funnel(asked, (5, EVIL), 10)]


def test_steps_keep_their_order_and_are_called_by_any_name() -> None:
    request = parse_funnel([STEPS], TENANT, NOW)
    assert request.labels == ("product_viewed", "product_added", "order_completed")
    assert request.limits == (14 * DAY_MS,) * 3
    assert request.shown["steps"] == ["product_viewed", "product_added", "order_completed"]
    assert request.shown["within"] == "P14D"


def test_without_steps_it_is_the_journey_with_the_limits_of_its_stages() -> None:
    request = parse_funnel([], TENANT, NOW)
    assert (request.labels, request.limits) == (STAGES, LIMITS)
    assert parse_funnel([("within", "P10D")], TENANT, NOW).limits == (10 * DAY_MS,) * 5


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ([("steps", "")], "invalid_parameter", "steps"),
        ([("steps", "a,,b")], "invalid_parameter", "steps"),
        ([("steps", "a,b"), ("steps", "c")], "invalid_parameter", "steps"),
        ([("steps", ",".join(f"e{n}" for n in range(21)))], "invalid_parameter", "steps"),
        ([STEPS, ("order", "sideways")], "invalid_parameter", "order"),
        ([STEPS, ("within", "14 days")], "invalid_parameter", "within"),
        ([STEPS, ("step_within", "x")], "invalid_parameter", "step_within"),
        ([STEPS, ("exclude", ",")], "invalid_parameter", "exclude"),
        ([STEPS, ("hold", "a\x00")], "invalid_parameter", "hold"),
        ([STEPS, ("strict_increase", "perhaps")], "invalid_parameter", "strict_increase"),
        ([STEPS, ("counting", "cats")], "invalid_parameter", "counting"),
        ([STEPS, ("breakdown", "middle")], "invalid_parameter", "breakdown"),
        ([STEPS, ("step_filter", "4:a:eq:b")], "invalid_parameter", "step_filter"),
        ([STEPS, ("step_filter", "0:a:eq:b")], "invalid_parameter", "step_filter"),
        ([STEPS, ("step_filter", "1:a:like:b")], "invalid_parameter", "step_filter"),
        ([STEPS, ("step_filter", "1:a:in:b,,c")], "invalid_parameter", "step_filter"),
        ([STEPS, *[("step_filter", "1:a:eq:b")] * 21], "invalid_parameter", "step_filter"),
        ([("entry", "any"), STEPS], "invalid_parameter", "entry"),
        *(
            ([(name, value)], "invalid_parameter", name)
            for name, value in (
                ("order", "strict"), ("step_within", "PT1H"), ("exclude", "a"), ("hold", "a"),
                ("strict_increase", "true"), ("step_filter", "1:a:eq:b"), ("counting", "session"),
            )
        ),
        *(
            ([STEPS, ("order", "unordered"), (name, value)], "invalid_parameter", name)
            for name, value in (
                ("step_within", "PT1H"), ("exclude", "a"), ("hold", "a"), ("strict_increase", "true"),
                ("counting", "attempts"),
            )
        ),
        (
            [("steps", ",".join(["a"] * 7)), ("order", "unordered"), ("step_filter", "1:a:eq:b")],
            "invalid_parameter", "step_filter",
        ),
        ([STEPS, ("segment", "event")], "unknown_segment", "segment"),
        ([STEPS, ("filter", "colour:eq:red")], "unknown_segment", "filter"),
        ([STEPS, ("compare", "previous")], "unknown_parameter", "compare"),
        ([STEPS, ("statistic", "mean")], "unknown_parameter", "statistic"),
        ([STEPS, ("step", "1")], "unknown_parameter", "step"),
        ([STEPS, ("colour", "red")], "unknown_parameter", "colour"),
        ([STEPS, ("at", "yesterday")], "invalid_parameter", "at"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_is_wrong(query: Pairs, code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_funnel(query, TENANT, NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ([STEPS, ("step", "4")], "step"),
        ([STEPS, ("step", "0")], "step"),
        ([STEPS, ("step", "2"), ("step", "2")], "step"),
        ([STEPS, ("outcome", "lost")], "outcome"),
    ],
)
def test_people_are_those_of_a_step_that_there_is(query: Pairs, field: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_people(query, TENANT, NOW)
    assert (refused.value.code, refused.value.field) == ("invalid_parameter", field)


@pytest.mark.parametrize("query", ASKED, ids=str)
def test_no_text_of_a_caller_is_in_a_statement(query: Pairs) -> None:
    for compiled in statements(query):
        assert "DROP" not in compiled.sql
        assert "evil" not in compiled.sql
        if "evil" in str(query):
            assert "evil" in str(compiled.parameters)


@pytest.mark.parametrize("query", ASKED, ids=str)
def test_every_placeholder_is_bound_and_nothing_else_is(query: Pairs) -> None:
    for compiled in statements(query):
        named = set(re.findall(r"\{(\w+):", compiled.sql))
        assert named - set(compiled.parameters) == RESOLVED
        assert set(compiled.parameters) <= named
        assert "$" not in compiled.sql


@pytest.mark.parametrize("query", ASKED, ids=str)
def test_every_read_of_a_table_is_of_the_tenant(query: Pairs) -> None:
    tables = "|".join(TABLES)
    for compiled in statements(query):
        reads = re.findall(rf"FROM ({tables})\b(?! *\))(.{{0,200}})", compiled.sql, re.DOTALL)
        assert reads
        assert all("tenant = {tenant:String}" in rest for _, rest in reads)
