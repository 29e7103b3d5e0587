"""Every metric says all that its page promises, and the pages in deploy/catalogue are those of the declarations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.catalogue_pages import INDEX, pages, possible_warnings, write
from query_api.catalogue import catalogue
from schemas.metrics import GROUPS, METRICS
from schemas.remarks import DETAILS, EXCLUDED, WARNINGS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/catalogue"


def test_the_pages_are_those_of_the_declarations() -> None:
    there = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir()}
    assert there == pages(), "run `make generate`"


def test_a_page_of_a_metric_that_is_gone_goes_too(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("# Gone")
    write(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(pages())


def test_every_metric_is_in_one_group_and_on_the_index() -> None:
    assert sorted(metric.name for group in GROUPS.values() for metric in group) == sorted(METRICS)
    assert all(f"({name}.md)" in pages()[INDEX] for name in METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_why_an_article_may_say_otherwise(name: str) -> None:
    metric = METRICS[name]
    assert len(metric.otherwise) > 40, "Metric.otherwise: what else is printed under this name, and why it differs"
    told = {entry["name"]: entry["otherwise"] for entry in catalogue()["metrics"]}
    assert told[name] == metric.otherwise


@pytest.mark.parametrize("name", METRICS)
def test_a_page_says_all_that_its_metric_declares(name: str) -> None:
    metric, page = METRICS[name], pages()[f"{name}.md"]
    assert metric.edges
    assert metric.example is not None
    wanted = [metric.meaning, metric.formula, metric.otherwise, *metric.edges, *metric.sources]
    wanted += [own.meaning for own in metric.parameters]
    wanted += [text for each in metric.variants for text in (each.meaning, metric.defined(each.name).formula)]
    wanted += [f"`{each}`" for each in metric.statistics]
    for definition in map(metric.defined, metric.definitions):
        wanted += [f"- `{key}`: {EXCLUDED[key]}" for key in definition.excluded]
        wanted += [f"- `{key}`: {DETAILS[key]}" for key in definition.details]
    wanted += [json.dumps(event, ensure_ascii=False) for event in metric.example.events]
    assert not [text for text in wanted if text.replace("|", "\\|") not in page and text not in page]


def test_no_meaning_is_kept_of_details_that_no_metric_has() -> None:
    had = {key for metric in METRICS.values() for each in metric.definitions for key in metric.defined(each).details}
    assert had == set(DETAILS)


@pytest.mark.parametrize("name", METRICS)
def test_a_page_lists_every_warning_that_a_hand_worked_answer_carries(name: str) -> None:
    questions = json.loads((ROOT / f"tests/logs/{name}.json").read_text())["questions"]
    seen = {
        warning
        for question in questions
        for key in ("warnings", "warnings_include")
        for warning in question["expected"].get(key, ())
    }
    assert seen <= set(possible_warnings(METRICS[name]))
    assert set(possible_warnings(METRICS[name])) <= set(WARNINGS)
