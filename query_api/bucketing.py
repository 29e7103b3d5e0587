"""Compiles the statement of the buckets: what `counting` computes, of every part of a window at once, in total and by
each value of several dimensions, so that the parts can be added up to any window made of them.

Everything that is counted adds up but one thing: whether a person has several units. So each unit carries when the one
before of the same person entered: in a window there are several of a person's if this is not before its start.
"""

from __future__ import annotations

from collections.abc import Sequence

from query_api.compile import COUNTED, Statement, aggregates, statement
from query_api.question import Question
from schemas.metrics.metric import Shape

_PREVIOUS = """max(toInt64(entered)) OVER (PARTITION BY {0}, if(actor = '', id, person){1} ORDER BY entered, id
        ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)"""


def bucketing(question: Question, starts: Sequence[int], cuts: Sequence[str]) -> tuple[Statement, tuple[str, ...]]:
    """The statement, and the names of its columns after the part's start, the number of the cut (0: the total, then
    from 1 on as in `cuts`) and the value. For metrics whose parts add up (`Metric.adds_up`).
    """
    counted = dict(aggregates(question, apart=True))
    places = range(len(cuts))
    cut_columns = "".join(f", toString({cut}) AS cut_{place}" for place, cut in enumerate(cuts))
    rows = f"(SELECT *{cut_columns} FROM units)"
    if counted.get("persons", "0") != "0":
        told = _counts(question)
        before = [_PREVIOUS.format(told, "")] + [_PREVIOUS.format(told, f", cut_{place}") for place in places]
        columns = "".join(f", {sql} AS before_{place}" for place, sql in enumerate(before))
        rows = f"(SELECT *{columns} FROM {rows})"
        latest = [f"maxIf(before_{place}, {told})" for place in range(len(before))]
        counted["persons"] = _by_cut([*latest[1:], latest[0]])
    rows = f"(SELECT *, roundDown(toInt64(entered), {{starts:Array(Int64)}}) AS step FROM {rows})"
    values = ", ".join(f"{sql} AS out_{name}" for name, sql in counted.items())
    sets = "".join(f", (step, cut_{place})" for place in places)
    number = _by_cut([*(str(place + 1) for place in places), "0"])
    value = _by_cut([*(f"cut_{place}" for place in places), "''"])
    select = f"""SELECT step, toUInt8({number}) AS cut, {value} AS value, {values}
    FROM {rows} GROUP BY GROUPING SETS ((step){sets})"""
    return statement(question, select, {"starts": list(starts)}), tuple(counted)


def _by_cut(choices: Sequence[str]) -> str:
    """Of a choice for each cut and one for the total, the one of the grouping set that a row belongs to."""
    *cuts, total = choices
    if not cuts:
        return total
    each = ", ".join(f"grouping(cut_{place}) = 0, {choice}" for place, choice in enumerate(cuts))
    return f"multiIf({each}, {total})"


def _counts(question: Question) -> str:
    """Whether a unit is one of those whose persons are counted."""
    return f"({COUNTED} AND notEmpty(classes))" if question.metric.shape is Shape.MIX else f"({COUNTED})"
