"""The protocol that answers producers before ASGI: on the wire it is the dispatcher, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from msgspec.structs import replace

from deploy.direct import DirectProtocol
from deploy.observe import Counting
from deploy.server import Server, bind
from ingest.app import router
from ingest.body import MAX_WIRE_BYTES
from ingest.dispatcher import Dispatcher
from ingest.service import Ingest
from schemas.ports import LogUnavailable
from schemas.record import Frame, decode_records, encode
from schemas.tenants import Tenants
from tests.service import TENANTS, WRITE_KEY
from tests.waiting import until

QUIET = 0.1
"""Seconds without an answer after which none is expected."""
KEY = f"Authorization: Bearer {WRITE_KEY}"
EVENT = b'{"event":"product_added","messageId":"m1"}'


class GatedLog:
    """Takes frames once the gate is open; refuses them all once it is broken."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False
        self.frames: list[Frame] = []

    async def append(self, frame: Frame) -> None:
        await self.gate.wait()
        if self.broken:
            raise LogUnavailable("broken", 3)
        self.frames.append(frame)

    def ready(self) -> bool:
        return True


class Running:
    """A server on loopback, and what is behind it."""

    def __init__(self, tenants: Path, *, direct: bool) -> None:
        self.log = GatedLog()
        self.ingest = Ingest(self.log, Tenants(tenants), clock=lambda: 1_795_000_000_000, jitter=lambda: 0.0)
        app = FastAPI()
        app.include_router(router(self.ingest))
        self.seen: list[str] = []
        inner = Dispatcher(app, self.ingest)

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            self.seen.append(scope["path"])
            await inner(scope, receive, send)

        self.requests = Counting(noting)
        protocol = partial(DirectProtocol, self.ingest, self.requests) if direct else None
        self.listening = bind("127.0.0.1", 0)
        self.listening.listen()
        self.started = asyncio.Event()
        self.server = Server(
            self.requests, drain_seconds=5, started=self.started.set, draining=lambda: None, protocol=protocol
        )

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listening.getsockname()[1])

    async def ask(self, *requests: bytes) -> bytes:
        """What comes back on one connection until it is quiet; the date left out."""
        reader, writer = await self.connect()
        for request in requests:
            writer.write(request)
            await writer.drain()
        found = b""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET):
                    part = await reader.read(65536)
                if not part:
                    break
                found += part
        writer.close()
        return b"\r\n".join(sorted_head(found))


def sorted_head(answers: bytes) -> list[bytes]:
    """Lines without the date; the order of headers says nothing."""
    own = (b"date:", b"x-request-id:")  # of the moment, and of the process
    lines = [line for line in answers.split(b"\r\n") if not line.lower().startswith(own)]
    return sorted(lines) if answers.count(b"HTTP/1.1 ") == 1 else lines


def untraced(frame: Frame) -> Frame:
    """The frame as if no request had had an id."""
    traced = [record for record in decode_records(frame.records) if record.request_id]
    assert len(traced) == len(frame.records)
    return replace(frame, records=[encode(replace(record, request_id="")) for record in traced])


@asynccontextmanager
async def running(folder: Path, *, direct: bool = True) -> AsyncIterator[Running]:
    path = folder / f"tenants{direct}.json"
    path.write_text(json.dumps(TENANTS))
    here = Running(path, direct=direct)
    serving = asyncio.create_task(here.server.serve([here.listening]))
    await here.started.wait()
    try:
        yield here
    finally:
        here.log.gate.set()
        here.server.should_exit = True
        await serving


def post(
    body: bytes = EVENT, *headers: str, path: str = "/v1/events", version: str = "1.1", length: bool = True
) -> bytes:
    told = [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([f"POST {path} HTTP/{version}", "Host: x", *told, *headers, "", ""]).encode() + body


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
    "another method": b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
    "another path": post(EVENT, KEY, path="/v1/nothing"),
    "no HTTP": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_a_request_is_answered_as_behind_the_dispatcher(tmp_path: Path, request_name: str) -> None:
    async with running(tmp_path, direct=True) as one, running(tmp_path, direct=False) as other:
        request = REQUESTS[request_name]
        assert await one.ask(request) == await other.ask(request)
        assert list(map(untraced, one.log.frames)) == list(map(untraced, other.log.frames))
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
        await here.ask(sent)
        await until(lambda: here.requests.in_flight == 0, 5.0)
        assert here.ingest.budget.held == 0
        assert here.log.frames == []


async def test_who_leaves_before_the_answer_is_counted_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.gate.clear()
        await here.ask(post(EVENT, KEY))
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
