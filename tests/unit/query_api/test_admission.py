"""Questions wait their turn or are refused, end with their time or with their caller, and give up their turn then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from query_api.admission import Admission, CallerGone, FairStore, Limits, statement_turns
from schemas.errors import Problem, problem_headers
from schemas.quotas import Meters
from schemas.tenants import Tenant


async def answer() -> int:
    return 42


async def never() -> int:
    await asyncio.Event().wait()
    return 0


async def refused(admission: Admission, tenant: str = "a") -> Problem:
    with pytest.raises(Problem) as found:
        await admission.answered(tenant, answer)
    return found.value


async def test_as_many_as_may_run_and_wait_are_admitted_and_the_next_is_429_with_retry_after() -> None:
    admission = Admission(Limits(running=1, waiting=1))
    calls = [asyncio.create_task(admission.answered("a", never)) for _ in range(2)]
    await asyncio.sleep(0)
    problem = await refused(admission)
    assert (problem.code, problem.status) == ("quota_exceeded", 429)
    assert int(problem_headers(problem)["retry-after"]) > 0
    assert await admission.answered("b", answer) == 42
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await admission.answered("a", answer) == 42


async def test_who_has_waited_long_enough_is_429() -> None:
    admission = Admission(Limits(running=1, waiting=5, wait_seconds=0.01))
    running = asyncio.create_task(admission.answered("a", never))
    await asyncio.sleep(0)
    assert (await refused(admission)).code == "quota_exceeded"
    assert admission.turns.waiting == 0
    running.cancel()


async def test_a_question_that_takes_too_long_is_cancelled_and_no_invitation_to_ask_again() -> None:
    ended = asyncio.Event()

    async def slow() -> int:
        try:
            return await never()
        finally:
            ended.set()

    admission = Admission(Limits(seconds=0.01))
    with pytest.raises(Problem) as found:
        await admission.answered("a", slow)
    assert (found.value.code, found.value.status, found.value.kind.retryable) == ("question_too_large", 422, False)
    assert ended.is_set()
    assert admission.turns.running == 0


async def test_a_question_whose_caller_leaves_is_cancelled_and_its_turn_is_free() -> None:
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    ended = asyncio.Event()

    async def slow() -> int:
        try:
            return await never()
        finally:
            ended.set()

    admission = Admission()
    with pytest.raises(CallerGone):
        await admission.answered("a", slow, receive)
    assert ended.is_set()
    assert admission.turns.running == 0


async def test_an_answer_does_not_wait_for_its_caller_to_leave() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    assert await asyncio.wait_for(Admission().answered("a", answer, receive), 1) == 42


class Recording:
    """A store whose statements end in their own time, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        self.asked.append(str((parameters or {}).get("tenant")))
        await asyncio.sleep(0)
        return [(sql,)]

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        self.asked.append(table)


async def test_statements_take_turns_by_the_tenant_that_they_bind() -> None:
    recording = Recording()
    store = FairStore(recording, recording, statement_turns(1))
    await asyncio.gather(*(store.query("SELECT 1", {"tenant": tenant}) for tenant in "aaab"))
    assert recording.asked == ["a", "b", "a", "a"]
    await store.insert("rows", {})
    assert recording.asked[-1] == "rows"


async def test_questions_count_against_the_quota_of_their_token() -> None:
    tenant = Tenant.model_validate(
        {"id": "a", "read_tokens": ["rt_board", "rt_own"], "key_quotas": {"rt_board": {"questions": {"per_day": 2}}}}
    )
    admission = Admission(meters=Meters(clock=lambda: 0.0))
    for _ in range(2):
        admission.pay(tenant, "rt_board")
    with pytest.raises(Problem) as found:
        admission.pay(tenant, "rt_board")
    assert found.value.code == "quota_exceeded"
    assert int(problem_headers(found.value)["retry-after"]) > 0
    admission.pay(tenant, "rt_own")
    admission.pay(tenant, "")
