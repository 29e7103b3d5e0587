"""Each declared parameter is set, in some hand-worked question, to another value than its default, and it matters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.metrics import METRICS

FOLDER = Path(__file__).parents[1] / "logs"
DECLARED = [(metric.name, parameter.name) for metric in METRICS.values() for parameter in metric.parameters]
DEFINITIONS = [(metric.name, variant.name) for metric in METRICS.values() for variant in metric.variants]
STATISTICS = [(metric.name, choice) for metric in METRICS.values() for choice in metric.statistics]


def questions(metric: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{metric}.json").read_text())["questions"]
    return found


def pairs(metric: str, parameter: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What is expected with the parameter, and without it in the same question."""
    asked = questions(metric)
    for question in asked:
        if parameter in question["query"]:
            rest = {key: value for key, value in question["query"].items() if key != parameter}
            yield from ((question["expected"], other["expected"]) for other in asked if other["query"] == rest)


def differ(one: Any, other: Any) -> bool:
    """Whether two expectations name the same thing and say another number of it."""
    if isinstance(one, dict) and isinstance(other, dict):
        return any(differ(one[key], other[key]) for key in one.keys() & other.keys())
    return bool(one != other)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_a_hand_worked_log(metric: str) -> None:
    assert len(questions(metric)) >= 5


@pytest.mark.parametrize(("metric", "parameter"), DECLARED)
def test_every_parameter_changes_the_numbers_of_some_question(metric: str, parameter: str) -> None:
    default = {own.name: own.default for own in METRICS[metric].parameters}[parameter]
    assert all(
        question["query"][parameter] != default for question in questions(metric) if parameter in question["query"]
    )
    numbers = ("value", "numerator", "denominator", "n", "maturity", "details", "statistics", "by_currency")
    assert any(
        differ({key: one.get(key) for key in numbers if key in one}, {key: two[key] for key in numbers if key in two})
        for one, two in pairs(metric, parameter)
    )


@pytest.mark.parametrize(("metric", "choice"), STATISTICS)
def test_every_statistic_is_asked_for(metric: str, choice: str) -> None:
    default = METRICS[metric].statistics[0]
    assert any(question["query"].get("statistic", default) == choice for question in questions(metric))


@pytest.mark.parametrize(("metric", "definition"), DEFINITIONS)
def test_every_definition_is_asked_for(metric: str, definition: str) -> None:
    assert any(question["query"].get("definition") == definition for question in questions(metric))
