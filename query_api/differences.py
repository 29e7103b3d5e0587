"""The units that several definitions of one metric do not treat alike: which of them counts a unit, and with what.

Each definition's own SELECT of units is taken as it is, beside the others, so that no definition is written twice; the
store finds what differs. A definition that counts other things (people, where another counts visits) has no unit in
common with it, so only definitions of the same entity are held against each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from query_api import identity
from query_api.compile import Statement, listing, statement
from query_api.question import Question
from schemas.metrics.metric import Shape
from schemas.ports import Store


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one definition counts a unit: `times`, the longest of them in `duration` (ms, None where there is none)."""

    counted: str
    reason: str | None
    duration: int | None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """A unit with its treatment by each definition of its entity; None: unknown to it. `key` is its place among all."""

    entity: str
    id: str
    person: str
    entered: int
    key: str
    treatments: Mapping[str, Treatment | None]


def _treated(question: Question) -> str:
    """Id, entry, person and treatment of the units of one definition."""
    shape = question.metric.shape
    has_outcome = shape in (Shape.RATE, Shape.DURATION)
    hit = "out_outcome_at > 0" if shape is Shape.DURATION else "out_is_hit != 0"
    elapsed = "out_duration" if shape is Shape.DURATION else "out_outcome_at - out_entered"
    took = f"if(out_outcome_at > 0, {elapsed}, -1)" if has_outcome else "toInt64(-1)"
    return f"""SELECT out_id, toInt64(min(out_entered)) AS entered, max(toString(out_person)) AS whose,
      min((toString(out_reason), toUInt8(out_reason != '' OR NOT ({hit})), -toInt64({took}))) AS first_of_all,
      (first_of_all.1, first_of_all.2, -first_of_all.3, toInt64(count())) AS treated
      FROM ({listing(question)}) GROUP BY out_id"""


def _side_by_side(statements: Sequence[Statement]) -> tuple[list[str], dict[str, Any]]:
    """Their texts and one set of bound parameters: a name that has several values is told apart by number."""
    shared: dict[str, Any] = {}
    apart: set[str] = set()
    for each in statements:
        for name, value in each.parameters.items():
            if shared.setdefault(name, value) != value:
                apart.add(name)
    bound = {name: value for name, value in shared.items() if name not in apart}
    texts = []
    for number, each in enumerate(statements):

        def renamed(found: re.Match[str], number: int = number) -> str:
            return f"{{of_{number}_{found[1]}:" if found[1] in apart else found[0]

        texts.append(re.sub(r"\{(\w+):", renamed, each.sql))
        bound |= {f"of_{number}_{name}": value for name, value in each.parameters.items() if name in apart}
    return texts, bound


def differing(questions: Sequence[Question], after: tuple[int, str] | None, limit: int) -> Statement:
    """The statement that lists, by (entered, key) after a place, the units on which the definitions differ."""
    statements = [statement(question, _treated(question)) for question in questions]
    sizes = Counter(question.entity for question in questions)
    texts, bound = _side_by_side(statements)
    bound |= {f"entity_{number}": question.entity for number, question in enumerate(questions)}
    bound |= {"limit": limit}
    every = " UNION ALL ".join(
        f"""SELECT {number} AS definition, {{entity_{number}:String}} AS what, {sizes[question.entity]} AS among,
      out_id, entered, whose, treated FROM ({text})"""
        for number, (question, text) in enumerate(zip(questions, texts, strict=True))
    )
    place = ""
    if after:
        place = "WHERE (first, key) > ({after_entered:Int64}, {after_key:String})"
        bound |= {"after_entered": after[0], "after_key": after[1]}
    sql = f"""SELECT * FROM (
      SELECT what, out_id, concat(what, ' ', out_id) AS key, min(entered) AS first, max(whose) AS person,
        groupArray((definition, treated.1, treated.2, treated.3, treated.4)) AS told, count() OVER () AS total
      FROM ({every}) GROUP BY what, out_id
      HAVING uniqExact(treated) > 1 OR count() < any(among)) {place}
    ORDER BY first, key LIMIT {{limit:UInt32}}"""
    return Statement(sql, bound, any(each.identities for each in statements))


async def differences(
    store: Store, questions: Sequence[Question], after: tuple[int, str] | None, limit: int
) -> tuple[int, list[Difference]]:
    """How many units the definitions treat differently, and up to `limit` of them after a place."""
    among = comparable(questions)
    if not among:
        return 0, []
    asked = differing(among, after, limit)
    rows = await store.query(asked.sql, await identity.bound(store, asked, among[0].tenant, among[0].at))
    return (int(rows[0][-1]) if rows else 0), [_difference(among, row) for row in rows]


def comparable(questions: Sequence[Question]) -> list[Question]:
    """Those whose units another one has too: one that is alone with its entity differs from none, and the store would
    plan it for nothing.
    """
    sizes = Counter(question.entity for question in questions)
    return [question for question in questions if sizes[question.entity] > 1]


def _difference(questions: Sequence[Question], row: tuple[Any, ...]) -> Difference:
    entity, unit_id, key, entered, person, told, _ = row
    treated = {int(number): _treatment(*rest) for number, *rest in told}
    return Difference(
        entity=entity,
        id=unit_id,
        person=person,
        entered=int(entered),
        key=key,
        treatments={
            question.metric.definition: treated.get(number)
            for number, question in enumerate(questions)
            if question.entity == entity
        },
    )


def _treatment(reason: str, is_below: int, duration: int, times: int) -> Treatment:
    counted = "excluded" if reason else "denominator" if is_below else "numerator"
    return Treatment(counted, reason or None, None if duration < 0 else int(duration), int(times))
