"""The servers that the benches compare, each a process under the very uvicorn configuration of `deploy.server`.

Only ours has what that server does besides (it tunes the garbage collector): the others are what one would first write.

`empty`: an ASGI app that answers without looking. `fastapi`: FastAPI's empty route. `plain`: see `plain.py`. `memory`:
our ingest before a log that acknowledges every few milliseconds and keeps nothing, so Kafka is all that is missing.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI

from deploy.direct import DirectProtocol
from deploy.guarded import Guarded
from deploy.observe import Counting
from deploy.server import Server, bind
from ingest.app import router
from ingest.dispatcher import App, Dispatcher, Receive, Scope, Send
from ingest.service import Ingest
from schemas.record import Frame, pack
from schemas.tenants import Tenants
from tests.bench import plain

ACKNOWLEDGED_AFTER = 0.003


class GroupCommit:
    """Satisfies `schemas.ports.Log`: what arrives within 3 ms is packed as one record, then forgotten."""

    def __init__(self) -> None:
        self._open: list[tuple[Frame, asyncio.Future[None]]] = []

    async def append(self, frame: Frame) -> None:
        loop = asyncio.get_running_loop()
        if not self._open:
            loop.call_later(ACKNOWLEDGED_AFTER, self._commit)
        done = loop.create_future()
        self._open.append((frame, done))
        await done

    def ready(self) -> bool:
        return True

    def _commit(self) -> None:
        frames, self._open = self._open, []
        pack(Frame(frames[0][0].received_at, [line for frame, _ in frames for line in frame.records]))
        for _, done in frames:
            if not done.done():
                done.set_result(None)


async def empty(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The least that an app can do."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def fastapi_empty() -> FastAPI:
    """The least that FastAPI can do."""
    app = FastAPI()

    @app.post("/v1/events")
    async def route() -> dict[str, Any]:
        return {}

    return app


def ours(tenants: Path) -> tuple[App, Callable[..., asyncio.Protocol]]:
    """The dispatcher in front of the documented routes and the protocol in front of it, as every service has them."""
    ingest = Ingest(GroupCommit(), Tenants(tenants))
    app = FastAPI()
    app.include_router(router(ingest))
    requests = Counting(Dispatcher(app, ingest))
    return requests, partial(DirectProtocol, ingest, requests)


async def serve(options: argparse.Namespace) -> None:
    """One of them, until told to stop."""
    async with AsyncExitStack() as stack:
        app: Any
        protocol: Callable[..., asyncio.Protocol] = Guarded
        if options.kind == "plain":
            app = plain.app(options.kafka)
            await stack.enter_async_context(app.router.lifespan_context(app))
        else:
            app = fastapi_empty() if options.kind == "fastapi" else empty
            app, protocol = ours(options.tenants) if options.kind == "memory" else (app, protocol)
        listening = bind("127.0.0.1", options.port)
        ours_too = Server(app, drain_seconds=2, started=lambda: None, draining=lambda: None, protocol=protocol)
        server = ours_too if options.kind == "memory" else uvicorn.Server(ours_too.config)
        listening.listen(1024)  # who connects from now on is served, if a moment later
        print("started", flush=True)
        await server.serve([listening])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("empty", "fastapi", "plain", "memory"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kafka", default="")
    parser.add_argument("--tenants", type=Path)
    uvloop.run(serve(parser.parse_args()))
