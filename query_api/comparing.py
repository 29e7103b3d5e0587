"""Why is this number not the other one: every definition of a metric on the same data, and the units they part on."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from query_api import cursor
from query_api.differences import Difference
from query_api.paging import page
from query_api.parameters import COMMON, Query, invalid, parse, unknown
from query_api.question import Question
from query_api.service import Answers
from query_api.suppression import is_listed, suppressed
from schemas.errors import Problem, problem_object
from schemas.metrics.metric import DEFAULT, Metric
from schemas.periods import format_instant
from schemas.ports import Store
from schemas.tenants import Tenant

_ALL = "*"
"""The definition that a cursor over all of them names."""
Pairs = list[tuple[str, str]]


class Differ(Protocol):
    def __call__(
        self, store: Store, questions: Sequence[Question], after: tuple[int, str] | None, limit: int
    ) -> Awaitable[tuple[int, Sequence[Difference]]]: ...


async def compare(answers: Answers, differ: Differ, metric: Metric, query: Query, tenant: Tenant) -> dict[str, Any]:
    """Each definition's answer, its difference to the default (both on the first page only), and a page of the units on
    which they differ. A definition is asked with those of the parameters that it has.

    Raises `Problem`, `StoreUnavailable`.
    """
    asked = page(query)
    watermark = answers.watermark()
    pairs = list(asked.query)
    _refuse_strangers(metric, pairs)
    if "at" not in dict(pairs):
        pairs.append(("at", format_instant(max(0, watermark // 1000 * 1000))))
    read = {name: _read(metric, name, pairs, tenant, watermark) for name in metric.definitions}
    refused = [each for each in read.values() if isinstance(each, Problem)]
    if len(refused) == len(read):
        raise refused[0]
    questions = [each for each in read.values() if not isinstance(each, Problem)]
    listed = [each for each in questions if await is_listed(each, tenant.k_anon, answers.sizes)]
    if not listed:
        raise suppressed(tenant.k_anon)
    told = []
    if asked.place is None:
        # One after the other: a question to all definitions must not take the store from everybody else's.
        told = [await _answer(answers, metric, name, pairs, tenant) for name in metric.definitions]
    whole = _whole(questions)
    total, found = await differ(answers.store, listed, asked.after(whole), asked.limit + 1)
    shown = found[: asked.limit]
    is_last = len(found) <= asked.limit
    return {
        "metric": metric.name,
        "at": format_instant(whole.at),
        "watermark": format_instant(watermark),
        "definitions": [
            _told(metric, name, each, told[0], pairs) for name, each in zip(metric.definitions, told, strict=False)
        ],
        "total": total,
        "next_cursor": None if is_last else cursor.write(whole, shown[-1].entered, shown[-1].key),
        "rows": [_row(each) for each in shown],
    }


def _refuse_strangers(metric: Metric, pairs: Pairs) -> None:
    """What no definition knows, and `definition` itself."""
    known = {name for definition in metric.definitions for name in _names(metric, definition)}
    for name, _ in pairs:
        if name == "definition":
            raise invalid("definition", "all of them are compared here")
        if name not in known:
            raise unknown(metric.name, name, known)


def _names(metric: Metric, definition: str) -> set[str]:
    defined = metric.defined(definition)
    missing = {"statistic": not defined.statistics, "interval": not defined.resamples}
    common = set(COMMON) - {name for name, is_missing in missing.items() if is_missing}
    return common | {own.name for own in defined.parameters}


def _own(metric: Metric, definition: str, pairs: Pairs) -> Pairs:
    names = _names(metric, definition)
    return [("definition", definition), *(pair for pair in pairs if pair[0] in names)]


def _read(metric: Metric, definition: str, pairs: Pairs, tenant: Tenant, watermark: int) -> Question | Problem:
    try:
        question = parse(metric, _own(metric, definition, pairs), tenant, watermark).question
    except Problem as problem:
        return problem
    return replace(question, segments=())


async def _answer(
    answers: Answers, metric: Metric, definition: str, pairs: Pairs, tenant: Tenant
) -> dict[str, Any] | Problem:
    try:
        return await answers.value(metric, _own(metric, definition, pairs), tenant)
    except Problem as problem:
        return problem


def _whole(questions: Sequence[Question]) -> Question:
    """The question to which a page of differences belongs: that of all definitions, with the parameters of all."""
    parameters = {name: value for each in reversed(questions) for name, value in each.parameters.items()}
    first = questions[0]
    return replace(first, metric=replace(first.metric, definition=_ALL), parameters=parameters)


def _told(
    metric: Metric, name: str, answer: dict[str, Any] | Problem, default: dict[str, Any] | Problem, pairs: Pairs
) -> dict[str, Any]:
    names = _names(metric, name)
    return {
        "definition": name,
        "meaning": metric.meaning
        if name == DEFAULT
        else next(each.meaning for each in metric.variants if each.name == name),
        "left_out": sorted({given for given, _ in pairs} - names),
        "difference": _difference(answer, default),
        "answer": None if isinstance(answer, Problem) else answer,
        "problem": problem_object(answer) if isinstance(answer, Problem) else None,
    }


def _difference(answer: dict[str, Any] | Problem, default: dict[str, Any] | Problem) -> float | None:
    """How much greater than the default, where both are numbers of one unit."""
    if isinstance(answer, Problem) or isinstance(default, Problem) or answer["unit"] != default["unit"]:
        return None
    if answer["value"] is None or default["value"] is None:
        return None
    return float(answer["value"] - default["value"])


def _row(found: Difference) -> dict[str, Any]:
    return {
        "entity": found.entity,
        "id": found.id,
        "person": found.person or None,
        "entered": format_instant(found.entered),
        "definitions": {
            name: treatment
            and {
                "counted": treatment.counted,
                "reason": treatment.reason,
                "seconds": None if treatment.duration is None else treatment.duration / 1000,
                "times": treatment.times,
            }
            for name, treatment in found.treatments.items()
        },
    }
