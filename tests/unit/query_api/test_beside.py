"""A number's details that are numbers of other metrics, and details that are made of details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from query_api.count import count
from query_api.figures import figure
from query_api.parameters import parse
from query_api.question import Cell, Scored
from schemas.metrics import METRICS
from schemas.metrics.metric import Score
from schemas.tenants import Tenant

DEMO = Tenant(id="demo")


class Counts:
    """A store in which every question finds the next of these rows."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self.rows = list(rows)

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return [self.rows.pop(0)] if "is_total" in sql else []

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError


async def test_details_may_be_counted_by_other_metrics_and_derived_from_each_other() -> None:
    metric = replace(
        METRICS["event_count"],
        details=("visits", "double"),
        beside={"visits": METRICS["visits"]},
        derived={"double": lambda details: 2 * details["visits"]},
    )
    question = parse(metric, [("at", "2026-11-18")], DEMO, 0).question
    (total,) = await count(Counts((1, 9, {}), (1, 4, {"bot": 1})), question)
    assert (total.n, total.details, total.excluded) == (9, {"visits": 4, "double": 8}, {})


def test_a_rate_may_have_a_denominator_of_its_own_and_then_no_curve() -> None:
    half = replace(METRICS["reopen_rate"], denominator=lambda n, *_: Fraction(n, 2))
    question = parse(half, [("at", "2026-11-18")], DEMO, 0).question
    found = figure(
        question, Cell(n=6, numerator=1, denominator=6, mature=0, persons=6, events=Counter([1]), censored=Counter([2]))
    )
    assert (found.value, found.denominator, found.basis, found.estimate) == (1 / 3, 3.0, "observed", None)


def test_platforms_are_pooled_by_their_weights_and_several_have_the_limits_of_a_stratified_mean() -> None:
    score = Score("mean", by_stratum=True)
    question = replace(
        parse(METRICS["csat"], [("at", "2026-11-18")], DEMO, 0).question,
        metric=replace(METRICS["csat"], score=score),
        bound={"scale_low": 1, "scale_high": 5, "weights": {"a": Fraction(3), "b": Fraction(1)}},
    )
    a = [Scored("a", Fraction(5), True, 1), Scored("a", Fraction(3), False, 1)]
    b = [Scored("b", Fraction(7, 2), False, 2)]
    both = figure(question, Cell(n=4, scores=[*a, *b]))
    assert (both.value, both.numerator, both.method) == (3.875, None, "stratified")
    assert both.limits[0] == 3.875 - 1.959963984540054 * 0.75
    one = figure(question, Cell(n=2, scores=a))
    assert (one.value, one.numerator, one.denominator, one.method) == (4.0, 8, 2, "t")
    alone = figure(question, Cell(n=3, scores=[*b, a[0]]))
    assert (alone.value, alone.interval) == (4.625, None)
