"""Hand-worked logs, sent through the real path: every answer is what was worked out, and what the brute force says.

The brute force answers every question in each run. The engine answers those of every log that a usual run takes: the
first, one of each choice of the metric's own parameters, and so many others, drawn by its seed, that it is a third.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import SHARED
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.harness import ask, feed, reader
from tests.rotation import of_each, some

LOGS = sorted((Path(__file__).parents[1] / "logs").glob("*.json"))
# What only the body says; the rest the brute force has to find as well.
OF_THE_BODY = frozenset(["window", "status", "final_at", "parameters", "warnings_include"])

OF_EVERY_METRIC = SHARED - {"definition"}


def read(path: Path) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(path.read_text())
    return log


def own(question: dict[str, Any]) -> str:
    """The choice of parameters that only this metric has."""
    return json.dumps({key: value for key, value in question["query"].items() if key not in OF_EVERY_METRIC})


def taken(questions: list[dict[str, Any]], about: str) -> list[dict[str, Any]]:
    """The questions that the engine is asked in this run."""
    first, *others = questions
    chosen = of_each(own, [each for each in others if own(each) != own(first)], about)
    rest = [each for each in others if each not in chosen]
    return [first, *chosen, *some(rest, max(0, len(questions) // 3 - len(chosen)), f"more {about}")]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_brute_force_finds_what_was_worked_out_by_hand(path: Path) -> None:
    log = read(path)
    reference, wrong = Reference(log["deliveries"], questions=log["tenant"].get("questions", ())), []
    for question in log["questions"]:
        asked = understood(log["metric"], question["query"], **_tenant(log))
        expected = {key: value for key, value in question["expected"].items() if key not in OF_THE_BODY}
        for part in ("interval", "estimate", "comparison", "statistics"):
            if isinstance(expected.get(part), dict):
                expected[part] = {
                    key: value
                    for key, value in expected[part].items()
                    if key not in {"method", "confidence", "significant", "of"}
                }
        found = differences(expected, reference.answer(asked))
        wrong += [(question["query"], *found)] if found else []
    assert not wrong


@pytest.mark.engine
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
async def test_the_answer_is_what_was_worked_out_and_what_the_brute_force_says(
    path: Path, store: ClickHouseStore, tmp_path: Path
) -> None:
    log = read(path)
    reference, wrong = Reference(log["deliveries"], questions=log["tenant"].get("questions", ())), []
    await feed(store, log["deliveries"])
    async with reader(store, tmp_path, log["tenant"].get("questions", ())) as client:
        for question in taken(log["questions"], path.stem):
            body = counted(json.loads(await ask(client, log["metric"], question["query"])))
            expected = dict(question["expected"])
            warned = set(expected.pop("warnings_include", ()))
            found = differences(expected, body, "by hand ")
            found += [f"by hand .warnings: {body['warnings']}"] if not warned <= set(body["warnings"]) else []
            answer = reference.answer(understood(log["metric"], question["query"], **_tenant(log)))
            found += differences(of_reference(answer), body, "brute force ")
            wrong += [(question["query"], *found)] if found else []
    assert not wrong


def _tenant(log: dict[str, Any]) -> dict[str, str]:
    return {"tz": log["tenant"]["timezone"], "currency": log["tenant"]["currency"]}
