"""The statement that counts a question, for somebody to read and run: laid out by the engine, with its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from query_api import identity
from query_api.compile import Statement, counting
from query_api.question import Question
from schemas.ports import Queries, Store

_FORMATTED = "SELECT formatQuery({statement:String}) WHERE {tenant:String} != ''"


async def formatted(store: Queries, statement: Statement, tenant: str) -> str:
    """The text of a statement, laid out by the engine. Raises what the store raises."""
    ((text,),) = await store.query(_FORMATTED, {"statement": statement.sql, "tenant": tenant})
    return str(text)


async def shown(store: Store, question: Question) -> dict[str, Any]:
    """The statement and every value that is bound in it, as `plan=1` carries them. Raises what the store raises."""
    statement, _ = counting(question)
    bound = await identity.bound(store, statement, question.tenant, question.at)
    return {"sql": await formatted(store, statement, question.tenant), "bound": dict(sorted(bound.items()))}


def written(text: str, bound: Mapping[str, Any], looked_up: bool) -> str:
    """The same for a terminal: the values as comments before the statement."""
    lines = [f"-- {{{name}}} = {value!r}" for name, value in sorted(bound.items())]
    if looked_up:
        lines.append("-- who is who (alias_*, undone_*, redone_*) is looked up in the store before each question")
    return "\n".join([*lines, text])
