"""HEAD is answered wherever GET is, and ends even where GET does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from deploy import observe
from deploy.application import application
from deploy.inside import Visitors


async def ready() -> str:
    return ""


async def test_every_route_that_has_get_has_head() -> None:
    app = application(observe.router(ready, dict), visitors=Visitors(""))
    gets = {*(path for path, methods in app.openapi()["paths"].items() if "get" in methods), "/docs", "/openapi.json"}
    assert {"/healthz", "/readyz", "/metrics"} < gets
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        for path in gets:
            head, get = await http.head(path), await http.get(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            assert head.headers["content-type"] == get.headers["content-type"]
        assert (await http.head("/nothing")).status_code == 404


async def test_head_of_a_route_that_reads_its_request_first_is_answered() -> None:
    async def read(request: Request) -> str:
        return (await request.body()).decode()

    routes = APIRouter()
    routes.add_api_route("/reads", read, methods=["GET"])
    app = application(routes, visitors=Visitors(""))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        async with asyncio.timeout(5):
            assert (await http.head("/reads")).status_code == 200


async def test_head_of_a_stream_ends() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    routes = APIRouter()
    routes.add_api_route("/stream", lambda: StreamingResponse(endless()), methods=["GET"])
    app = application(routes, visitors=Visitors(""))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        async with asyncio.timeout(5):
            assert (await http.head("/stream")).status_code == 200
            await ended.wait()
