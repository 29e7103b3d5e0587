"""What `/v1/stream` promises: one computation for all, only news, nothing lost on coming back, nothing hoarded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from query_api.app import router
from query_api.live import MOST_QUESTIONS, Live, Pace
from query_api.problem_app import problems
from query_api.question import Cell
from query_api.service import Answers
from query_api.sse import Times
from schemas.damage import Damage
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.ports import StoreUnavailable
from schemas.tenants import Tenants
from tests.contracts.test_http_query import READ, TENANTS, Numbers, is_problem
from tests.reader import Reader
from tests.waiting import until

DAU = {"metrics": "dau", "window": "P1D"}
QUICK = Times(comment=0.3, watermark=0.1, silent=0.4)
SECOND = 1000


class Streamed:
    """An application whose numbers a test sets, and its streams."""

    def __init__(self, folder: Path, times: Times = QUICK) -> None:
        self.numbers = Numbers()
        self.lost: list[Damage] = []
        self.path = folder / "tenants.json"
        self.path.write_text(json.dumps(TENANTS))
        tenants = Tenants(self.path)
        numbers, damages = self.numbers, lambda: self.lost
        answers = Answers(numbers, lambda: numbers.watermark, numbers.count, numbers.explain, damages=damages)
        self.live = Live(answers, tenants, Pace(round=0.02, linger=0.5))
        self.app = FastAPI()
        self.app.include_router(
            router(
                numbers, tenants, answers.watermark, live=self.live, count=numbers.count, times=times, damages=damages
            )
        )
        problems(self.app)

    def counts(self, n: int) -> None:
        """What is counted from now on, a second later."""
        self.numbers.cells = [Cell(n=n, numerator=n)]
        self.numbers.watermark += SECOND

    def read(self, seen: str = "", token: str = "rt_demo", **query: str) -> Reader:
        headers = {"authorization": f"Bearer {token}", **({"last-event-id": seen} if seen else {})}
        return Reader(self.app, query or DAU, headers)

    async def rounds(self, more: int = 2) -> None:
        """Until so many more rounds are complete."""
        wanted = self.live.rounds + more + 1
        await until(lambda: self.live.rounds >= wanted, 5)


@pytest.fixture
async def streamed(tmp_path: Path) -> AsyncIterator[Streamed]:
    own = Streamed(tmp_path)
    yield own
    own.live.close()


async def test_an_event_is_the_body_of_the_metric_under_its_watermark(streamed: Streamed) -> None:
    async with streamed.read() as reader:
        ((_, seen, body),) = await reader.until("metric")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(streamed.app), base_url="http://sojourn") as http:
            assert body == (await http.get("/v1/metrics/dau?window=P1D", headers=READ)).json()
        assert seen == body["watermark"]
        assert reader.headers["content-type"].startswith("text/event-stream")
        assert reader.headers["cache-control"] == "private, no-store"
        assert "content-length" not in reader.headers


async def test_what_is_lost_marks_the_body_in_the_stream_as_it_does_in_the_answer(streamed: Streamed) -> None:
    async with streamed.read() as reader:
        await reader.until("metric")
        streamed.lost = [Damage("activity", "p", 1, "is gone")]
        (*_, (_, _, body)) = await reader.until("metric", 2)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(streamed.app), base_url="http://sojourn") as http:
            assert body == (await http.get("/v1/metrics/dau?window=P1D", headers=READ)).json()
        assert ("facts_incomplete" in body["warnings"], body["status"]) == (True, "provisional")


async def test_500_subscribers_share_one_computation(streamed: Streamed) -> None:
    readers = [streamed.read() for _ in range(500)]
    try:
        for reader in readers:
            await reader.until("metric", seconds=20)
        assert streamed.live.questions == 1
        streamed.counts(4)
        for reader in readers:
            assert [body["value"] for _, _, body in await reader.until("metric", 2, 20)] == [3, 4]
        assert len(streamed.numbers.asked) <= streamed.live.rounds
        assert streamed.live.listeners == 500
    finally:
        await asyncio.gather(*(reader.leave() for reader in readers))
    assert streamed.live.listeners == 0


async def test_that_only_time_has_passed_is_no_news(streamed: Streamed) -> None:
    async with streamed.read() as reader:
        await reader.until("metric")
        for _ in range(3):
            streamed.numbers.watermark += SECOND
            await streamed.rounds()
        assert len(reader.of("metric")) == 1
        told = await reader.until("watermark")
        assert told[-1][1] == told[-1][2]["watermark"] > reader.of("metric")[0][1]
        streamed.counts(9)
        assert (await reader.until("metric", 2))[-1][2]["value"] == 9


async def test_a_comment_comes_although_nothing_happens(streamed: Streamed) -> None:
    async with streamed.read() as reader:
        await reader.until("metric")
        await until(lambda: b"\n: " in reader.text, 5)


async def test_who_comes_back_is_sent_what_has_changed_since_and_nothing_else(streamed: Streamed) -> None:
    async with streamed.read(metrics="dau,backlog") as reader:
        await reader.until("metric", 2)
        streamed.numbers.watermark += SECOND
        seen = (await reader.until("watermark"))[-1][1]
    assert seen
    async with streamed.read(seen=seen, metrics="dau,backlog") as reader:
        await streamed.rounds()
        assert reader.of("metric") == []
    streamed.counts(8)
    await streamed.rounds()
    async with streamed.read(seen=seen, metrics="dau,backlog") as reader:
        assert {body["metric"] for _, _, body in await reader.until("metric", 2)} == {"dau", "backlog"}
    async with streamed.read(seen="nonsense") as reader:
        assert await reader.until("metric")


async def test_a_slow_reader_gets_the_newest_value_of_each_metric_and_never_a_backlog(tmp_path: Path) -> None:
    streamed = Streamed(tmp_path, Times())
    async with streamed.read() as reader:
        await reader.until("metric")
        reader.reads.clear()
        for n in range(10, 30):
            streamed.counts(n)
            await streamed.rounds(0)
        await asyncio.sleep(0.05)
        reader.reads.set()
        await until(lambda: reader.of("metric")[-1][2]["value"] == 29, 5)
        assert len(reader.of("metric")) <= 4, "the first, one that was under way, the newest"
    streamed.live.close()


async def test_a_reader_that_does_not_read_is_cut_off_and_the_others_stay(streamed: Streamed) -> None:
    async with streamed.read() as stuck, streamed.read() as other:
        await stuck.until("metric")
        stuck.reads.clear()
        streamed.counts(5)
        await asyncio.wait_for(stuck.task, 3)
        assert stuck.aborted
        assert (await other.until("metric", 2))[-1][2]["value"] == 5
        assert streamed.live.listeners == 1


async def test_a_tenant_hears_its_own_numbers_and_no_others(streamed: Streamed) -> None:
    async with streamed.read() as mine, streamed.read(token="rt_other") as theirs:
        await mine.until("metric")
        await theirs.until("metric")
        assert streamed.live.questions == 2
        assert {question.tenant for question in streamed.numbers.asked} == {"demo", "other"}


async def test_a_token_that_is_taken_back_ends_the_stream(tmp_path: Path) -> None:
    streamed = Streamed(tmp_path)
    async with streamed.read(token="rt_other") as reader:
        await reader.until("metric")
        kept = {"tenants": TENANTS["tenants"][:1]}
        streamed.path.write_text(json.dumps(kept))
        await asyncio.wait_for(reader.task, 6)
    streamed.live.close()


async def test_the_cookie_of_the_page_may_listen(streamed: Streamed) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(streamed.app), base_url="http://sojourn") as browser:
        cookie = (await browser.post("/sign-in", data={"token": "rt_demo"})).headers["set-cookie"].partition(";")[0]
    async with Reader(streamed.app, DAU, {"cookie": cookie}) as reader:
        assert await reader.until("metric")


async def test_a_stream_without_news_says_that_it_is_alive(streamed: Streamed) -> None:
    async with streamed.read() as reader:
        await reader.until("metric")
        told = await reader.until("alive", 3)
        assert [(seen, data) for _, seen, data in told] == [(None, {})] * 3, "it takes the place of no id"


async def test_what_cannot_be_answered_is_told_once_and_tried_again(streamed: Streamed) -> None:
    async with streamed.read(metrics="dau,event_count", segment="country,event") as reader:
        ((_, no_id, problem),) = await reader.until("problem")
        assert (problem["metric"], problem["code"], no_id) == ("dau", "unknown_segment", None)
        assert (await reader.until("metric"))[0][2]["metric"] == "event_count"
        streamed.numbers.failure = StoreUnavailable("away")
        told = await reader.until("problem", 2)
        assert (told[1][2]["metric"], told[1][2]["code"]) == ("event_count", "store_unavailable")
        await streamed.rounds(5)
        assert len(reader.of("problem")) == 2
        streamed.numbers.failure = None
        assert (await reader.until("metric", 2))[-1][2]["value"] == 3


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "invalid_parameter"),
        ("metrics=dau&metrics=wau", "invalid_parameter"),
        ("metrics=nonsense", "unknown_metric"),
        ("metrics=dau&segment=nonsense", "unknown_segment"),
        ("metrics=dau&window=nonsense", "invalid_parameter"),
    ],
)
async def test_what_no_metric_understands_is_refused_at_once(streamed: Streamed, query: str, code: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(streamed.app), base_url="http://sojourn") as http:
        is_problem(await http.get(f"/v1/stream?{query}", headers=READ), code)
        is_problem(await http.get("/v1/stream?metrics=dau"), "unauthorized")
    assert streamed.live.questions == 0


async def test_a_tenant_has_so_many_different_questions_at_most(streamed: Streamed) -> None:
    readers = [streamed.read(metrics="dau", window=f"P{days}D") for days in range(1, MOST_QUESTIONS + 1)]
    try:
        for reader in readers:
            await reader.until("metric")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(streamed.app), base_url="http://sojourn") as http:
            is_problem(await http.get("/v1/stream?metrics=wau", headers=READ), "quota_exceeded")
        async with streamed.read(token="rt_other") as other:
            await other.until("metric")
        await readers.pop().leave()
        async with streamed.read(metrics="wau") as another:
            await another.until("metric")
    finally:
        await asyncio.gather(*(reader.leave() for reader in readers))


async def test_nothing_is_computed_any_more_some_time_after_the_last_listener_has_gone(streamed: Streamed) -> None:
    async with streamed.read() as reader:
        await reader.until("metric")
    assert streamed.live.questions == 1
    await until(lambda: streamed.live.questions == 0, 5)
    asked = len(streamed.numbers.asked)
    await asyncio.sleep(0.1)
    assert len(streamed.numbers.asked) == asked


async def test_closing_ends_every_stream_also_that_of_a_stuck_reader(streamed: Streamed) -> None:
    async with streamed.read() as reader, streamed.read() as stuck:
        await reader.until("metric")
        await stuck.until("metric")
        stuck.reads.clear()
        streamed.counts(7)
        await reader.until("metric", 2)
        streamed.live.close()
        await asyncio.wait_for(asyncio.gather(reader.task, stuck.task), 2)
        assert not reader.aborted
    async with httpx.AsyncClient(transport=httpx.ASGITransport(streamed.app), base_url="http://sojourn") as http:
        is_problem(await http.get("/v1/stream?metrics=dau", headers=READ), "overloaded")


async def test_every_metric_can_be_listened_to_at_once(streamed: Streamed) -> None:
    async with streamed.read(metrics=",".join(METRICS)) as reader:
        assert {body["metric"] for _, _, body in await reader.until("metric", len(METRICS), 10)} == set(METRICS)
        streamed.numbers.watermark += SECOND
        watermark = (await reader.until("watermark"))[-1][2]["watermark"]
        assert parse_instant(watermark, "UTC") == streamed.numbers.watermark
