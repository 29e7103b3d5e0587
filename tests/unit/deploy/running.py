"""A server on loopback, in this event loop, with what is behind it: for tests of what is on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from deploy.direct import DirectProtocol
from deploy.guard import Guard, Limits
from deploy.guarded import Guarded
from deploy.observe import Counting
from deploy.server import Server, bind
from ingest.app import router
from ingest.dispatcher import Dispatcher
from ingest.service import Ingest
from schemas.ports import LogUnavailable
from schemas.record import Frame
from schemas.tenants import Tenants
from tests.service import TENANTS, WRITE_KEY

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

    def __init__(self, tenants: Path, *, direct: bool, limits: Limits) -> None:
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
        protocol = partial(DirectProtocol, self.ingest, self.requests) if direct else Guarded
        self.listening = bind("127.0.0.1", 0)
        self.listening.listen()
        self.started = asyncio.Event()
        self.guard = Guard(limits, self.requests.cut)
        self.server = Server(
            self.requests,
            drain_seconds=5,
            started=self.started.set,
            draining=lambda: None,
            protocol=protocol,
            guard=self.guard,
        )

    def sweep_after(self, seconds: float) -> None:
        """What the guard does so many seconds from now, if nothing happens until then."""
        now = asyncio.get_running_loop().time() + seconds
        self.guard.sweep(tuple(self.server.server_state.connections), now)  # type: ignore[arg-type]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listening.getsockname()[1])

    async def ask(self, *requests: bytes, first: float = 5.0) -> bytes:
        """What comes back on one connection until it is quiet, without the date; `first`: seconds to its beginning."""
        reader, writer = await self.connect()
        for request in requests:
            writer.write(request)
            await writer.drain()
        found = b""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET if found else first):
                    part = await reader.read(65536)
                if not part:
                    break
                found += part
        writer.close()
        return b"\r\n".join(sorted_head(found))


def sorted_head(answers: bytes) -> list[bytes]:
    """Lines without the date; the order of headers says nothing."""
    lines = [line for line in answers.split(b"\r\n") if not line.lower().startswith(b"date:")]
    return sorted(lines) if answers.count(b"HTTP/1.1 ") == 1 else lines


@asynccontextmanager
async def running(
    folder: Path, *, direct: bool = True, limits: Limits | None = None, tenants: Mapping[str, Any] = TENANTS
) -> AsyncIterator[Running]:
    path = folder / f"tenants{direct}.json"
    path.write_text(json.dumps(tenants))
    here = Running(path, direct=direct, limits=limits or Limits())
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
    return (
        "\r\n".join([f"POST {path} HTTP/{version}", "Host: x", "X-Request-Id: r1", *told, *headers, "", ""]).encode()
        + body
    )
