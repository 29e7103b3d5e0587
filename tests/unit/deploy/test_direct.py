"""The protocol that answers producers before ASGI: on the wire it is the dispatcher, byte for byte."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ingest.body import MAX_WIRE_BYTES
from tests.service import WRITE_KEY
from tests.unit.deploy.running import EVENT, KEY, QUIET, post, running
from tests.waiting import until

CHUNKED = b"5\r\n" + EVENT[:5] + b"\r\n" + b"%x\r\n" % len(EVENT[5:]) + EVENT[5:] + b"\r\n0\r\n\r\n"
REQUESTS: dict[str, bytes] = {
    "one event": post(EVENT, KEY),
    "no key": post(EVENT),
    "an unknown key": post(EVENT, "X-Write-Key: nobody"),
    "a key in the query": post(EVENT, path=f"/v1/events?write_key={WRITE_KEY}"),
    "nothing good": post(b"[]", KEY),
    "no JSON": post(b"nonsense", KEY),
    "an unknown encoding": post(EVENT, KEY, "Content-Encoding: br"),
    "a page's origin": post(EVENT, KEY, "Origin: https://shop.example"),
    "a length that is too long": post(b"", KEY, f"Content-Length: {MAX_WIRE_BYTES + 1}", length=False),
    "a body in chunks": post(CHUNKED, KEY, "Transfer-Encoding: chunked", length=False),
    "a client of Segment": post(b'{"batch":[{"type":"track","event":"x","messageId":"m"}]}', KEY, path="/v1/batch"),
    "the old protocol": post(EVENT, KEY, version="1.0"),
    "the last of a connection": post(EVENT, KEY, "Connection: close"),
    "a client that waits to be asked": post(EVENT, KEY, "Expect: 100-continue"),
    "another method": b"GET /v1/events HTTP/1.1\r\nHost: x\r\nX-Request-Id: r1\r\n\r\n",
    "another path": post(EVENT, KEY, path="/v1/nothing"),
    "no HTTP": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_a_request_is_answered_as_behind_the_dispatcher(tmp_path: Path, request_name: str) -> None:
    async with running(tmp_path, direct=True) as one, running(tmp_path, direct=False) as other:
        request = REQUESTS[request_name]
        assert await one.ask(request) == await other.ask(request)
        assert one.log.frames == other.log.frames
        assert (one.requests.by_status, one.requests.in_flight) == (other.requests.by_status, 0)
        assert one.ingest.budget.held == 0


async def test_what_is_posted_often_never_reaches_asgi(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        answers = await here.ask(post(EVENT, KEY) + post(EVENT, KEY, path="/v1/nothing"), post(EVENT, KEY))
        assert answers.count(b"HTTP/1.1 202 ") == 2
        assert here.seen.count("/v1/nothing") == 1
        assert await here.ask(post(EVENT, KEY)) != b""
        assert len(here.seen) <= 2  # a request that came while another was under way may take the long way


async def test_requests_that_were_sent_at_once_are_answered_in_their_order(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.gate.clear()
        sent = [post(EVENT, KEY), b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", post(b"[]", KEY), post(EVENT, KEY)]
        asking = asyncio.create_task(here.ask(*sent))
        await asyncio.sleep(0.05)
        here.log.gate.set()
        answers = (await asking).decode()
        assert [part[:3] for part in answers.split("HTTP/1.1 ")[1:]] == ["202", "405", "422", "202"]


async def test_what_the_log_refuses_is_503_with_a_time_to_wait(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.broken = True
        answer = await here.ask(post(EVENT, KEY))
        assert b"HTTP/1.1 503 Service Unavailable" in answer
        assert b"retry-after: 3" in answer


async def test_a_body_that_grows_too_long_is_refused_while_it_is_sent(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        head = post(b"", KEY, "Transfer-Encoding: chunked", length=False)
        chunk = b"%x\r\n" % 400_000 + b"x" * 400_000 + b"\r\n"
        answer = await here.ask(head, chunk, chunk, chunk)
        assert b"HTTP/1.1 413 " in answer
        assert here.ingest.budget.held == 0


@pytest.mark.parametrize("sent", [post(EVENT, KEY)[:-3], post(EVENT, KEY)[:-30]])
async def test_who_leaves_in_the_middle_of_a_body_leaves_nothing_behind(tmp_path: Path, sent: bytes) -> None:
    async with running(tmp_path) as here:
        await here.ask(sent, first=QUIET)
        await until(lambda: here.requests.in_flight == 0, 5.0)
        assert here.ingest.budget.held == 0
        assert here.log.frames == []


async def test_who_leaves_before_the_answer_is_counted_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.gate.clear()
        await here.ask(post(EVENT, KEY), first=QUIET)
        here.log.gate.set()
        await until(lambda: here.requests.in_flight == 0, 5.0)
        assert len(here.log.frames) == 1


async def test_a_stop_waits_for_the_answer_that_is_under_way_and_then_closes(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.gate.clear()
        reader, writer = await here.connect()
        writer.write(post(EVENT, KEY))
        await writer.drain()
        await until(lambda: here.requests.in_flight == 1, 5.0)
        here.server.should_exit = True
        await asyncio.sleep(0.3)
        here.log.gate.set()
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 202 ")
        assert b"connection: close" in answer
        writer.close()
