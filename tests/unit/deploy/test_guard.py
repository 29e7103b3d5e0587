"""What a connection may cost before its caller is known, and that strangers hold up nobody."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from deploy.guard import Limits
from tests.service import TENANTS, WRITE_KEY
from tests.unit.deploy.running import EVENT, KEY, Running, post, running
from tests.waiting import until

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SHOP = {"id": "shop", "write_keys": ["wk_shop"]}
BOTH = pytest.mark.parametrize("direct", [True, False])


async def open_with(here: Running, sent: bytes) -> Pair:
    reader, writer = await here.connect()
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def ended(pair: Pair) -> bytes:
    """All that comes until the server hangs up."""
    async with asyncio.timeout(10):
        try:
            return await pair[0].read()
        except ConnectionResetError:
            return b"(reset)"
        finally:
            pair[1].close()


async def is_open(pair: Pair) -> bool:
    try:
        async with asyncio.timeout(0.05):
            return await pair[0].read(1) != b""
    except TimeoutError:
        return True


@BOTH
@pytest.mark.parametrize(
    "endless",
    [
        b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000,
        b"GET / HTTP/1.1\r\nX" + b"a" * 300_000,
        b"GET /" + b"a" * 300_000,
        b"POST /v1/events HTTP/1.1\r\n" + b"x: y\r\n" * 40_000,
        b"POST /v1/events HTTP/1.1\r\n" + b"x: y\r\n" * 101 + b"\r\n",
        b"GET /?" + b"a&" * 300 + b" HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"\r\n" * 40_000,
        b"\n" * 80_000 + b"GET /healthz HTTP/1.1\r\n\r\n",
    ],
)
async def test_a_head_without_measure_is_431_and_the_end(tmp_path: Path, endless: bytes, direct: bool) -> None:
    async with running(tmp_path, direct=direct) as here:
        answer = await ended(await open_with(here, endless))
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b"connection: close" in answer
        assert b'"code": "headers_too_large"' in answer
        assert here.requests.cut == {"headers_too_large": 1}
        await until(lambda: here.guard.unfinished == 0, 5.0)


async def test_an_endless_head_costs_as_much_as_it_has_bytes(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        pair = await open_with(here, b"GET / HTTP/1.1\r\nX: ")
        began = time.process_time()
        for _ in range(60_000):
            pair[1].write(b"a")
        await pair[1].drain()
        assert time.process_time() - began < 3
        pair[1].write(b"a" * 30_000_000)
        assert (await ended(pair))[:13] in (b"HTTP/1.1 431 ", b"(reset)")
        await until(lambda: not here.server.server_state.connections, 5.0)
        assert time.process_time() - began < 6


@BOTH
async def test_blank_lines_between_requests_are_bounded_and_a_few_are_nothing(tmp_path: Path, direct: bool) -> None:
    async with running(tmp_path, direct=direct) as here:
        few = b"\r\n" * 20_000
        pair = await open_with(here, few + post(EVENT, KEY) + few + post(EVENT, KEY) + few)
        await until(lambda: len(here.log.frames) == 2, 5.0)
        pair[1].write(b"\r\n" * 40_000)
        answers = await ended(pair)
        assert (answers.count(b"HTTP/1.1 202 "), answers.count(b"HTTP/1.1 431 ")) == (2, 1)
        assert here.requests.cut == {"headers_too_large": 1}
        assert here.guard.unfinished == 0


async def test_trailers_without_end_are_cut(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        chunked = post(b"2\r\n[]\r\n0\r\n" + b"x: y\r\n" * 200, KEY, "Transfer-Encoding: chunked", length=False)
        assert (await ended(await open_with(here, chunked))).startswith(b"HTTP/1.1 431 ")
        assert here.ingest.budget.held == 0


async def test_no_http_is_said_to_be_none(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        answer = await ended(await open_with(here, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"code": "malformed_request"' in answer


HALVES = {
    "silent": b"",
    "blank lines": b"\r\n\r\n",
    "half a head": b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Half",
    "half a body": post(EVENT, KEY)[:-1],
    "half a body of a stranger": post(EVENT)[:-1],
    "half a body for the app": post(EVENT, path="/v1/nothing")[:-1],
}


@BOTH
@pytest.mark.parametrize("half", HALVES)
async def test_what_does_not_come_in_ten_seconds_is_not_waited_for(tmp_path: Path, half: str, direct: bool) -> None:
    async with running(tmp_path, direct=direct) as here:
        pair = await open_with(here, HALVES[half])
        await asyncio.sleep(0.05)
        here.sweep_after(9.5)
        await asyncio.sleep(0.02)
        assert len(here.server.server_state.connections) == 1
        here.sweep_after(11)
        answer = await ended(pair)
        if not half.startswith(("silent", "blank")) and half != "half a body for the app":
            assert answer.startswith(b"HTTP/1.1 408 ")
        await until(lambda: not here.server.server_state.connections, 5.0)
        assert (here.requests.in_flight, here.ingest.budget.held, here.ingest.strangers.held) == (0, 0, 0)
        assert here.guard.unfinished == 0


@BOTH
@pytest.mark.parametrize("sent", [post(EVENT, KEY), b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", post(EVENT)])
async def test_an_idle_connection_is_closed_after_half_a_minute(tmp_path: Path, sent: bytes, direct: bool) -> None:
    async with running(tmp_path, direct=direct) as here:
        pair = await open_with(here, sent)
        async with asyncio.timeout(5):
            await pair[0].readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        here.sweep_after(29)
        await asyncio.sleep(0.02)
        assert len(here.server.server_state.connections) == 1
        here.sweep_after(31)
        await ended(pair)
        assert here.requests.cut == {"idle": 1}


async def test_a_slow_answer_of_ours_is_never_cut(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.gate.clear()
        pair = await open_with(here, post(EVENT, KEY))
        await until(lambda: here.requests.in_flight == 1, 5.0)
        here.sweep_after(100)
        here.log.gate.set()
        async with asyncio.timeout(5):
            assert (await pair[0].readuntil(b"\r\n")).startswith(b"HTTP/1.1 202 ")
        pair[1].close()


async def test_a_body_that_comes_fast_enough_has_a_minute_at_most(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        pair = await open_with(here, post(b" " * 200_000, KEY)[:-1])
        await asyncio.sleep(0.1)
        here.sweep_after(15)
        await asyncio.sleep(0.02)
        assert len(here.server.server_state.connections) == 1
        here.sweep_after(61)
        assert (await ended(pair)).startswith(b"HTTP/1.1 408 ")
        assert here.requests.cut == {"request_timeout": 1}


@BOTH
async def test_a_client_that_reads_no_answer_is_cut(tmp_path: Path, direct: bool) -> None:
    items = b"[" + b",".join([b'{"event":""}'] * 5000) + b"]"
    async with running(tmp_path, direct=direct) as here:
        reader, writer = await here.connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # as a client that hangs
        for _ in range(20):
            writer.write(post(items, KEY))
        await until(lambda: any(each._unsent for each in here.server.server_state.connections), 20.0)  # type: ignore[union-attr]
        here.sweep_after(31)
        await until(lambda: here.requests.cut["unread"] == 1, 5.0)
        writer.close()


async def test_too_many_requests_before_an_answer_end_the_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.log.gate.clear()
        await ended(await open_with(here, post(EVENT, KEY) * 70))
        assert here.requests.cut["overloaded"] == 1


async def test_of_too_many_strangers_the_oldest_that_waits_gives_way(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(address_connections=3)) as here:
        keyed = await open_with(here, post(EVENT, KEY))
        await keyed[0].readuntil(b"\r\n\r\n")
        silent = []
        for _ in range(3):
            silent.append(await open_with(here, b""))
            await asyncio.sleep(0.02)
        assert await is_open(silent[0])
        more = [await open_with(here, b"") for _ in range(2)]
        await until(lambda: here.requests.cut["gave_way"] == 2, 5.0)
        assert [await is_open(pair) for pair in (*silent, *more)] == [False, False, True, True, True]
        keyed[1].write(post(EVENT, KEY))
        assert (await keyed[0].readuntil(b"\r\n\r\n")).count(b" 202 ") <= 1
        for _, writer in (keyed, *silent, *more):
            writer.close()


async def test_a_key_is_judged_before_the_body_comes(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        for told, status in (("X-Write-Key: nobody", b"401"), ("Authorization: Bearer rt_test", b"403")):
            pair = await open_with(here, post(b" " * 900_000, told)[:300])
            async with asyncio.timeout(5):
                assert (await pair[0].readuntil(b"\r\n"))[9:12] == status
            pair[1].close()


async def test_bodies_of_strangers_take_nothing_from_those_with_keys(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        pairs = [await open_with(here, post(b" " * 999_999)[:-10]) for _ in range(79)]
        await until(lambda: here.ingest.strangers.held > 3_000_000, 20.0)
        assert here.ingest.strangers.held < here.ingest.budget.limit // 8
        assert here.ingest.budget.held == 0
        assert b"HTTP/1.1 202 " in await here.ask(post(EVENT, KEY))
        for _, writer in pairs:
            writer.close()


async def test_half_bodies_of_one_tenant_leave_room_for_another(tmp_path: Path) -> None:
    async with running(tmp_path, tenants={"tenants": [*TENANTS["tenants"], SHOP]}) as here:
        here.ingest.budget.limit = 8_000_000
        pairs = [await open_with(here, post(b" " * 999_999, KEY)[:-10]) for _ in range(12)]
        await until(lambda: here.ingest.budget.held > 4_000_000, 20.0)
        await asyncio.sleep(0.2)
        assert b"HTTP/1.1 202 " in await here.ask(post(b" " * 900_000 + EVENT, "X-Write-Key: wk_shop"))
        for _, writer in pairs:
            writer.close()
        assert WRITE_KEY not in SHOP["write_keys"]
